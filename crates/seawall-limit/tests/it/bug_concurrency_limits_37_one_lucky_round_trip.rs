//! Netflix' concurrency-limits, issue 37: the fastest round-trip ever seen is taken for what a call
//! takes, so one lucky call makes all the others look queued, and the limit falls.

use std::time::Duration;

use seawall_limit::adaptive::{Adaptation, Adaptive, Aimd, Gradient, Range, Sample, Vegas};

const RANGE: Range = Range { min: 2, max: 200, initial: 20 };

/// The limit after calls of 300 ms that make full use of it, one of which took a tenth of it.
fn after_a_lucky_one(adaptation: Adaptation, then: u32) -> u32 {
    let mut adaptive = Adaptive::new(adaptation, RANGE);
    let mut observe = |millis| {
        let in_flight = adaptive.limit();
        adaptive.observe(&Sample { rtt: Duration::from_millis(millis), in_flight, dropped: false })
    };
    for _ in 0..500 {
        observe(300);
    }
    observe(30);
    (0..then).map(|_| observe(300)).last().unwrap()
}

#[test]
fn the_default_and_the_gradient_take_no_notice() {
    assert_eq!(after_a_lucky_one(Adaptation::Aimd(Aimd::default()), 2_000), 200);
    assert_eq!(after_a_lucky_one(Adaptation::Gradient(Gradient::default()), 2_000), 200);
}

#[test]
fn vegas_forgets_it() {
    let vegas = || Adaptation::Vegas(Vegas::default().memory(500));
    let fallen = after_a_lucky_one(vegas(), 400);
    assert!(fallen < 200, "{fallen}: it does fall for it");
    assert_eq!(after_a_lucky_one(vegas(), 20_000), 200);
}
