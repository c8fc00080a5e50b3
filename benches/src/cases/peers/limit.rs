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
use tokio::sync::Semaphore;
use tower::limit::ConcurrencyLimit;
use tower::service_fn;

use super::serve;
use crate::operation::ready;
use crate::{Case, plain, poll, polled};

const BULKHEAD: &str = "bulkhead/acquire+release";
const ADMITTED: &str = "rate/admitted";
const REFUSED: &str = "rate/refused";
const HOUR: Duration = Duration::from_hours(1);

/// The peers' limits.
pub fn cases() -> Vec<Case> {
    [bulkheads(), rates()].concat()
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
    ]
}

fn rates() -> Vec<Case> {
    vec![
        Case::peer(ADMITTED, "governor (quanta clock)", || {
            let limit = RateLimiter::direct_with_clock(plenty(), QuantaClock::default());
            plain(move || limit.check().is_ok(), |&admitted| admitted)
        }),
        Case::peer(ADMITTED, "governor (std clock)", || {
            let limit = RateLimiter::direct_with_clock(plenty(), MonotonicClock);
            plain(move || limit.check().is_ok(), |&admitted| admitted)
        }),
        Case::peer(REFUSED, "governor (quanta clock)", || {
            let limit = RateLimiter::direct_with_clock(once(), QuantaClock::default());
            limit.check().expect("the first is admitted");
            plain(move || limit.check().is_ok(), |&admitted| !admitted)
        }),
        Case::peer(REFUSED, "governor (std clock)", || {
            let limit = RateLimiter::direct_with_clock(once(), MonotonicClock);
            limit.check().expect("the first is admitted");
            plain(move || limit.check().is_ok(), |&admitted| !admitted)
        }),
    ]
}

fn plenty() -> Quota {
    Quota::per_second(NonZeroU32::MAX).allow_burst(NonZeroU32::MAX)
}

fn once() -> Quota {
    Quota::with_period(HOUR).expect("an hour is a period")
}
