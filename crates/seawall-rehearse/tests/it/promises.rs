//! Promises are checked against the worst seed, or the median.

use seawall_rehearse::{Rehearsal, Scenario};

use crate::{SERVER, fault};

fn kept(promise: &str) -> (bool, Vec<String>) {
    let rest = fault("down");
    let text = format!(
        "seeds = 3\n[load]\nrate = 100\ndeadline = '500ms'\n{SERVER}\n{rest}\n[[stack]]\nname = 'bare'\n[[promise]]\n{promise}"
    );
    let scenario = Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let report = Rehearsal::new(scenario).run().expect("playable");
    assert_eq!(report.promises.len(), 1);
    (report.is_kept(), report.promises[0].broken.clone())
}

#[test]
fn a_promise_is_kept_or_says_what_is_broken() {
    assert_eq!(
        kept("that = 'loss < 3s and recovery <= 1s and amplification == 1'"),
        (true, vec![])
    );
    let (kept_, broken) = kept("that = 'loss < 1s and goodput_during > 90% and recovery < 2s'");
    assert!(!kept_);
    assert_eq!(broken.len(), 2, "{broken:?}");
    assert!(broken[0].starts_with("loss < 1s (it is 2."), "{broken:?}");
    assert!(broken[1].starts_with("goodput_during > 90% (it is 0."), "{broken:?}");
    assert!(kept("that = 'loss > 1s'\nof = 'median'\nstack = 'none'").0);
}
