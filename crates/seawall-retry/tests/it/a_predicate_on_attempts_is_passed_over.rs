//! `while_attempt` says that it is asked before each repetition, and only where everything else is
//! for one. It was not asked before waiting for a rejection, and was asked where no attempt was left:
//! its "no" then stood for the reason.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use seawall_core::{
    Attempt, Backoff, Class, Error, Lazy, Policy, PolicyKind, Reason, Rejection, StopReason,
};
use seawall_retry::{Budget, Retry, RetryBuilder};
use tokio_util::sync::CancellationToken;

use crate::scripted::{Outcome, Scripted};

const SECOND: Duration = Duration::from_secs(1);

fn retry() -> RetryBuilder {
    Retry::builder().idempotent().backoff(Backoff::none())
}

async fn run(retry: &Retry, each: impl FnMut(Attempt) -> Outcome) -> Outcome {
    Lazy::new(retry.wrap(Scripted(each))).await
}

fn down() -> Outcome {
    Err(Error::operation_failed("down", Class::Transient))
}

fn open() -> Outcome {
    Err(Rejection::new("orders".into(), PolicyKind::Breaker, Reason::Open).retry_in(SECOND).into())
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_before_a_rejection_is_waited_for() {
    let retry = retry().max_attempts(9).wait_for_rejections();
    let retry = retry.while_attempt(|attempt, _| attempt.number() < 3).build().unwrap();
    let attempts = Cell::new(0);
    let outcome = run(&retry, |attempt| {
        attempts.set(attempt.number());
        open()
    });
    let error = outcome.await.unwrap_err();
    assert_eq!((attempts.get(), error.gave_up().unwrap().why), (3, StopReason::Rejected));
}

#[tokio::test(start_paused = true)]
async fn it_is_not_asked_where_there_is_not_to_be_another_attempt_anyway() {
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    let empty = Budget::builder().deposit(0.0).reserve(0.0).build().unwrap();
    for (builder, why, asked) in [
        (retry().max_attempts(2), StopReason::Attempts, 1),
        (retry().backoff(SECOND).deadline(3 * SECOND / 2), StopReason::Deadline, 1),
        (retry().shutdown(cancelled), StopReason::Shutdown, 0),
        // Which is asked last: what it grants is meant to be used.
        (retry().budget(&empty), StopReason::Budget, 1),
    ] {
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        let retry = builder.while_attempt(move |_, _| {
            counted.fetch_add(1, Relaxed);
            true
        });
        let error = run(&retry.build().unwrap(), |_| down()).await.unwrap_err();
        assert_eq!((error.gave_up().unwrap().why, count.load(Relaxed)), (why, asked));
    }
}
