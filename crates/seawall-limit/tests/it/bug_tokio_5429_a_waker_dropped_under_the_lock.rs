//! tokio, issue 5429: a waker was dropped while the lock of the list of waiters was held. What a
//! waker drops may be a task, what the task drops a permit of the same limit, and that takes the
//! lock again: a thread that waits for itself.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::support::{by_hand, on_a_thread_that_ends};
use seawall_limit::bulkhead::OwnedPermit;
use seawall_limit::{Bulkhead, RateLimit};

/// A waker that owns a task, which owns a permit.
struct Task(#[expect(dead_code, reason = "held until it is dropped")] OwnedPermit);

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

fn waiting_for_another_task() -> Bulkhead {
    Bulkhead::builder().limit(1).queue(9, Duration::MAX).build().unwrap()
}

#[test]
fn polled_with_another_waker_the_first_may_drop_a_permit() {
    on_a_thread_that_ends(|| {
        let bulkhead = waiting_for_another_task();
        let task = Waker::from(Arc::new(Task(bulkhead.try_acquire_owned().unwrap())));
        let mut wait = pin!(bulkhead.acquire());
        assert!(wait.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
        drop(task);
        // The permit comes back in here, to this very waiter.
        let mut noop = Context::from_waker(Waker::noop());
        let polled = wait.as_mut().poll(&mut noop);
        assert!(polled.is_ready() || wait.poll(&mut noop).is_ready());
    });
}

#[test]
fn a_waiter_that_goes_may_drop_a_permit() {
    on_a_thread_that_ends(|| {
        let bulkhead = waiting_for_another_task();
        let task = Waker::from(Arc::new(Task(bulkhead.try_acquire_owned().unwrap())));
        let mut wait = by_hand(bulkhead.acquire());
        {
            let mut gone = Box::pin(bulkhead.acquire());
            assert!(gone.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
            drop(task);
            assert!(wait.is_pending());
        }
        assert!(matches!(wait.poll(), Poll::Ready(Ok(_))));
        assert_eq!(bulkhead.snapshot().in_flight, 0);
    });
}

/// A waker that owns a task, which asks the limit when it is dropped.
struct Asking(RateLimit);

impl Wake for Asking {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Asking {
    fn drop(&mut self) {
        assert!(self.0.try_acquire().is_err());
    }
}

/// Runs `test` with a rate limit that has nothing left and a waker whose drop asks it.
fn with_a_rate_limit(test: fn(&RateLimit, Waker)) {
    on_a_thread_that_ends(move || {
        let clock = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _entered = clock.enter();
        let hour = Duration::from_hours(1);
        let limit = RateLimit::builder().rate(1, hour).queue(9, Duration::MAX).build().unwrap();
        limit.try_acquire().unwrap();
        // The first has a timer, which keeps a waker of its own.
        let first = limit.reserve(1).unwrap();
        test(&limit, Waker::from(Arc::new(Asking(limit.clone()))));
        first.cancel();
        assert_eq!(limit.snapshot().queued, 0);
        assert_eq!(limit.snapshot().refused, 1, "the waker was dropped");
    });
}

#[test]
fn polled_with_another_waker_the_first_may_ask_the_rate_limit() {
    with_a_rate_limit(|limit, task| {
        let mut wait = pin!(limit.acquire());
        assert!(wait.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
        drop(task);
        assert!(wait.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
}

#[test]
fn a_turn_that_goes_may_ask_the_rate_limit() {
    with_a_rate_limit(|limit, task| {
        let mut gone = Box::pin(limit.acquire());
        assert!(gone.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
        drop(task);
    });
}
