//! A snapshot counts failures by their class.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::Class;

#[tokio::test(start_paused = true)]
async fn failures_are_counted_by_class_and_permanent_errors_beside_them() {
    let breaker = Breaker::builder().tally().build().unwrap();
    let overloaded = Class::Overloaded { retry_after: Some(Duration::from_secs(1)) };
    let classes = [
        (Class::Success, 5),
        (Class::Transient, 4),
        (overloaded, 3),
        (Class::Panicked, 2),
        (Class::Permanent, 6),
        (Class::Ignored, 1),
    ];
    for (class, times) in classes {
        for _ in 0..times {
            breaker.try_acquire().unwrap().settle(class);
        }
    }
    let totals = breaker.snapshot().totals;
    assert_eq!((totals.failures, totals.transient), (9, 4));
    assert_eq!((totals.overloaded, totals.panicked), (3, 2));
    assert_eq!((totals.successes, totals.permanent), (Some(11), 6));
    assert_eq!(totals.ignored, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_stale_is_in_no_class() {
    let breaker = Breaker::builder().build().unwrap();
    let late = breaker.try_acquire().unwrap();
    breaker.reset();
    late.failure(Class::Panicked);
    let totals = breaker.snapshot().totals;
    assert_eq!((totals.stale, totals.failures, totals.panicked, totals.transient), (1, 0, 0, 0));
}
