//! What a server asks for is waited for if it fits the deadline. What is drawn on top of it, so that
//! not all come back at once, could make it not fit.

use std::time::Duration;

use seawall_core::{Attempt, Class, Error, Lazy, Policy, StopReason};
use seawall_retry::{Backoff, Jitter, Random, Retry};
use tokio::time::Instant;

use crate::scripted::{Outcome, Scripted};

const SECOND: Duration = Duration::from_secs(1);

/// How a call ends that is asked to come back after `hint`, and after how long.
async fn ends(random: Random, hint: Duration, deadline: Duration) -> (Outcome, Duration) {
    let backoff = Backoff::from(10 * SECOND).jitter(Jitter::Full);
    let retry = Retry::builder().idempotent().backoff(backoff).deadline(deadline).random(random);
    let retry = retry.build().unwrap();
    let start = Instant::now();
    let outcome = Lazy::new(retry.wrap(Scripted(|attempt: Attempt| match attempt.number() {
        1 => {
            let class = Class::Overloaded { retry_after: Some(hint) };
            Err(Error::operation_failed("busy", class))
        }
        _ => Ok(1),
    })));
    (outcome.await, start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn the_spread_has_room_in_the_time_that_is_left() {
    let mut waits = Vec::new();
    for seed in 0..50 {
        let (outcome, wait) = ends(Random::seeded(seed), 20 * SECOND, 21 * SECOND).await;
        assert!(outcome.is_ok(), "after {wait:?}: {outcome:?}");
        assert!((20 * SECOND..21 * SECOND).contains(&wait), "{wait:?}");
        waits.push(wait.as_millis());
    }
    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() > 40, "they come back together: {waits:?}");
}

#[tokio::test(start_paused = true)]
async fn whatever_is_drawn_a_hint_fits_or_does_not() {
    for random in [Random::lowest, Random::highest] {
        let (outcome, _) = ends(random(), 20 * SECOND, 21 * SECOND).await;
        assert!(outcome.is_ok(), "{outcome:?}");
        let (outcome, wait) = ends(random(), 20 * SECOND, 20 * SECOND).await;
        assert_eq!(outcome.unwrap_err().gave_up().unwrap().why, StopReason::Deadline);
        assert_eq!(wait, Duration::ZERO);
    }
}
