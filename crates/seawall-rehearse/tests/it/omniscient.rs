//! The omniscient client is a bound.

use seawall_rehearse::Stack;

use crate::{fault, play, scenario};

#[test]
fn nothing_of_ours_loses_less() {
    for (kind, more) in [
        ("down", ""),
        ("black_hole", ""),
        ("freeze", ""),
        ("slow", "times = 5"),
        ("slots", "left = 1"),
        ("errors", "share = 0.3"),
        ("vanish", "share = 0.3"),
        ("flapping", "every = '300ms'"),
        ("pauses", "every = '1s'\npause = '700ms'"),
    ] {
        let scenario = scenario(140, &(fault(kind) + more));
        let report = play(&scenario, vec![Stack::none(), Stack::standard(), Stack::omniscient()]);
        let loss = |name: &str| report.stack(name).expect("it was played").median.loss;
        let bound = loss("omniscient");
        // Chance decides which single requests fail.
        assert!(bound <= loss("none") + 0.05, "{kind}: {}", report.table());
        assert!(bound <= loss("standard") + 0.05, "{kind}: {}", report.table());
        let figures = &report.stack("omniscient").expect("it was played").worst;
        assert!(figures.refused < 1e9 && figures.amplification <= 3.0, "{kind}: {figures:?}");
    }
}

#[test]
fn in_health_it_loses_nothing_and_sends_nothing_twice() {
    let report = play(&scenario(100, &fault("down")), vec![Stack::omniscient()]);
    let figures = &report.stacks[0].runs[0];
    assert!(figures.lost_in_health < 0.01, "{figures:?}");
    assert!(figures.recovery < 0.6, "{figures:?}");
    // While nobody is there, it sends nothing.
    assert!(figures.amplification <= 1.0, "{figures:?}");
}
