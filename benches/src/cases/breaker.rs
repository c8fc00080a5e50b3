//! The circuit breaker.

use std::task::{Context, Waker};
use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder, Permit};
use seawall_core::Error;

use crate::operation::{Failure, failing, one_in_ten_fails, ready};
use crate::{Case, Work, plain, poll, polled};

/// Long enough for a breaker to stay open while it is measured.
const WAIT: Duration = Duration::from_hours(1);
/// Long enough for a time window to keep every call of a measurement.
const LONG: Duration = Duration::from_mins(10);
const TEN_SECONDS: Duration = Duration::from_secs(10);

/// The breaker's cases.
pub fn cases() -> Vec<Case> {
    vec![
        Case::variant("breaker/closed", "count 100", || closed(count_window(), 200)),
        Case::variant("breaker/closed", "consecutive", || closed(consecutive(), 200)),
        Case::variant("breaker/closed", "defaults", || closed(Breaker::builder(), 200)),
        Case::ours("breaker/permit", || {
            let breaker = build(count_window());
            plain(move || breaker.try_acquire().map(Permit::success).is_ok(), |&admitted| admitted)
        }),
        Case::variant("breaker/mixed", "count 100", || mixed(count_window())),
        Case::variant("breaker/mixed", "10 s window", || mixed(time_window(TEN_SECONDS))),
        Case::ours("breaker/open", || {
            let breaker = build(count_window().open_wait(WAIT));
            let mut cx = Context::from_waker(Waker::noop());
            for _ in 0..200 {
                // Only the state that they leave behind matters.
                let _ = poll(breaker.call(failing()), &mut cx);
            }
            polled(
                move |cx| poll(breaker.call(ready()), cx),
                0,
                |answer| matches!(answer, Err(Error::Rejected(_))),
            )
        }),
        Case::ours("breaker/time-window", || closed(time_window(TEN_SECONDS), 1_000)),
        Case::ours("breaker/time-window-10k", || closed(time_window(LONG), 10_000)),
    ]
}

fn count_window() -> BreakerBuilder {
    Breaker::builder().name("benches").count_window(100)
}

fn time_window(span: Duration) -> BreakerBuilder {
    Breaker::builder().name("benches").time_window(span)
}

fn consecutive() -> BreakerBuilder {
    Breaker::builder().name("benches").consecutive_failures(5).without_failure_rate()
}

fn build(builder: BreakerBuilder) -> Breaker {
    builder.build().expect("a valid breaker")
}

fn closed(builder: BreakerBuilder, before: u64) -> Box<dyn Work> {
    let breaker = build(builder);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..before {
        poll(breaker.call(ready()), &mut cx).expect("a closed breaker");
    }
    polled(move |cx| poll(breaker.call(ready()), cx), 1, Result::is_ok)
}

fn mixed(builder: BreakerBuilder) -> Box<dyn Work> {
    let breaker = build(builder);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..200 {
        // Only the state that they leave behind matters.
        let _ = poll(breaker.call(one_in_ten_fails()), &mut cx);
    }
    polled(
        move |cx| poll(breaker.call(one_in_ten_fails()), cx),
        1,
        // The breaker must stay closed: every call reaches the operation.
        |answer: &Result<u64, Error<Failure>>| !matches!(answer, Err(Error::Rejected(_))),
    )
}
