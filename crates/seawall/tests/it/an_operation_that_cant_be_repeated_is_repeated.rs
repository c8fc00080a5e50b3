//! A request whose body was sent in part can't be sent again. A retry and a hedge ask before each
//! attempt but the first, through every layer in between.

use std::cell::Cell;
use std::future::Ready;
use std::time::Duration;

use seawall::policy::Chain;
use seawall::{
    Attempt, Breaker, Bulkhead, Class, Error, Hedge, Lazy, Operation, PanicGuard, Policy, Retry,
    StopReason, Timeout,
};

/// Fails at once, and can be started this many times.
struct Body<'s> {
    left: u32,
    started: &'s Cell<u32>,
}

impl Operation for Body<'_> {
    type Output = ();
    type Error = &'static str;
    type Future = Ready<Result<(), Error<&'static str>>>;

    fn attempt(&mut self, _: Attempt) -> Self::Future {
        self.left -= 1;
        self.started.set(self.started.get() + 1);
        std::future::ready(Err(Error::operation_failed("reset", Class::Transient)))
    }

    fn is_repeatable(&self) -> bool {
        self.left > 0
    }
}

fn why(error: &Error<&'static str>) -> StopReason {
    match error {
        Error::GaveUp(gave_up) => gave_up.why,
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_gives_up_through_every_layer() {
    let breaker = Breaker::builder().build().unwrap();
    let timeout = Timeout::builder().build().unwrap();
    let bulkhead = Bulkhead::builder().build().unwrap();
    let guard = PanicGuard::builder().build().unwrap();
    let layers = Chain::new(breaker, Chain::new(timeout, Chain::new(bulkhead, guard)));
    let retry = Retry::builder().idempotent().max_attempts(5).build().unwrap();
    for times in 1..5 {
        let started = Cell::new(0);
        let body = Body { left: times, started: &started };
        let error = Lazy::new(retry.wrap(layers.wrap(body))).await.unwrap_err();
        assert_eq!((why(&error), started.get()), (StopReason::NotRepeatable, times));
    }
}

#[tokio::test(start_paused = true)]
async fn a_hedge_launches_nothing_more() {
    let hedge = Hedge::builder().delay(Duration::ZERO).max_attempts(4).without_budget();
    let hedge = hedge.build().unwrap();
    let started = Cell::new(0);
    let body = Body { left: 2, started: &started };
    let error = Lazy::new(hedge.wrap(body)).await.unwrap_err();
    assert_eq!((why(&error), started.get()), (StopReason::NotRepeatable, 2));
}
