//! The tables of defaults in the chapters show the constants.

use seawall_limit::{adaptive, bulkhead, rate, throttle};

/// The second column of the row of `setter`, up to the first comma.
fn shown<'t>(chapter: &'t str, setter: &str) -> &'t str {
    let row = format!("//! | [`{setter}`]");
    let row = chapter.lines().find(|line| line.starts_with(&row)).expect(setter);
    let column = row.split(" | ").nth(2).expect("a second column");
    column.split(',').next().unwrap_or(column)
}

#[test]
fn of_a_bulkhead() {
    let chapter = include_str!("../../src/bulkhead.rs");
    assert_eq!(shown(chapter, "limit"), bulkhead::defaults::LIMIT.to_string());
}

#[test]
fn of_a_rate_limit() {
    let chapter = include_str!("../../src/rate.rs");
    let (permits, period) = (rate::defaults::PERMITS, rate::defaults::PERIOD);
    assert_eq!(shown(chapter, "rate"), format!("{permits} in {} s", period.as_secs()));
}

#[test]
fn of_an_adaptive_limit() {
    let chapter = include_str!("../../src/adaptive.rs");
    assert_eq!(shown(chapter, "initial"), adaptive::defaults::INITIAL.to_string());
    assert_eq!(shown(chapter, "min"), adaptive::defaults::MIN.to_string());
    assert_eq!(shown(chapter, "max"), adaptive::defaults::MAX.to_string());
    assert!(chapter.contains(&format!("AIMD, + 1, × {}", adaptive::defaults::DECREASE)));
}

#[test]
fn of_a_throttle() {
    let chapter = include_str!("../../src/throttle.rs");
    assert_eq!(shown(chapter, "k"), throttle::defaults::K.to_string());
    let window = format!("{} s", throttle::defaults::WINDOW.as_secs());
    assert_eq!(shown(chapter, "window"), window);
    assert_eq!(shown(chapter, "min_requests"), throttle::defaults::MIN_REQUESTS.to_string());
    let max_probability = throttle::defaults::MAX_PROBABILITY.to_string();
    assert_eq!(shown(chapter, "max_probability"), max_probability);
}
