//! The program: what it prints, writes and ends with.

mod check;
#[cfg(unix)]
mod from_a_log;
mod harmless;
mod promises;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SCENARIO: &str = "
[load]
rate = 60
deadline = '500ms'
[server]
slots = 4
service = '20ms'
[[fault]]
kind = 'down'
at = '1s'
for = '1s'
[[stack]]
name = 'mine'
";

/// A folder of its own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("seawall-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).expect(name)
    }

    fn rehearse(&self, arguments: &[&str]) -> Output {
        self.run("rehearse", arguments)
    }

    fn check(&self, arguments: &[&str]) -> Output {
        self.run("check", arguments)
    }

    fn run(&self, subcommand: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seawall"));
        command.current_dir(&self.0).arg(subcommand).args(arguments).output().expect("it runs")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn exit_codes_and_reports_say_the_same() {
    let folder = Folder::new("codes");
    for (promise, code, kept) in [("loss < 5s", 0, true), ("loss < 10ms", 1, false)] {
        folder.write("a.toml", &format!("{SCENARIO}\n[[promise]]\nthat = '{promise}'"));
        let output = folder.rehearse(&["a.toml", "--json", "--junit", "a.xml"]);
        assert_eq!(output.status.code(), Some(code), "{}", out(&output));
        let json: serde_json::Value = serde_json::from_str(&out(&output)).expect("JSON alone");
        assert_eq!(json["promises"][0]["kept"], kept);
        assert_eq!(json["scenario"], "a");
        assert_eq!(folder.read("a.xml").contains("<failure"), !kept);
        let table = folder.rehearse(&["a.toml"]);
        assert_eq!(out(&table).contains("BROKEN"), !kept);
    }
}

#[test]
fn mistakes_are_lines_with_the_file_and_end_with_2() {
    let folder = Folder::new("mistakes");
    folder.write("a.toml", &SCENARIO.replace("slots = 4", "slots = 0").replace("'down'", "'gone'"));
    let output = folder.rehearse(&["a.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let lines = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<_> = lines.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().all(|line| line.starts_with("a.toml: ")), "{lines:?}");
    for wrong in [&["nowhere.toml"][..], &[], &["--random", "many"], &["a.toml", "--sweep", "x"]] {
        assert_eq!(folder.rehearse(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn a_page_a_picture_and_the_same_bytes_again() {
    let folder = Folder::new("page");
    folder.write("a.toml", SCENARIO);
    let run = |page: &str| {
        let arguments = ["a.toml", "--html", page, "--svg", "a.svg", "--seeds", "2"];
        let output = folder.rehearse(&arguments);
        assert_eq!(output.status.code(), Some(0));
        (folder.read(page), out(&output))
    };
    assert_eq!(run("a.html"), run("b.html"));
    assert!(folder.read("a.html").starts_with("<!doctype html>"));
    assert!(folder.read("a.svg").starts_with("<svg"));
}

#[test]
fn a_report_is_replayed_to_the_byte() {
    let folder = Folder::new("replay");
    let server = "service = { kind = 'measured', file = 'log.txt' }";
    folder.write("a.toml", &SCENARIO.replace("service = '20ms'", server));
    folder.write("log.txt", "12\n20ms\n31.5\n");
    let first = folder.rehearse(&["a.toml", "--seed", "3", "--seeds", "2", "--json"]);
    folder.write("report.json", &out(&first));
    // The report holds what it needs.
    std::fs::remove_file(folder.0.join("log.txt")).expect("it is there");
    let again = folder.rehearse(&["--replay", "report.json", "--json"]);
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(out(&first), out(&again));

    let changed = out(&first).replacen("\"loss\": ", "\"loss\": 1", 1);
    folder.write("changed.json", &changed);
    let differs = folder.rehearse(&["--replay", "changed.json"]);
    let said = String::from_utf8_lossy(&differs.stderr).into_owned();
    assert_eq!(differs.status.code(), Some(1), "{said}");
    assert!(said.starts_with("changed.json:") && said.contains("is now \"loss\": "), "{said}");

    let coded = out(&first).replacen("\"name\": \"mine\"", "\"name\": \"coded\"", 1);
    folder.write("coded.json", &coded);
    for (file, why) in
        [("coded.json", "built by code"), ("a.toml", "no JSON"), ("nowhere.json", "")]
    {
        let output = folder.rehearse(&["--replay", file]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.starts_with(file) && said.contains(why), "{said}");
    }
}

#[test]
fn a_sweep_and_random_worlds() {
    let folder = Folder::new("sweep");
    folder.write("a.toml", SCENARIO);
    let output = folder.rehearse(&["a.toml", "--sweep", "bulkhead=1,50"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(out(&output).matches("mine").count(), 2, "{}", out(&output));

    let arguments = ["--random", "1", "--seed", "3", "--out", "worlds", "--cells", "cells.json"];
    let output = folder.rehearse(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", out(&output));
    assert!(out(&output).contains("1 worlds of seed 3"));
    assert_eq!(folder.rehearse(&["worlds/world-3-1.toml"]).status.code(), Some(0));

    // What was played is not played again, and not lost where other stacks are.
    let again = folder.rehearse(&arguments);
    assert_eq!(out(&output), out(&again));
    let more = folder.rehearse(&[&arguments[..], &["--stack", "breaker"]].concat());
    assert!(out(&more).contains("breaker"), "{}", out(&more));
    let cells = folder.read("cells.json");
    assert!(cells.contains("\"standard\"") && cells.contains("\"breaker\""), "{cells}");
    let world = folder.rehearse(&["--world", "7", "--seed", "3", "--harder"]);
    folder.write("harder.toml", &out(&world));
    assert!(out(&world).starts_with("# World 7 of seed 3, harder: "), "{}", out(&world));
    let unknown = folder.rehearse(&["--random", "1", "--stack", "bulwark"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", out(&unknown));
}

#[test]
fn every_scenario_of_the_examples_can_be_read() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/rehearse");
    let mut count = 0;
    for folder in [examples.clone(), examples.join("yardstick"), examples.join("harmless")] {
        for file in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = file.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let read = seawall_rehearse::Scenario::read(&path);
                read.unwrap_or_else(|mistakes| panic!("{}: {mistakes}", path.display()));
                count += 1;
            }
        }
    }
    assert!(count >= 20, "{count}");
}
