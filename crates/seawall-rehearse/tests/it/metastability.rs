//! What keeps an outage alive after its cause is gone.

use seawall_rehearse::{Scenario, Stack, find_load};

use crate::{play, scenario};

fn freeze(load_percent: u32) -> Scenario {
    // 200 a second is all.
    scenario(load_percent * 2, "[[fault]]\nkind = 'freeze'\nat = '2s'\nfor = '3s'")
}

#[test]
fn naive_retries_are_metastable_at_70_percent_and_not_at_30() {
    for (load, metastable) in [(70, 1.0), (30, 0.0)] {
        let report = play(&freeze(load), vec![Stack::naive(), Stack::none(), Stack::standard()]);
        let found: Vec<_> = report.stacks.iter().map(|stack| stack.runs[0].metastable).collect();
        assert_eq!(found, [metastable, 0.0, 0.0], "at {load} %: {}", report.table());
    }
}

#[test]
fn the_load_from_which_on_is_found_and_is_the_same_each_time() {
    let stacks = [Stack::naive(), Stack::none()];
    let found = find_load(&freeze(50), &stacks).expect("an open loop");
    let naive = found[0].load.expect("it is metastable at 70 %");
    // Three requests a call are more than the server can do from a third of its capacity on.
    assert!((0.25..=0.45).contains(&naive), "{naive}");
    assert_eq!(found[1].load, None, "one request a call never is");
    assert_eq!(found, find_load(&freeze(50), &stacks).expect("an open loop"));
}
