//! Bulkhead, rate limit, adaptive limit, throttle.

use std::time::Duration;

use seawall_limit::{AdaptiveLimit, Algorithm, Bulkhead, RateLimit, Throttle};

use crate::operation::ready;
use crate::{Case, Work, plain, poll, polled};

const HOUR: Duration = Duration::from_hours(1);
/// More permits than a measurement takes.
const PLENTY: u64 = 1_000_000_000;

/// The limits' cases.
///
/// # Panics
///
/// When a case can't be prepared.
pub fn cases() -> Vec<Case> {
    vec![
        Case::variant("bulkhead/acquire+release", "permit", || {
            let bulkhead = bulkhead();
            plain(move || bulkhead.try_acquire().is_ok(), |&admitted| admitted)
        }),
        Case::variant("bulkhead/acquire+release", "call", || {
            let bulkhead = bulkhead();
            polled(move |cx| poll(bulkhead.call(ready()), cx), 1, Result::is_ok)
        }),
        Case::ours("bulkhead/refused", || {
            let bulkhead = bulkhead();
            let held: Vec<_> = (0..10).map(|_| bulkhead.try_acquire_owned()).collect();
            plain(
                move || {
                    let _ = &held;
                    bulkhead.try_acquire().is_ok()
                },
                |&admitted| !admitted,
            )
        }),
        Case::ours("rate/admitted", || admitted(Algorithm::Gcra)),
        Case::variant("rate/admitted", "fixed window", || admitted(Algorithm::FixedWindow)),
        Case::variant("rate/admitted", "sliding counter", || admitted(Algorithm::SlidingCounter)),
        Case::ours("rate/call", || {
            let limit = RateLimit::builder().rate(PLENTY, HOUR).build().expect("a valid limit");
            polled(move |cx| poll(limit.call(ready()), cx), 1, Result::is_ok)
        }),
        Case::ours("rate/refused", || {
            let builder = RateLimit::builder().rate(1, HOUR);
            let limit = builder.build().expect("a valid limit");
            limit.try_acquire().expect("the first is admitted");
            plain(move || limit.try_acquire().is_ok(), |&admitted| !admitted)
        }),
        Case::ours("adaptive/call", || {
            let limit = AdaptiveLimit::builder().build().expect("a valid limit");
            polled(move |cx| poll(limit.call(ready()), cx), 1, Result::is_ok)
        }),
        Case::ours("throttle/call", || {
            let throttle = Throttle::builder().build().expect("a valid throttle");
            polled(move |cx| poll(throttle.call(ready()), cx), 1, Result::is_ok)
        }),
    ]
}

fn bulkhead() -> Bulkhead {
    Bulkhead::builder().limit(10).build().expect("a valid bulkhead")
}

fn admitted(algorithm: Algorithm) -> Box<dyn Work> {
    let builder = RateLimit::builder().algorithm(algorithm).rate(PLENTY, HOUR);
    let limit = builder.build().expect("a valid limit");
    plain(move || limit.try_acquire().is_ok(), |&admitted| admitted)
}
