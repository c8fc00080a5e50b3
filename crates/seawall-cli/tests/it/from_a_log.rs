//! The guide from a latency log to a scenario, as it is written: its commands, its file, its comparison.

use std::fmt::Write as _;
use std::process::Command;

use crate::{Folder, out};

/// The blocks of the guide in `language`, without their indentation.
fn blocks(language: &str) -> Vec<String> {
    let guide = include_str!("../../../../docs/rehearse.md");
    let guide = guide.split("## From a latency log to a scenario").nth(1).expect("the chapter");
    let guide = guide.split("\n## ").next().expect("the chapter alone");
    let fence = format!("```{language}\n");
    let block = |rest: &str| {
        let lines = rest.lines().map(str::trim).take_while(|line| *line != "```");
        lines.collect::<Vec<_>>().join("\n") + "\n"
    };
    guide.split(&fence).skip(1).map(block).collect()
}

/// As nginx writes it: times between 5 and 25 ms and a few of 80, and answers of other kinds.
fn log() -> String {
    let mut log = String::new();
    for line in 0..2_000_u32 {
        let status = if line % 50 == 7 { 404 } else { 200 };
        let ms = if line % 40 == 3 { 80 } else { 5 + line * 7_919 % 21 };
        let _ = writeln!(
            log,
            "10.0.0.{} - - [01/Dec/2026:12:00:00 +0000] \"GET /stock/{line} HTTP/1.1\" {status} 512 0.{ms:03}",
            line % 250,
        );
    }
    log
}

#[test]
fn the_guide_from_a_log_to_an_outage() {
    let folder = Folder::new("log");
    folder.write("access.log", &log());
    let shell = |commands: &str| {
        let output = Command::new("sh").arg("-ec").arg(commands).current_dir(&folder.0).output();
        let output = output.expect("a shell");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        out(&output)
    };
    let [extract, compare] = &blocks("sh")[..] else { panic!("two blocks") };
    shell(extract);
    assert_eq!(folder.read("latencies.txt").lines().count(), 1_960);
    let [baseline, outage] = &blocks("toml")[..] else { panic!("two blocks") };
    folder.write("baseline.toml", baseline);

    // Rehearsed without a fault, times are those of the log: the load is a tenth of the capacity.
    let measured = shell(compare.lines().next().expect("a command"));
    let measured: Vec<f64> = measured
        .split_whitespace()
        .map(|time| time.trim_end_matches('s').parse().expect("seconds"))
        .collect();
    let output = folder.rehearse(&["baseline.toml", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&out(&output)).expect("JSON");
    let none = &report["stacks"][0]["median"];
    for (name, measured) in ["latency_p50", "latency_p99"].into_iter().zip(measured) {
        let rehearsed = none[name].as_f64().expect("a time");
        assert!((rehearsed / measured - 1.0).abs() < 0.1, "{name}: {rehearsed} and {measured}");
    }

    // And then it is broken.
    let (_, broken) = baseline.split_once("for = \"60s\"\n").expect("the first field");
    folder.write("outage.toml", &format!("{broken}{outage}"));
    let output = folder.rehearse(&["outage.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", out(&output));
    assert!(out(&output).contains("freeze from 10 s until 13 s"), "{}", out(&output));
}
