//! Bulkheads and rate limits.
#![expect(
    clippy::redundant_closure,
    reason = "operations are passed as callers write them, as closures; so in every case"
)]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use do_over::error::DoOverError;
use do_over::policy::Policy as _;
use governor::clock::{MonotonicClock, QuantaClock};
use governor::{Quota, RateLimiter};
use rskit_errors::AppError;
use tokio::sync::Semaphore;
use tower::limit::ConcurrencyLimit;
use tower::{Layer as _, service_fn};
use tower_resilience_ratelimiter::WindowType;

use super::serve;
use crate::operation::ready;
use crate::throughput::{Shared, calls as threads};
use crate::{Case, Work, plain, poll, polled, polled_in_runtime, prepared_in_runtime};

const BULKHEAD: &str = "bulkhead/acquire+release";
const ADMITTED: &str = "rate/admitted";
const REFUSED: &str = "rate/refused";
const CALL: &str = "rate/call";
/// More permits than a measurement takes.
const PLENTY: usize = 1_000_000_000;
const HOUR: Duration = Duration::from_hours(1);

/// Calls where quanta's clock is read: it is calibrated first, never in the same number of steps, which
/// has to vanish in the number of calls.
const CALIBRATED: u64 = 1_000_000;

/// The peers' limits.
pub fn cases() -> Vec<Case> {
    [bulkheads(), rates(), calls()].concat()
}

fn bulkheads() -> Vec<Case> {
    vec![
        Case::peer(BULKHEAD, "tokio Semaphore, try_acquire", || {
            let places = Semaphore::new(10);
            plain(move || places.try_acquire().is_ok(), |&admitted| admitted)
        }),
        Case::peer(BULKHEAD, "tokio Semaphore, acquire", || {
            let places = Arc::new(Semaphore::new(10));
            polled(
                move |cx| {
                    let permit = poll(places.acquire(), cx);
                    poll(ready(), cx).is_ok() && permit.is_ok()
                },
                1,
                |&well| well,
            )
        }),
        Case::peer(BULKHEAD, "tower ConcurrencyLimit", || {
            let mut service = ConcurrencyLimit::new(service_fn(|()| ready()), 10);
            polled(move |cx| serve(&mut service, cx), 1, Result::is_ok)
        }),
        Case::peer(BULKHEAD, "resilient", || {
            let bulkhead = resilient::Bulkhead::new(10);
            polled(move |cx| poll(bulkhead.run(|| ready()), cx), 1, Result::is_ok)
        }),
        Case::peer(BULKHEAD, "do-over", || {
            let bulkhead = do_over::bulkhead::Bulkhead::new(10);
            let call = || async { ready().await.map_err(DoOverError::Inner) };
            polled(move |cx| poll(bulkhead.execute(call), cx), 1, Result::is_ok)
        }),
        Case::peer(BULKHEAD, "rskit", || {
            let config = rskit_resilience::BulkheadConfig::new("benches", 10);
            let bulkhead = rskit_resilience::Bulkhead::new(config).expect("a valid bulkhead");
            let call = || async { ready().await.map_err(AppError::internal) };
            polled_in_runtime(move |cx| poll(bulkhead.execute(call), cx), 1, Result::is_ok)
        }),
        Case::peer(BULKHEAD, "tower-resilience", || {
            let layer = tower_resilience_bulkhead::BulkheadLayer::builder()
                .max_concurrent_calls(10)
                .reject_when_full()
                .build()
                .expect("a valid bulkhead");
            let mut service = layer.layer(service_fn(|()| ready()));
            polled_in_runtime(move |cx| serve(&mut service, cx), 1, Result::is_ok)
        }),
    ]
}

