//! Outages in which no protection loses little. The standard pipeline must not lose more.

use std::path::Path;

use seawall_rehearse::{Rehearsal, Report, Scenario, Stack};

/// In seconds of load.
const MORE: f64 = 0.3;

fn play(name: &str) -> Report {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/rehearse/harmless");
    let scenario = Scenario::read(&folder.join(name).with_extension("toml"));
    let scenario = scenario.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let stacks = vec![Stack::none(), Stack::standard()];
    Rehearsal::of(scenario, stacks).run().expect("playable")
}

fn is_not_worse(name: &str) {
    let report = play(name);
    let loss = |name: &str| report.stack(name).expect("it was played").median.loss;
    assert!(loss("standard") <= loss("none") + MORE, "{}", report.table());
}

#[test]
fn half_of_the_requests_fail() {
    is_not_worse("errors-50");
}

#[test]
fn nine_in_ten_requests_fail() {
    is_not_worse("errors-90");
}

#[test]
fn half_of_the_requests_fail_at_once() {
    is_not_worse("errors-50-at-once");
}

#[test]
fn pauses() {
    is_not_worse("pauses");
}

#[test]
fn a_black_hole_with_a_long_deadline() {
    is_not_worse("black-hole-long-deadline");
}

#[test]
fn requests_vanish_with_a_long_deadline() {
    is_not_worse("vanish-long-deadline");
}

#[test]
fn a_slow_server_with_a_long_deadline() {
    is_not_worse("slow-long-deadline");
}

#[test]
fn a_thousand_slots_in_health() {
    let report = play("health");
    let standard = &report.stack("standard").expect("it was played").worst;
    assert!(standard.calls_in_health > 29_000.0, "{standard:?}");
    assert!(standard.refused_in_health <= 0.0 && standard.lost_in_health <= 0.0, "{standard:?}");
}
