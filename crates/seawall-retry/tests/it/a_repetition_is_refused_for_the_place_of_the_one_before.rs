//! A place in flight is free once its attempt is over. If the repetition before still holds the only
//! place, the next one is refused.

use std::time::Duration;

use seawall_core::StopReason;
use seawall_retry::{Backoff, Budget, Retry};

#[tokio::test(start_paused = true)]
async fn one_place_is_enough_for_any_number_of_repetitions_in_turn() {
    for backoff in [Backoff::none(), Backoff::constant(Duration::from_secs(1))] {
        let budget = Budget::builder().without_tokens().in_flight(1e-9, 1).build().unwrap();
        let retry = Retry::builder().idempotent().max_attempts(5).backoff(backoff);
        let retry = retry.budget(&budget).build().unwrap();
        let error = retry.call(async || Err::<(), _>("down")).await.unwrap_err();
        let gave_up = error.gave_up().unwrap();
        assert_eq!((gave_up.why, gave_up.attempts), (StopReason::Attempts, 5), "{retry}");
        assert_eq!(budget.snapshot().repetitions_in_flight, Some(0), "{retry}");
    }
}
