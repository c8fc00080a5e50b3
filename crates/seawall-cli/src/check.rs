//! `seawall check`: 0 if nothing is wrong, 1 at a finding of severity error, 2 at a mistake.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use seawall_config::{Config, LintFinding, Mistakes, Place, Severity};
use seawall_rehearse::Scenario;
use serde_json::{Value, json};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 nothing is wrong, 1 a pipeline can't be built, 2 the file can't be read."
)]
pub(crate) struct Arguments {
    /// Settings of pipelines (TOML, JSON or YAML), or a scenario of a rehearsal (TOML)
    file: PathBuf,
    /// Print the result as JSON and nothing else
    #[arg(long)]
    json: bool,
}

/// What a file is, by the tables that only one of them has.
enum Kind {
    Settings,
    Scenario,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let file = &arguments.file;
    match kind_of(file) {
        Kind::Scenario => scenario(arguments),
        Kind::Settings => match Config::from_file(file) {
            Ok(config) => settings(arguments, &config),
            Err(mistakes) => mistaken(arguments, &mistakes),
        },
    }
}

fn kind_of(file: &Path) -> Kind {
    let text = fs::read_to_string(file).unwrap_or_default();
    let is_table = |name: &str| {
        let opens = format!("[{name}");
        text.lines()
            .map(str::trim_start)
            .any(|line| line.strip_prefix(&opens).is_some_and(|rest| rest.starts_with([']', '.'])))
    };
    if is_table("load") && is_table("server") { Kind::Scenario } else { Kind::Settings }
}

fn settings(arguments: &Arguments, config: &Config) -> ExitCode {
    let findings = config.lint();
    if arguments.json {
        print_json(&arguments.file, &[], &findings);
    } else {
        for finding in &findings {
            println!("{finding}");
        }
        if findings.is_empty() {
            println!("{}: nothing is wrong", arguments.file.display());
        }
    }
    let worst = findings.iter().map(|finding| finding.severity).max();
    ExitCode::from(u8::from(worst == Some(Severity::Error)))
}

fn mistaken(arguments: &Arguments, mistakes: &Mistakes) -> ExitCode {
    if arguments.json {
        let shown = |it: &seawall_config::Mistake| {
            let mut shown = json!({ "path": it.path, "given": it.given, "allowed": it.allowed });
            place(it.place.as_ref(), &mut shown);
            shown
        };
        print_json(&arguments.file, &mistakes.iter().map(shown).collect::<Vec<_>>(), &[]);
    } else {
        eprintln!("{mistakes}");
    }
    ExitCode::from(2)
}

fn scenario(arguments: &Arguments) -> ExitCode {
    let file = &arguments.file;
    let mistakes = match Scenario::read(file) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.lines().to_vec(),
    };
    if arguments.json {
        let shown: Vec<_> = mistakes.iter().map(|line| json!({ "given": line })).collect();
        print_json(file, &shown, &[]);
    } else if mistakes.is_empty() {
        println!("{}: nothing is wrong", file.display());
    } else {
        for line in &mistakes {
            eprintln!("{}: {line}", file.display());
        }
    }
    ExitCode::from(if mistakes.is_empty() { 0 } else { 2 })
}

fn print_json(file: &Path, mistakes: &[Value], findings: &[LintFinding]) {
    let shown = |it: &LintFinding| {
        let mut shown = json!({
            "rule": it.rule,
            "severity": it.severity.as_str(),
            "path": it.path,
            "why": it.why,
            "instead": it.instead,
        });
        place(Some(&it.place), &mut shown);
        shown
    };
    let findings: Vec<_> = findings.iter().map(shown).collect();
    let all = json!({
        "file": file.display().to_string(),
        "mistakes": mistakes,
        "findings": findings,
    });
    println!("{all:#}");
}

/// The line and the column, where they are known.
fn place(place: Option<&Place>, shown: &mut Value) {
    if let Some(place) = place.filter(|place| place.line() > 0) {
        shown["line"] = place.line().into();
        shown["column"] = place.column().into();
    }
}
