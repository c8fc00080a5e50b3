//! The refusal of a waiter was reported under the lock of the queue: a
//! listener that asked the limit what it is doing waited for itself.

use std::time::Duration;

use crate::support::{by_hand, on_a_thread_that_ends};
use seawall_core::{Event, Listeners, Reason};
use seawall_limit::RateLimit;
use tokio::time::advance;

const HOUR: Duration = Duration::from_hours(1);

/// A rate limit with nothing left and a listener that asks it how many it has refused.
fn asked_by_its_listener() -> RateLimit {
    let listeners = Listeners::default();
    let builder = RateLimit::builder().rate(1, HOUR).queue(9, HOUR).listeners(&listeners);
    let limit = builder.build().unwrap();
    limit.try_acquire().unwrap();
    let asked = limit.clone();
    listeners.add(move |_: &Event| assert_eq!(asked.snapshot().refused, 1));
    limit
}

/// Runs `test` on a clock that is moved by hand.
fn on_a_paused_clock<F: Future<Output = ()> + 'static>(test: fn() -> F) {
    on_a_thread_that_ends(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true).build().unwrap().block_on(test());
    });
}

#[test]
fn a_line_that_is_closed() {
    on_a_paused_clock(|| async {
        let limit = asked_by_its_listener();
        let mut turn = by_hand(limit.acquire());
        assert!(turn.is_pending());
        limit.close();
        assert_eq!(turn.ready().unwrap_err().reason(), Reason::ShuttingDown);
        assert_eq!(limit.listeners().panics(), 0);
    });
}

#[test]
fn a_wait_that_took_too_long() {
    on_a_paused_clock(|| async {
        let limit = asked_by_its_listener();
        let _first = limit.reserve(1).unwrap();
        advance(HOUR).await;
        let mut turn = by_hand(limit.acquire());
        assert!(turn.is_pending());
        advance(HOUR).await;
        assert_eq!(turn.ready().unwrap_err().reason(), Reason::WaitedTooLong);
        assert_eq!(limit.listeners().panics(), 0);
    });
}
