//! A dependency that asked to be left alone for half an hour was asked again after a minute, the
//! longest that a retry waits.

use std::time::Duration;

use seawall_core::{Attempt, Class, Error, Lazy, Policy, StopReason};
use seawall_retry::Retry;
use seawall_retry::retry::DEFAULT_MAX_RETRY_AFTER;
use tokio::time::Instant;

use crate::scripted::Scripted;

/// How a call ends whose first attempt is asked to wait for `hint`, and after which time.
async fn asked(hint: Duration) -> (Result<u32, Error<&'static str>>, Duration) {
    let retry = Retry::builder().idempotent().backoff(Duration::from_secs(1)).build().unwrap();
    let class = Class::Overloaded { retry_after: Some(hint) };
    let busy = Scripted(|attempt: Attempt| match attempt.number() {
        1 => Err(Error::operation_failed("come back later", class)),
        number => Ok(number),
    });
    let start = Instant::now();
    (Lazy::new(retry.wrap(busy)).await, start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_at_once_and_says_until_when() {
    let half_an_hour = Duration::from_mins(30);
    let (outcome, elapsed) = asked(half_an_hour).await;
    let error = outcome.unwrap_err();
    assert_eq!(elapsed, Duration::ZERO);
    assert_eq!(error.retry_after(), Some(half_an_hour));
    assert_eq!(error.gave_up().unwrap().why, StopReason::RetryAfter);
    let text = error.to_string();
    assert!(
        text.contains("longer than it waits") && text.ends_with("; retry in 1800.000s"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_it_may_wait_for_is_waited_for() {
    let (outcome, elapsed) = asked(DEFAULT_MAX_RETRY_AFTER).await;
    assert_eq!((outcome.unwrap(), elapsed), (2, DEFAULT_MAX_RETRY_AFTER));
}
