//! Seen in backoff (ihrwein/backoff#42: with at most 15 s for a call, it slept over the end and called
//! once more after it).

use std::time::Duration;

use seawall_core::{Jitter, StopReason};
use seawall_retry::{Backoff, Budget, Random, Retry};
use seawall_testkit::{Script, Step};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn what_could_not_start_in_time_is_not_waited_for() {
    let deadline = Duration::from_secs(15);
    for seed in 0..100 {
        let backoff = Backoff::exponential(Duration::from_millis(500))
            .max(Duration::from_secs(5))
            .jitter(Jitter::Proportional(0.5));
        let retry = Retry::builder().idempotent().unlimited_attempts().without_budget();
        let retry = retry.backoff(backoff).random(Random::seeded(seed)).deadline(deadline);
        let retry = retry.build().unwrap();
        let (start, mut latest) = (Instant::now(), Duration::ZERO);
        let error = retry
            .call(|| {
                latest = start.elapsed();
                std::future::ready(Err::<u32, _>("down"))
            })
            .await
            .unwrap_err();
        assert_eq!(error.gave_up().unwrap().why, StopReason::Deadline);
        assert!(latest < deadline, "an attempt after {latest:?}");
        assert_eq!(start.elapsed(), latest, "it gives up without a wait");
    }
}

/// Seen here: what is slept for less than a millisecond too long, by a timer, or longer, by an
/// executor that was held up, was started after the deadline.
#[tokio::test(start_paused = true)]
async fn nor_is_what_was_overslept_started() {
    const MICRO: Duration = Duration::from_micros(1);
    let budget = Budget::builder().build().unwrap();
    let retry = Retry::builder().idempotent().backoff(10_200 * MICRO).budget(&budget);
    let retry = retry.deadline(10_500 * MICRO).build().unwrap();
    let script = Script::<(), _>::new([Step::err("down")]);
    let start = Instant::now();
    let error = retry.call(|| script.run()).await.unwrap_err();
    assert!(start.elapsed() > 10_500 * MICRO, "the timer's steps are no longer a millisecond");
    let gave_up = error.gave_up().unwrap();
    assert_eq!((gave_up.why, gave_up.attempts), (StopReason::Deadline, 1));
    assert_eq!(error.operation(), Some(&"down"));
    assert_eq!(script.started(), 1);
    assert_eq!(budget.snapshot().tokens, Some(10.0), "what was not started is given back");
}

#[test]
fn nor_where_a_thread_slept() {
    // It sleeps until shortly before the deadline at the earliest, and hardly ever wakes up in time.
    let (delay, deadline) = (Duration::from_micros(490), Duration::from_micros(500));
    let retry = Retry::builder().idempotent().backoff(delay).deadline(deadline).build().unwrap();
    for _ in 0..50 {
        let outcome = retry.call_blocking_with(|attempt| {
            let late = attempt.number() > 1 && attempt.time_left() == Some(Duration::ZERO);
            assert!(!late, "{attempt:?}");
            Err::<(), _>("down")
        });
        assert_eq!(outcome.unwrap_err().gave_up().unwrap().why, StopReason::Deadline);
    }
}
