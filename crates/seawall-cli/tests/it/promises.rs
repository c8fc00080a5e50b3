//! What the scenario files of the yardstick promise is kept: with all their seeds in release, with two in a
//! debug build, which takes six times as long.

use std::path::Path;

use seawall_rehearse::{Rehearsal, Scenario};

#[test]
fn the_yardstick_keeps_its_promises() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/rehearse/yardstick");
    let mut promises = 0;
    for file in std::fs::read_dir(folder).expect("a folder").flatten() {
        let scenario = Scenario::read(&file.path());
        let mut scenario = scenario.unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(scenario.seeds(), 20);
        if cfg!(debug_assertions) {
            let first = scenario.seed();
            scenario = scenario.with_seeds(first, 2);
        }
        let mut stacks = Rehearsal::new(scenario.clone()).stacks().to_vec();
        stacks.retain(|stack| stack.name() == "Pipeline::standard");
        let report = Rehearsal::of(scenario, stacks).run().expect("playable");
        promises += report.promises.len();
        assert!(report.is_kept(), "{}", report.table());
    }
    assert_eq!(promises, 8);
}
