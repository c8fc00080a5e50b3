//! With backtraces, failures of one type that come through one place are kept apart by their
//! messages.

use seawall_capture::{Capture, Draft, GroupedBy, Grouping};

fn grouping(message: &str, function: &str) -> Grouping {
    let mut report = seawall_core::contain(|| panic!("{message}")).unwrap_err();
    report.backtrace = Some(format!("   0: shop::{function}\n   1: shop::main_loop\n").into());
    Capture::builder().build().unwrap().prepare(Draft::panic(&report)).grouping
}

#[test]
fn one_helper_fails_in_more_ways_than_one() {
    let [one, again, other, elsewhere] = [
        grouping("no stock for order 17", "check"),
        grouping("no stock for order 99", "check"),
        grouping("no price for order 17", "check"),
        grouping("no stock for order 17", "recheck"),
    ];
    assert_eq!(one.by, GroupedBy::Frames);
    assert_eq!(one, again);
    assert_ne!(one.fingerprint, other.fingerprint);
    assert_ne!(one.fingerprint, elsewhere.fingerprint);
}