fn rates() -> Vec<Case> {
    vec![
        Case::peer(ADMITTED, "governor (quanta clock)", || {
            let limit = RateLimiter::direct_with_clock(plenty(), QuantaClock::default());
            plain(move || limit.check().is_ok(), |&admitted| admitted)
        })
        .calls(CALIBRATED),
        Case::peer(ADMITTED, "governor (std clock)", || {
            let limit = RateLimiter::direct_with_clock(plenty(), MonotonicClock);
            plain(move || limit.check().is_ok(), |&admitted| admitted)
        }),
        Case::peer(ADMITTED, "leaky-bucket", || {
            // No instant fits its largest numbers: full at first, and refilled within the hour.
            let limit = leaky_bucket::RateLimiter::builder()
                .max(PLENTY)
                .initial(PLENTY)
                .refill(1)
                .interval(HOUR)
                .build();
            plain(move || limit.try_acquire(1), |&admitted| admitted)
        }),
        Case::peer(ADMITTED, "rskit (governor inside)", || {
            let limit = rskit_resilience::RateLimiter::new("benches", u32::MAX, u32::MAX)
                .expect("a valid limit");
            plain(move || limit.check().is_ok(), |&admitted| admitted)
        })
        .calls(CALIBRATED),
        Case::peer(ADMITTED, "resilient", || {
            let limit = resilient_rate(Duration::from_nanos(1));
            plain(move || limit.try_consume(1), |&admitted| admitted)
        }),
        Case::peer(REFUSED, "leaky-bucket", || {
            let limit =
                leaky_bucket::RateLimiter::builder().max(1).initial(0).interval(HOUR).build();
            plain(move || limit.try_acquire(1), |&admitted| !admitted)
        }),
        Case::peer(REFUSED, "rskit (governor inside)", || {
            let limit = rskit_resilience::RateLimiter::new("benches", 1, 1).expect("a valid limit");
            // A second is its longest period.
            plain(move || limit.check().is_ok(), |_| true)
        })
        .calls(CALIBRATED),
        Case::peer(REFUSED, "resilient", || {
            let limit = resilient_rate(HOUR);
            while limit.try_consume(1) {}
            plain(move || limit.try_consume(1), |&admitted| !admitted)
        }),
        Case::peer(REFUSED, "governor (quanta clock)", || {
            let limit = RateLimiter::direct_with_clock(once(), QuantaClock::default());
            limit.check().expect("the first is admitted");
            plain(move || limit.check().is_ok(), |&admitted| !admitted)
        })
        .calls(CALIBRATED),
        Case::peer(REFUSED, "governor (std clock)", || {
            let limit = RateLimiter::direct_with_clock(once(), MonotonicClock);
            limit.check().expect("the first is admitted");
            plain(move || limit.check().is_ok(), |&admitted| !admitted)
        }),
    ]
}

/// A limit around a call, for libraries that have no permits.
fn calls() -> Vec<Case> {
    vec![
        Case::peer(CALL, "tower", || {
            prepared_in_runtime(|| {
                let rate = tower::limit::rate::Rate::new(u64::MAX, HOUR);
                let mut service = tower::limit::RateLimit::new(service_fn(|()| ready()), rate);
                polled(move |cx| serve(&mut service, cx), 1, Result::is_ok)
            })
        }),
        Case::peer(CALL, "do-over", || {
            let limit = do_over::rate_limit::RateLimiter::new(u64::MAX, HOUR);
            let call = || async { ready().await.map_err(DoOverError::Inner) };
            polled(move |cx| poll(limit.execute(call), cx), 1, Result::is_ok)
        }),
        Case::peer(CALL, "tower-resilience (fixed window)", || {
            tower_resilience_rate(WindowType::Fixed)
        }),
        Case::peer(CALL, "tower-resilience (sliding counter)", || {
            tower_resilience_rate(WindowType::SlidingCounter)
        }),
    ]
}

fn tower_resilience_rate(window: WindowType) -> Box<dyn Work> {
    let layer = tower_resilience_ratelimiter::RateLimiterLayer::builder()
        .limit_for_period(PLENTY)
        .refresh_period(HOUR)
        .window_type(window)
        .build()
        .expect("a valid limit");
    let mut service = layer.layer(service_fn(|()| ready()));
    polled_in_runtime(move |cx| serve(&mut service, cx), 1, Result::is_ok)
}

fn resilient_rate(refill: Duration) -> resilient::RateLimiter {
    resilient::RateLimiter::default().with_max_tokens(PLENTY).with_refill_rate(refill)
}

/// The objects that many threads call.
pub fn shared() -> Vec<Shared> {
    vec![
        Shared {
            group: "bulkhead, acquire and release",
            subject: "tokio Semaphore, try_acquire",
            prepare: || {
                let places = Semaphore::new(1_000);
                threads(move |_, _| places.try_acquire().is_ok())
            },
        },
        Shared {
            group: "rate limit, admitted",
            subject: "governor (quanta clock)",
            prepare: || {
                let limit = RateLimiter::direct_with_clock(plenty(), QuantaClock::default());
                threads(move |_, _| limit.check().is_ok())
            },
        },
        Shared {
            group: "rate limit, admitted",
            subject: "governor (std clock)",
            prepare: || {
                let limit = RateLimiter::direct_with_clock(plenty(), MonotonicClock);
                threads(move |_, _| limit.check().is_ok())
            },
        },
    ]
}

fn plenty() -> Quota {
    Quota::per_second(NonZeroU32::MAX).allow_burst(NonZeroU32::MAX)
}

fn once() -> Quota {
    Quota::with_period(HOUR).expect("an hour is a period")
}
