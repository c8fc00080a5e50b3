//! Scenarios, as operators write them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seawall_rehearse::{Rehearsal, Scenario};

fuzz_target!(|text: &str| {
    // A file that a scenario names is none of its bytes.
    if text.contains("file") {
        return;
    }
    match Scenario::parse(text) {
        Ok(scenario) => drop(format!("{:?}", Rehearsal::new(scenario))),
        Err(mistakes) => assert!(!mistakes.to_string().is_empty()),
    }
});
