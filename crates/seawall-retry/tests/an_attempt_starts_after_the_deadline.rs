//! Seen in backoff (ihrwein/backoff#42: with at most 15 s for a call, it slept over the end and called
//! once more after it).

use std::time::Duration;

use seawall_core::{Jitter, StopReason};
use seawall_retry::{Backoff, Random, Retry};
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
