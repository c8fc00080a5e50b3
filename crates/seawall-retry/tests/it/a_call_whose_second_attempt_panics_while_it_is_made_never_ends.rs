//! Seen in resilience4j (resilience4j/resilience4j#1718: the first call of a supplier gave a failed
//! future, the second threw before it gave any, and the caller waited for ever).

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use seawall_retry::{Backoff, Budget, Retry};

#[tokio::test(start_paused = true)]
async fn the_panic_reaches_the_caller_and_nothing_stays_in_flight() {
    for backoff in [Backoff::none(), Duration::from_secs(1).into()] {
        let budget = Budget::builder().in_flight(1.0, 1).build().unwrap();
        let retry = Retry::builder().idempotent().backoff(backoff).budget(&budget);
        let retry = retry.build().unwrap();
        let mut attempts = 0;
        {
            let mut call = pin!(retry.call(|| {
                attempts += 1;
                assert_eq!(attempts, 1, "boom");
                async { Err::<u32, _>("down") }
            }));
            let mut poll =
                || call.as_mut().poll(&mut Context::from_waker(Waker::noop())).map(|_| ());
            let over = loop {
                match catch_unwind(AssertUnwindSafe(&mut poll)) {
                    Ok(Poll::Pending) => tokio::time::advance(Duration::from_secs(1)).await,
                    over => break over,
                }
            };
            let panic = over.unwrap_err();
            assert!(panic.downcast_ref::<String>().unwrap().contains("boom"));
        }
        assert_eq!(attempts, 2);
        let snapshot = budget.snapshot();
        assert_eq!(snapshot.calls_in_flight, Some(0));
        assert_eq!(snapshot.repetitions_in_flight, Some(0));
    }
}
