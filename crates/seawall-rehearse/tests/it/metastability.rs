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
    // 50 a second are all.
    let text = "watch = '40s'\n[load]\nrate = 25\ndeadline = '500ms'\n\
                [server]\nslots = 1\nservice = '20ms'\nqueue = 100\n\
                [[fault]]\nkind = 'freeze'\nat = '2s'\nfor = '3s'";
    let scenario = Scenario::parse(text).expect("a valid scenario");
    let found = find_load(&scenario, &[Stack::naive(), Stack::none()]).expect("an open loop");
    let naive = found[0].load.expect("it is metastable at 70 %");
    // Three requests a call are more than the server can do from a third of its capacity on.
    assert!((0.28..=0.42).contains(&naive), "{naive}");
    assert_eq!(found[1].load, None, "one request a call never is");
    let again = find_load(&scenario, &[Stack::naive()]).expect("an open loop");
    assert_eq!(found[0], again[0]);
}
