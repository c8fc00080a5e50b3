//! A breaker counted no timeouts, no time and no successes in a row.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::inspect::{Counter, Gauge, Inspect, Measures};
use seawall_core::{
    Attempt, Call, CircuitState, Class, Error, Lazy, Policy, Reason, Scope, TimedOut, TimedOutBy,
};
use tokio::time::sleep;

const TAKES: Duration = Duration::from_millis(20);

fn timed_out(by: TimedOutBy) -> Error<()> {
    let (name, limit) = ("attempt".into(), Duration::from_secs(1));
    Error::TimedOut(TimedOut::new(name, Scope::Attempt, by, limit, limit, Attempt::first()))
}

/// An operation that answers after [`TAKES`], or is cut off by a timeout.
#[derive(Clone)]
struct Op(Option<TimedOutBy>);

impl Call for Op {
    type Output = ();
    type Error = ();
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<(), Error<()>>>>>;

    fn start(self, _: Attempt) -> Self::Future {
        let by = self.0;
        Box::pin(async move {
            sleep(TAKES).await;
            by.map_or(Ok(()), |by| Err(timed_out(by)))
        })
    }
}

async fn call(breaker: &Breaker, by: Option<TimedOutBy>) {
    assert_eq!(Lazy::new(breaker.wrap(Op(by))).await.is_ok(), by.is_none());
}

#[tokio::test(start_paused = true)]
async fn timeouts_are_counted_without_a_tally() {
    let breaker = Breaker::builder().build().unwrap();
    for _ in 0..300 {
        call(&breaker, None).await;
    }
    call(&breaker, Some(TimedOutBy::Limit)).await;
    call(&breaker, Some(TimedOutBy::Deadline)).await;
    breaker.try_acquire().unwrap().failure(Class::Transient);
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.totals.failures, snapshot.totals.timed_out), (3, 2));
    assert_eq!((snapshot.consecutive_successes, snapshot.mean_time), (None, None));
    assert_eq!(timeouts_shown(&breaker), 2);
}

#[tokio::test(start_paused = true)]
async fn a_tally_knows_times_and_successes_in_a_row() {
    let breaker = Breaker::builder().tally().build().unwrap();
    for _ in 0..300 {
        call(&breaker, None).await;
    }
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.consecutive_successes, snapshot.mean_time), (Some(300), Some(TAKES)));
    call(&breaker, Some(TimedOutBy::Limit)).await;
    call(&breaker, None).await;
    assert_eq!(breaker.snapshot().consecutive_successes, Some(1));
}

/// After a caller's deadline passed, calls are timed for a while, and then no longer.
#[tokio::test(start_paused = true)]
async fn a_passed_deadline_has_calls_timed_for_ten_seconds() {
    let breaker = Breaker::builder().build().unwrap();
    for _ in 0..300 {
        call(&breaker, None).await;
    }
    call(&breaker, Some(TimedOutBy::Deadline)).await;
    call(&breaker, None).await;
    assert_eq!(breaker.snapshot().mean_time, Some(TAKES));
    for _ in 0..500 {
        call(&breaker, None).await;
    }
    assert_eq!(breaker.snapshot().mean_time, None);
}

fn timeouts_shown(breaker: &Breaker) -> u64 {
    struct Seen(u64);
    impl Measures for Seen {
        fn gauge(&mut self, _: Gauge, _: f64) {}
        fn counter(&mut self, counter: Counter, total: u64) {
            if counter == Counter::TimedOut {
                self.0 = total;
            }
        }
        fn refusals(&mut self, _: Reason, _: u64) {}
        fn state(&mut self, _: CircuitState, _: bool, _: Duration) {}
    }
    let mut seen = Seen(u64::MAX);
    breaker.measure(&mut seen);
    seen.0
}
