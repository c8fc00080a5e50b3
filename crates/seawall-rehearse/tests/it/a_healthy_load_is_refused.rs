//! A server that stands 1,000 calls at a time and gets 600 is healthy, and the standard pipeline
//! refused two thirds of its calls for ever: its limit never grew beyond 200.

use seawall_rehearse::{Rehearsal, Scenario};

const SCENARIO: &str = r#"
version = 1
seed = 1
seeds = 1

[load]
rate = 6000
clients = 1
deadline = "2s"
attempt = "1s"

[server]
slots = 1000
service = { kind = "exponential", mean = "100ms" }
queue = 1000

[[fault]]
kind = "freeze"
at = "20s"
for = "100ms"

[[stack]]
pipeline = "standard"
"#;

#[test]
fn the_standard_pipeline_refuses_a_cold_start_at_most() {
    let scenario = Scenario::parse(SCENARIO).expect("a scenario");
    let report = Rehearsal::new(scenario).run().expect("it can be played");
    let standard = report.stack("standard").expect("it ran");
    let lost = standard.median.lost_in_health;
    assert!(lost < 0.02, "{:.1} % lost in health", lost * 100.0);
}
