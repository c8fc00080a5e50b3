//! Checks that the report of an outage adds up and keeps its promises.
//!
//! ```text
//! cargo run --release --example outage -- --quick
//! cargo run --release --example outage_check -- target/outage/report.json
//! ```
//!
//! Shares no code with the program that wrote the report: it reads the JSON like any other reader. Prints a line for
//! each promise; exits with 1 if one is broken, with 2 if there is no report to be read.

use std::process::ExitCode;
use std::{env, fs};

use serde_json::Value;

fn main() -> ExitCode {
    let path = env::args().nth(1).unwrap_or_else(|| "target/outage/report.json".to_owned());
    match read(&path) {
        Ok(report) => verdict(&findings(&report)),
        Err(error) => {
            eprintln!("error: {path}: {error}");
            ExitCode::from(2)
        }
    }
}

fn read(path: &str) -> Result<Value, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn verdict(findings: &[Finding]) -> ExitCode {
    for finding in findings {
        println!("{} {}", if finding.holds { "ok    " } else { "BROKEN" }, finding.words);
    }
    let broken = findings.iter().filter(|finding| !finding.holds).count();
    println!("{} passed, {broken} failed", findings.len() - broken);
    ExitCode::from(u8::from(broken > 0))
}

/// A promise, and whether it is kept.
struct Finding {
    holds: bool,
    words: String,
}

fn finding(holds: bool, words: impl Into<String>) -> Finding {
    Finding { holds, words: words.into() }
}

/// After the end of the last fault the seawall client is back within this many seconds.
const BACK: f64 = 1.5;

fn findings(report: &Value) -> Vec<Finding> {
    let complete = report["complete"] == Value::Bool(true);
    let mut findings = vec![finding(complete, "the script was played to its end")];
    for client in each(&report["clients"]) {
        findings.extend(accounts(client));
    }
    let Some(seawall) = each(&report["clients"]).iter().find(|client| client["name"] == "seawall")
    else {
        findings.push(finding(false, "there is a seawall client"));
        return findings;
    };
    findings.push(circle(report));
    findings.push(chain(report));
    findings.push(came_back(seawall));
    findings.push(came_back_in_time(seawall));
    findings.push(left_alone(report, seawall));
    findings.push(better(report, seawall));
    findings
}

/// Every call is counted exactly once: in total, in each phase, and in each slice of time.
fn accounts(client: &Value) -> Vec<Finding> {
    let name = client["name"].as_str().unwrap_or("a client without a name");
    let calls = count(client, "calls");
    let outcomes = |value: &Value| {
        count(value, "successes") + count(value, "failures") + count(value, "refusals")
    };
    let phases = each(&client["phases"]);
    let by_phase = phases.iter().all(|phase| count(phase, "calls") == outcomes(phase));
    let in_phases: u64 = phases.iter().map(|phase| count(phase, "calls")).sum();
    let in_slices: u64 = each(&client["timeline"]).iter().map(outcomes).sum();
    let causes = total(&client["failures_by_cause"]);
    let reasons = total(&client["refusals_by_reason"]);
    vec![
        finding(
            calls > 0 && calls == outcomes(client) && count(client, "vanished") == 0,
            format!("{name}: {calls} calls = successes + failures + refusals"),
        ),
        finding(
            by_phase && calls == in_phases && calls == in_slices,
            format!("{name}: so in each phase and in each slice of time"),
        ),
        finding(
            causes == count(client, "failures") && reasons == count(client, "refusals"),
            format!("{name}: each failure has a cause, each refusal a reason"),
        ),
    ]
}

/// The circuit went closed → open → closed at least once.
fn circle(report: &Value) -> Finding {
    let words = "the circuit went closed → open → closed";
    // States in between, such as half-open, belong to the same recovery.
    let mut expected = ["open", "closed"].iter().peekable();
    for change in each(&report["pipeline"]["transitions"]) {
        if expected.peek().is_some_and(|state| change["to"] == **state) {
            expected.next();
        }
    }
    finding(expected.peek().is_none(), words)
}

/// Each transition begins where the one before it ended, and says why.
fn chain(report: &Value) -> Finding {
    let changes = each(&report["pipeline"]["transitions"]);
    let linked = changes.windows(2).all(|pair| {
        pair[0]["to"] == pair[1]["from"] && pair[0]["at_s"].as_f64() <= pair[1]["at_s"].as_f64()
    });
    let begins = changes.first().is_none_or(|change| change["from"] == "closed");
    let reasons = changes.iter().all(|change| !change["reason"].as_str().unwrap_or("").is_empty());
    let none_dropped = count(&report["pipeline"], "transitions_dropped") == 0;
    let words = format!("its {} transitions form a chain, each with its reason", changes.len());
    finding(linked && begins && reasons && none_dropped, words)
}

/// Goodput in the last phase is at least 95 % of the first phase's.
fn came_back(seawall: &Value) -> Finding {
    let goodput = |phase: Option<&Value>| {
        phase.and_then(|phase| phase["goodput_per_s"].as_f64()).unwrap_or(0.0)
    };
    let phases = each(&seawall["phases"]);
    let (first, last) = (goodput(phases.first()), goodput(phases.last()));
    let words =
        format!("seawall: {last:.0} answers a second in the last phase, {first:.0} in the first");
    finding(first > 0.0 && last >= 0.95 * first, words)
}

