//! The outage example and its scenario agree: real sockets, clocks and timers on the one side, a computed
//! server on the other.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use seawall_rehearse::{Rehearsal, Scenario, StackReport};
use serde_json::Value;

/// In percent of the calls of a phase.
const APART: f64 = 5.0;
/// The example's clients, and the scenario's stacks.
const PAIRS: [(&str, &str); 3] = [("bare", "none"), ("naive", "at once"), ("seawall", "standard")];

fn real() -> Value {
    // `cargo test` puts examples next to the folder of the tests.
    let mut path = std::env::current_exe().expect("a test is a file");
    path.pop();
    path.pop();
    path.push("examples");
    path.push(format!("outage{}", std::env::consts::EXE_SUFFIX));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rehearsed");
    let output = Command::new(path).arg("--json").arg("--out").arg(folder).output();
    serde_json::from_slice(&output.expect("cargo build --examples").stdout).expect("JSON")
}

/// The share of calls made in `from..until` that were answered, in percent.
fn goodput(stack: &StackReport, from: f64, until: f64) -> f64 {
    let timeline = &stack.timeline;
    let (mut at, mut calls, mut answered) = (0.0, 0, 0);
    for index in 0..timeline.calls.len() {
        if at >= from && at < until {
            calls += timeline.calls[index];
            answered += timeline.answered[index];
        }
        at += timeline.slice;
    }
    f64::from(answered) / f64::from(calls) * 100.0
}

#[test]
#[ignore = "takes a minute of real time, and a machine that is not busy"]
fn goodput_is_the_same_within_five_points_in_each_phase() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("rehearse/outage.toml");
    let scenario = Scenario::read(&file).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let rehearsed = Rehearsal::new(scenario).run().expect("playable");
    let real = real();
    let mut rows = String::new();
    let mut most = 0.0_f64;
    for (index, phase) in real["phases"].as_array().expect("phases").iter().enumerate() {
        let time = |field: &str| phase[field].as_f64().expect("a time");
        let _ = write!(rows, "{:14}", phase["name"].as_str().unwrap_or_default());
        for (client, stack) in PAIRS {
            let clients = real["clients"].as_array().expect("clients");
            let client = clients.iter().find(|one| one["name"] == client).expect("a client");
            let count = |field: &str| client["phases"][index][field].as_f64().expect("a count");
            let really = count("successes") / count("calls") * 100.0;
            let stack = rehearsed.stack(stack).expect("it was played");
            let virtually = goodput(stack, time("begin_s"), time("end_s"));
            let _ = write!(rows, "  {really:5.1} {virtually:5.1}");
            most = most.max((really - virtually).abs());
        }
        rows += "\n";
    }
    println!("real and rehearsed: {PAIRS:?}\n{rows}");
    assert!(most <= APART, "{most:.1} points apart\n{rows}");
}
