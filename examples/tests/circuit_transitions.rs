//! The example prints each state and why, in a few seconds.

use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn every_state_is_seen_with_its_reason() {
    let mut path = std::env::current_exe().expect("a test is a file");
    path.pop();
    path.pop();
    path.push("examples");
    path.push(format!("circuit_transitions{}", std::env::consts::EXE_SUFFIX));
    // `cargo test` builds it, unless it builds this test only.
    assert!(path.exists(), "{} is missing: run `cargo build --examples`", path.display());
    let began = Instant::now();
    let output = Command::new(path).output().expect("the program runs");
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    for line in [
        "closed → open: 20 failures in a row, limit 20; retry in",
        "open → half-open: the wait is over",
        "half-open → open",
        "half-open → ramping: 2 of 2 probes succeeded, 2 were needed",
        "ramping → closed: all stages went well",
        "calls failed, threshold 50%",
        "→ forced closed: ordered by an operator",
        "→ forced open: ordered by an operator",
        "→ shadow: ordered by an operator",
        "would have been closed → open: 20 failures in a row",
        "shadow → closed: released by an operator",
        "a caller gets: breaker 'inventory': open",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
}