/// After the last fault goodput is back soon.
fn came_back_in_time(seawall: &Value) -> Finding {
    let mut faults =
        each(&seawall["phases"]).iter().filter(|phase| !phase["watched_for_s"].is_null());
    let back = faults.next_back().and_then(|fault| fault["goodput_back_after_s"].as_f64());
    let words = match back {
        Some(back) => format!("seawall: back {back:.2} s after the end of the last fault"),
        None => "seawall: back after the end of the last fault".to_owned(),
    };
    finding(back.is_some_and(|back| back <= BACK), words)
}

/// While no request can be answered, attempts are under 15 % of calls.
fn left_alone(report: &Value, seawall: &Value) -> Finding {
    let (mut attempts, mut calls) = (0, 0);
    for (phase, counts) in each(&report["phases"]).iter().zip(each(&seawall["phases"])) {
        if phase["kind"] == "refused" || phase["kind"] == "black hole" {
            attempts += count(counts, "attempts");
            calls += count(counts, "calls");
        }
    }
    let words =
        format!("seawall: {attempts} attempts for {calls} calls while nothing was answered");
    finding(calls > 0 && attempts * 100 < calls * 15, words)
}

/// The seawall client got more answers than either of the others.
fn better(report: &Value, seawall: &Value) -> Finding {
    let mut others = each(&report["clients"]).iter().filter(|client| client["name"] != "seawall");
    let ours = count(seawall, "successes");
    let words = format!("seawall: {ours} answers, more than either of the others");
    finding(others.all(|client| count(client, "successes") < ours), words)
}

fn each(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

/// A count; anything else breaks every sum that it is in.
fn count(of: &Value, field: &str) -> u64 {
    of[field].as_u64().unwrap_or(u64::from(u32::MAX))
}

fn total(counts: &Value) -> u64 {
    counts.as_object().map_or(0, |counts| counts.values().filter_map(Value::as_u64).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn client(name: &str, successes: u64) -> Value {
        let (failures, refusals) = (300 - successes - 20, 20);
        let phase = |calls: u64, successes: u64, attempts: u64, watched: Value, back: Value| {
            json!({"calls": calls, "successes": successes, "failures": calls - successes, "refusals": 0,
                   "attempts": attempts, "goodput_per_s": successes, "watched_for_s": watched,
                   "goodput_back_after_s": back})
        };
        json!({
            "name": name, "calls": 300, "successes": successes, "failures": failures,
            "refusals": refusals, "vanished": 0,
            "failures_by_cause": {"answered 500": failures}, "refusals_by_reason": {"open": refusals},
            "phases": [
                phase(100, 100, 100, Value::Null, Value::Null),
                phase(100, 0, 14, json!(4.0), json!(0.5)),
                phase(100, 95, 100, Value::Null, Value::Null),
            ],
            "timeline": [{"successes": 300, "failures": 0, "refusals": 0}],
        })
    }

    fn report() -> Value {
        let change = |from: &str, to: &str, at: f64| json!({"from": from, "to": to, "at_s": at, "reason": "x"});
        json!({
            "complete": true,
            "phases": [{"kind": "healthy"}, {"kind": "refused"}, {"kind": "healthy"}],
            "clients": [client("bare", 150), client("naive", 100), client("seawall", 195)],
            "pipeline": {"transitions_dropped": 0, "transitions": [
                change("closed", "open", 1.0), change("open", "half-open", 1.5),
                change("half-open", "closed", 2.0),
            ]},
        })
    }

    fn broken(report: &Value) -> Vec<String> {
        let findings = findings(report).into_iter();
        findings.filter(|finding| !finding.holds).map(|finding| finding.words).collect()
    }

    #[test]
    fn a_good_report_keeps_every_promise() {
        assert_eq!(broken(&report()), Vec::<String>::new());
    }

    #[test]
    fn each_broken_promise_is_found() {
        let seawall = "/clients/2";
        let cases = [
            ("/complete", json!(false), "the script was played"),
            ("/clients/0/calls", json!(301), "bare: 301 calls"),
            ("/clients/1/vanished", json!(1), "naive: 300 calls"),
            ("/clients/0/phases/0/failures", json!(1), "so in each phase"),
            ("/clients/0/timeline/0/successes", json!(299), "so in each phase"),
            ("/clients/0/failures_by_cause/answered 500", json!(1), "each failure has a cause"),
            ("/clients/0/refusals_by_reason/open", json!(1), "each refusal a reason"),
            ("/pipeline/transitions/2/to", json!("open"), "went closed → open"),
            ("/pipeline/transitions/1/from", json!("closed"), "form a chain"),
            ("/pipeline/transitions/1/reason", json!(""), "form a chain"),
            ("/pipeline/transitions_dropped", json!(1), "form a chain"),
            (&format!("{seawall}/phases/2/goodput_per_s"), json!(94.0), "94 answers a second"),
            (&format!("{seawall}/phases/1/goodput_back_after_s"), json!(1.6), "back 1.60 s after"),
            (
                &format!("{seawall}/phases/1/goodput_back_after_s"),
                Value::Null,
                "back after the end",
            ),
            (&format!("{seawall}/phases/1/attempts"), json!(15), "15 attempts for 100 calls"),
            ("/clients/0/successes", json!(195), "more than either"),
            (&format!("{seawall}/name"), json!("breakwater"), "there is a seawall client"),
        ];
        for (pointer, value, words) in cases {
            let mut report = report();
            *report.pointer_mut(pointer).expect(pointer) = value;
            let broken = broken(&report);
            assert!(broken.iter().any(|line| line.contains(words)), "{pointer}: {broken:?}");
        }
    }
}
