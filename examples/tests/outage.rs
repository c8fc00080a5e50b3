//! The outage example as a process: its options, its files, its signals. On the real clock, as the
//! servers and signals are real too; each run takes a second or two.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// `cargo test` puts examples next to the folder of the tests.
fn program() -> Command {
    let mut path = std::env::current_exe().expect("a test is a file");
    path.pop();
    path.pop();
    path.push("examples");
    path.push(format!("outage{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is missing: run `cargo build --examples`", path.display());
    Command::new(path)
}

/// A directory of the test's own, empty.
fn directory(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("a directory");
    directory
}

fn scenario(directory: &Path, text: &str) -> PathBuf {
    let path = directory.join("scenario.toml");
    fs::write(&path, text).expect("a scenario");
    path
}

/// Load, server, and as many phases as are given.
fn script(call_timeout_ms: u32, phases: &[(&str, f64)]) -> String {
    let head = format!(
        "calls_per_second = 100\ncall_timeout_ms = {call_timeout_ms}\nattempt_timeout_ms = 100\n\
         [server]\nworkers = 6\nqueue = 100\nservice_time_ms = 5\n"
    );
    let phase = |(kind, seconds): &(&str, f64)| {
        format!("[[phase]]\nkind = \"{kind}\"\nseconds = {seconds}\n")
    };
    head + &phases.iter().map(phase).collect::<String>()
}

fn report(directory: &Path) -> Value {
    let text = fs::read_to_string(directory.join("report.json")).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

fn count(of: &Value, field: &str) -> u64 {
    of[field].as_u64().unwrap_or_else(|| panic!("{field} of {of}"))
}

fn assert_accounted(report: &Value) {
    let clients = report["clients"].as_array().expect("clients");
    assert_eq!(clients.len(), 3);
    for client in clients {
        let outcomes =
            count(client, "successes") + count(client, "failures") + count(client, "refusals");
        assert_eq!(count(client, "calls"), outcomes, "{client}");
        assert_eq!(count(client, "vanished"), 0, "{client}");
    }
}

fn assert_mistake(output: &Output, field: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("error: ") && stderr.contains(field), "{stderr}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_bad_option_is_one_line_and_exit_code_2() {
    for (args, field) in [
        (&["--seed", "seven"][..], "--seed"),
        (&["--target", "ftp://localhost"], "--target"),
        (&["--quick", "--scenario", "x.toml"], "--scenario"),
        (&["--slow"], "--slow"),
        (&["--scenario", "/nowhere/x.toml"], "--scenario /nowhere/x.toml"),
        (&["--out", "/dev/null/out"], "--out"),
    ] {
        let output = program().args(args).output().expect("the program runs");
        assert_mistake(&output, field);
    }
}

#[test]
fn a_bad_scenario_is_one_line_and_exit_code_2() {
    let directory = directory("bad_scenario");
    for (text, field) in [
        (script(1_000, &[("refused", 1.0)]), "phase[0].kind"),
        (script(1_000, &[("healthy", 1.0), ("slow", 1.0)]), "phase[1].factor"),
        (script(1_000, &[]), "phase"),
        (script(50, &[("healthy", 1.0)]), "attempt_timeout_ms"),
        (String::from("calls_per_second = ["), "line 1"),
    ] {
        let path = scenario(&directory, &text);
        let output = program().arg("--scenario").arg(path).output().expect("the program runs");
        assert_mistake(&output, field);
    }
}

#[test]
fn every_call_is_accounted_and_standard_output_is_the_report_alone() {
    let directory = directory("json");
    let phases = [("healthy", 0.6), ("refused", 0.5), ("black hole", 0.5), ("healthy", 1.2)];
    let path = scenario(&directory, &script(400, &phases));
    let output = program()
        .args(["--json", "--seed", "7", "--out"])
        .arg(&directory)
        .arg("--scenario")
        .arg(path)
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    let report = report(&directory);
    assert_eq!(printed, report);
    assert_accounted(&report);
    assert_eq!((&report["complete"], &report["seed"]), (&Value::Bool(true), &Value::from(7)));
    for client in report["clients"].as_array().expect("clients") {
        assert_eq!(count(client, "calls"), 280);
        // An attempt whose connection is refused was sent, and reached no server.
        assert!(count(&client["server"], "requests") < count(client, "attempts"));
    }
    let svg = fs::read_to_string(directory.join("timeline.svg")).expect("a picture");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}

#[test]
fn the_server_may_be_yours() {
    let directory = directory("target");
    let path = scenario(&directory, &script(200, &[("healthy", 0.5)]));
    // Nobody listens there: every call fails, and is counted.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr());
    let url = format!("http://{}/", closed.expect("a port"));
    let output = program()
        .args(["--target", &url, "--out"])
        .arg(&directory)
        .arg("--scenario")
        .arg(path)
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0));
    let report = report(&directory);
    assert_accounted(&report);
    assert_eq!(report["target"], Value::from(url));
    for client in report["clients"].as_array().expect("clients") {
        assert_eq!(count(client, "successes"), 0);
        assert!(client["server"].is_null());
    }
}

/// Starts a long run, and waits until it has made its first calls.
#[cfg(unix)]
fn under_way(directory: &Path, call_timeout_ms: u32, phases: &[(&str, f64)]) -> Child {
    let path = scenario(directory, &script(call_timeout_ms, phases));
    let mut child = program()
        .arg("--out")
        .arg(directory)
        .arg("--scenario")
        .arg(path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let lines = BufReader::new(child.stdout.take().expect("standard output")).lines();
    // The first line names the phase, the second comes a second of calls later.
    let mut counts = lines.map_while(Result::ok).filter(|line| line.contains("bare"));
    assert!(counts.next().is_some());
    // Read to the end, so that the program never waits for its reader.
    std::thread::spawn(move || counts.for_each(drop));
    child
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
}

/// How long the program took to end, and its exit code.
#[cfg(unix)]
fn ended(mut child: Child) -> (Duration, Option<i32>) {
    let began = Instant::now();
    let status = child.wait().expect("an exit code");
    (began.elapsed(), status.code())
}

#[cfg(unix)]
#[test]
fn one_interrupt_finishes_what_is_under_way_and_writes_the_report() {
    let directory = directory("interrupt");
    let child = under_way(&directory, 1_000, &[("healthy", 1.0), ("black hole", 60.0)]);
    interrupt(&child);
    let (took, code) = ended(child);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(code, Some(0));
    let report = report(&directory);
    assert_accounted(&report);
    assert_eq!(report["complete"], Value::Bool(false));
    assert!(report["ended_by"].as_str().is_some_and(|reason| reason.contains("SIGINT")));
    assert!(directory.join("timeline.svg").exists());
}

#[cfg(unix)]
#[test]
fn a_second_interrupt_ends_at_once() {
    let directory = directory("second_interrupt");
    // Calls made in the black hole wait for a minute.
    let child = under_way(&directory, 60_000, &[("healthy", 0.5), ("black hole", 60.0)]);
    interrupt(&child);
    std::thread::sleep(Duration::from_millis(300));
    interrupt(&child);
    let (took, code) = ended(child);
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(code, Some(130));
    assert!(!directory.join("report.json").exists());
}
