//! Half of the calls fail, and load has nothing to do with it. The standard pipeline opened its
//! circuit for that and lost more than no protection at all: 8.3 seconds of load of ten, where none
//! loses 5.0.

use seawall_rehearse::{Rehearsal, Scenario};

const SCENARIO: &str = r#"
version = 1
seed = 1
seeds = 3

[load]
rate = 700
clients = 1
deadline = "500ms"
attempt = "100ms"

[server]
slots = 10
service = { kind = "exponential", mean = "10ms" }
queue = 1000

[[fault]]
kind = "errors"
share = 0.5
at = "3s"
for = "5s"

[[stack]]
pipeline = "standard"
"#;

#[test]
fn the_standard_pipeline_gains_most_of_what_can_be_gained() {
    let scenario = Scenario::parse(SCENARIO).expect("a scenario");
    let report = Rehearsal::new(scenario).run().expect("it can be played");
    let standard = report.stack("standard").expect("it ran");
    let gain = standard.gain.expect("something can be gained");
    assert!(gain > 0.5, "{:.0} % of what can be gained", gain * 100.0);
}
