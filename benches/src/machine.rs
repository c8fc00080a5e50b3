//! The machine, the tools and the date of a measurement.

use std::process::Command;

/// The machine, in a few words.
pub fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .and_then(|rest| rest.split_once(':'))
        .map_or("unknown processor", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok())
        .map_or(String::new(), |kib| format!(", {} GiB", kib.div_ceil(1024 * 1024)));
    format!("{model}, {cores} cores{memory}, {}", said("uname", &["-sr"]))
}

/// The compiler and valgrind.
pub fn tools() -> String {
    format!("{}, {}", said("rustc", &["--version"]), said("valgrind", &["--version"]))
}

/// The commit that is checked out.
pub fn commit() -> String {
    let dirty =
        if said("git", &["status", "--porcelain", "-uno"]).is_empty() { "" } else { ", changed" };
    format!("{}{dirty}", said("git", &["rev-parse", "--short", "HEAD"]))
}

/// Today, in UTC.
pub fn date() -> String {
    said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])
}

/// The version of a package in the lock file, the newest if there are several.
pub fn version(lock: &str, package: &str) -> Option<String> {
    let mut found: Vec<&str> = lock
        .split("[[package]]")
        .filter(|entry| entry.contains(&format!("\nname = \"{package}\"\n")))
        .filter_map(|entry| entry.split_once("version = \"")?.1.split_once('"').map(|(v, _)| v))
        .collect();
    found.sort_by_key(|version| numbers(version));
    found.last().map(ToString::to_string)
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-']).filter_map(|part| part.parse().ok()).collect()
}

fn said(program: &str, arguments: &[&str]) -> String {
    Command::new(program)
        .args(arguments)
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string())
        .unwrap_or_default()
}
