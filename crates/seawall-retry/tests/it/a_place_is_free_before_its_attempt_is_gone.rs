//! A place in flight is that of an attempt until it is gone. Of a call that was dropped in the middle
//! the place was free while the attempt was still being dropped.

use std::future::pending;
use std::time::Duration;

use seawall_core::Backoff;
use seawall_retry::{Budget, Hedge, Retry};

/// Looks at the budget as it is dropped.
struct Attempt<'b> {
    budget: &'b Budget,
    repetitions: u32,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        assert_eq!(self.budget.snapshot().repetitions_in_flight, Some(self.repetitions));
    }
}

async fn give_up_on(call: impl Future) {
    assert!(tokio::time::timeout(Duration::from_secs(9), call).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn of_a_retry() {
    let budget = Budget::builder().in_flight(1.0, 9).build().unwrap();
    for backoff in [Backoff::none(), Backoff::from(Duration::from_secs(1))] {
        for failures in 0..3 {
            let retry = Retry::builder().idempotent().backoff(backoff.clone()).budget(&budget);
            let retry = retry.build().unwrap();
            let mut started = 0;
            let call = retry.call(|| {
                started += 1;
                let attempt = Attempt { budget: &budget, repetitions: u32::from(started > 1) };
                let fails = started <= failures;
                async move {
                    let _attempt = attempt;
                    tokio::task::yield_now().await;
                    if fails { Err::<(), _>("down") } else { pending().await }
                }
            });
            give_up_on(call).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_hedge() {
    let budget = Budget::builder().in_flight(1.0, 9).build().unwrap();
    for max_attempts in 1..4 {
        let hedge = Hedge::builder().delay(Duration::from_secs(1)).max_attempts(max_attempts);
        let hedge = hedge.budget(&budget).build().unwrap();
        let mut left = max_attempts;
        let call = hedge.call(|| {
            // The primary is dropped first, and the others in the order in which they came.
            let repetitions = if left == max_attempts { max_attempts - 1 } else { left };
            left -= 1;
            let attempt = Attempt { budget: &budget, repetitions };
            async move {
                let _attempt = attempt;
                pending::<Result<(), &str>>().await
            }
        });
        give_up_on(call).await;
    }
}
