//! Runs, counts and compares the cases. `README.md` of this package says how.

use std::path::Path;
use std::process::ExitCode;

use seawall_benches::{Case, callgrind, cases, compare, report, throughput};

const USAGE: &str = "\
usage: seawall-benches list [PATTERN]              the cases whose name contains PATTERN
       seawall-benches count [--ours] [PATTERN]    instructions per call of each
       seawall-benches profile NAME [FILE]         callgrind profile of one case
       seawall-benches wall [PATTERN]              wall time of each, by Criterion (feature criterion)
       seawall-benches threads [PATTERN]           calls per second from 1 to 16 threads
       seawall-benches report                      measures everything, writes docs/benchmarks.md
       seawall-benches compare BASE [REVISION]     counts our cases at two revisions and fails where
                                                   one needs more than 3 % more instructions;
                                                   without REVISION: what lies in the work tree
       seawall-benches drive NAME CALLS            makes CALLS calls (what callgrind runs)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--case").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["list"] => list(""),
        ["list", pattern] => list(pattern),
        ["count"] => count("", false),
        ["count", "--ours"] => count("", true),
        ["count", "--ours", pattern] => count(pattern, true),
        ["count", pattern] => count(pattern, false),
        ["profile", name] => profile(name, "callgrind.out"),
        ["profile", name, file] => profile(name, file),
        ["wall"] => wall(""),
        ["wall", pattern] => wall(pattern),
        ["threads"] => threads(""),
        ["threads", pattern] => threads(pattern),
        ["report"] => report::report(),
        ["compare", base] => compare::compare(base, compare::WORK_TREE),
        ["compare", base, head] => compare::compare(base, head),
        ["drive", name, calls] => drive(name, calls),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

fn matching(pattern: &str) -> Vec<Case> {
    let mut cases = cases::all();
    cases.retain(|case| case.name().contains(pattern));
    cases
}

fn some(pattern: &str) -> Result<Vec<Case>, String> {
    match matching(pattern) {
        none if none.is_empty() => Err(format!("no case contains `{pattern}`; `list` prints them")),
        cases => Ok(cases),
    }
}

fn named(name: &str) -> Result<Case, String> {
    matching(name)
        .into_iter()
        .find(|case| case.name() == name)
        .ok_or_else(|| format!("there is no case `{name}`; `list` prints them"))
}

fn list(pattern: &str) -> Result<(), String> {
    for case in some(pattern)? {
        println!("{}", case.name());
    }
    Ok(())
}

fn count(pattern: &str, ours: bool) -> Result<(), String> {
    let mut cases = some(pattern)?;
    cases.retain(|case| case.is_ours() || !ours);
    let counted = callgrind::count(&cases, 1, |case, figure| match figure {
        Ok(instructions) => println!("{:<60} {instructions:>10.1}", case.name()),
        Err(reason) => eprintln!("{}: {reason}", case.name()),
    });
    match counted.values().filter(|figure| figure.is_err()).count() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} cases failed", cases.len())),
    }
}

fn profile(name: &str, file: &str) -> Result<(), String> {
    let case = named(name)?;
    callgrind::profile(&case, case.calls, Path::new(file))?;
    println!("callgrind_annotate --inclusive=yes {file}");
    Ok(())
}

fn drive(name: &str, calls: &str) -> Result<(), String> {
    let case = named(name)?;
    let calls = calls.parse().map_err(|e| format!("`{calls}` is no number of calls: {e}"))?;
    case.prepared()?.run(calls);
    Ok(())
}

#[cfg(feature = "criterion")]
fn wall(pattern: &str) -> Result<(), String> {
    let out = std::env::temp_dir().join("seawall-criterion");
    seawall_benches::wall::run(&some(pattern)?, &out)
}

#[cfg(not(feature = "criterion"))]
fn wall(_: &str) -> Result<(), String> {
    Err("built without Criterion: cargo run --release -p seawall-benches --features criterion"
        .into())
}

fn threads(pattern: &str) -> Result<(), String> {
    let mut shared = throughput::all();
    shared.retain(|shared| name_of(shared).contains(pattern));
    if shared.is_empty() {
        return Err(format!("nothing that threads share is called `{pattern}`"));
    }
    for shared in shared {
        let rates = throughput::THREADS.map(|n| throughput::measure(&shared, n));
        let rates = rates.map(|rate| format!("{rate:9.1}")).join(" ");
        println!("{:<50} {rates}", name_of(&shared));
    }
    Ok(())
}

fn name_of(shared: &throughput::Shared) -> String {
    format!("{}: {}", shared.group, shared.subject)
}
