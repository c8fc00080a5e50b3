//! A waker is the executor's code. One that panicked when it was woken left all others asleep that
//! were to be woken after it, and the place of a call that had just got one was never freed.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use crate::support::{Polled, by_hand};
use seawall_core::{Reason, catch};
use seawall_limit::{Bulkhead, Priority, RateLimit};

struct Broken;

impl Wake for Broken {
    fn wake(self: Arc<Self>) {
        panic!("a broken waker");
    }
}

/// Polls `wait` with a waker that panics.
macro_rules! wait_brokenly {
    ($wait:expr) => {
        let mut broken = pin!($wait);
        let waker = Waker::from(Arc::new(Broken));
        assert!(broken.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    };
}

fn of(limit: u32, capacity: u32) -> Bulkhead {
    let builder = Bulkhead::builder().limit(limit).queue(capacity, Duration::MAX);
    builder.by_priority().build().unwrap()
}

#[test]
fn a_bulkhead_that_is_closed() {
    let bulkhead = of(1, 9);
    let _held = bulkhead.try_acquire().unwrap();
    wait_brokenly!(bulkhead.acquire());
    let mut second = by_hand(bulkhead.acquire());
    assert!(second.is_pending());
    let _ = catch(|| bulkhead.close());
    assert_eq!(second.woken(), 1);
}

#[test]
fn a_limit_that_is_raised() {
    let bulkhead = of(1, 9);
    let _held = bulkhead.try_acquire().unwrap();
    wait_brokenly!(bulkhead.acquire());
    let mut others = [0; 2].map(|_| by_hand(bulkhead.acquire()));
    assert!(others.iter_mut().all(Polled::is_pending));
    let _ = catch(|| bulkhead.set_limit(4));
    assert_eq!(others.each_ref().map(Polled::woken), [1, 1]);
}

#[test]
fn a_waiter_that_gives_way() {
    let bulkhead = of(1, 1);
    let held = bulkhead.try_acquire().unwrap();
    {
        wait_brokenly!(bulkhead.acquire());
        let high = bulkhead.with_priority(Priority::High);
        let mut important = by_hand(high.acquire());
        let _ = catch(|| assert!(important.is_pending()));
        drop(held);
    }
    let rest = bulkhead.snapshot();
    assert_eq!((rest.in_flight, rest.queued), (0, 0));
}

/// A rate limit with nothing left, by a clock that stands still.
fn rate() -> RateLimit {
    let limit = RateLimit::builder().rate(1, Duration::from_hours(1)).queue(9, Duration::MAX);
    let limit = limit.build().unwrap();
    limit.try_acquire().unwrap();
    limit
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_closed() {
    let limit = rate();
    // The first has a timer, which keeps a waker of its own.
    let mut first = by_hand(limit.acquire());
    assert!(first.is_pending());
    wait_brokenly!(limit.acquire());
    let mut third = by_hand(limit.acquire());
    assert!(third.is_pending());
    let _ = catch(|| limit.close());
    assert_eq!(third.woken(), 1);
    assert_eq!(third.ready().unwrap_err().reason(), Reason::ShuttingDown);
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_raised() {
    let limit = rate();
    let mut first = by_hand(limit.acquire());
    assert!(first.is_pending());
    wait_brokenly!(limit.acquire());
    let mut third = by_hand(limit.acquire());
    assert!(third.is_pending());
    let _ = catch(|| limit.set_rate(100, Duration::from_secs(1)));
    assert_eq!(third.woken(), 1);
}
