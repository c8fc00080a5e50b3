//! What each way to end does to a half-open circuit, through each of the ways in.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use seawall_breaker::{Abandoned, Breaker, BreakerBuilder, Settlement};
use seawall_core::{
    CircuitState, Class, Error, FromFn, FromFuture, Lazy, Name, Policy, PolicyKind, Reason,
    Rejection,
};
use tokio::time::advance;

const WAIT: Duration = Duration::from_secs(1);

fn builder() -> BreakerBuilder {
    Breaker::builder().consecutive_failures(1).open_wait(WAIT).probes(1).tally()
}

/// A half-open circuit.
async fn half_open(builder: BreakerBuilder) -> Breaker {
    let breaker = builder.build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(WAIT).await;
    breaker.try_acquire().unwrap().ignore();
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    breaker
}

/// The slot is back, nothing was recorded, the state is as it was.
fn nothing_happened(breaker: &Breaker) {
    let snapshot = breaker.snapshot();
    assert_eq!(snapshot.state, CircuitState::HalfOpen);
    assert_eq!((snapshot.probes_in_flight, snapshot.in_flight), (0, Some(0)));
    assert_eq!((snapshot.totals.successes, snapshot.totals.failures), (Some(0), 1));
    assert!(breaker.try_acquire().unwrap().is_probe());
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_gives_the_slot_back() {
    let breaker = half_open(builder()).await;
    for class in [Class::Ignored, Class::Cancelled] {
        assert_eq!(breaker.try_acquire().unwrap().settle(class), Settlement::Ignored);
        nothing_happened(&breaker);
    }
    drop(breaker.try_acquire().unwrap());
    nothing_happened(&breaker);
    drop(breaker.try_acquire_owned().unwrap());
    nothing_happened(&breaker);
    let mut call = Box::pin(breaker.call(std::future::pending::<Result<(), ()>>()));
    assert!(tokio::time::timeout(WAIT, call.as_mut()).await.is_err());
    drop(call);
    nothing_happened(&breaker);
}

#[tokio::test(start_paused = true)]
async fn a_rejection_by_a_policy_inside_is_not_the_dependencys() {
    let breaker = half_open(builder()).await;
    let inner = Breaker::builder().build().unwrap();
    inner.force_open();
    let call = FromFn::new(|| async { Ok::<_, ()>(()) }, &|(): &()| Class::Transient);
    let rejected = Lazy::new(breaker.wrap(inner.wrap(call))).await.unwrap_err();
    assert_eq!(rejected.rejection().unwrap().reason(), Reason::ForcedOpen);
    nothing_happened(&breaker);
    for kind in [PolicyKind::Bulkhead, PolicyKind::RateLimit] {
        let rejection = Rejection::new(Name::from("inside"), kind, Reason::Full);
        let class = Error::<()>::Rejected(rejection).class();
        assert_eq!(breaker.try_acquire().unwrap().settle(class), Settlement::Ignored);
        nothing_happened(&breaker);
    }
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_probe_reopens_where_that_is_a_failure() {
    let breaker = half_open(builder().abandoned_as(Abandoned::Failure)).await;
    let mut call = Box::pin(breaker.call(std::future::pending::<Result<(), ()>>()));
    assert!(tokio::time::timeout(WAIT / 2, call.as_mut()).await.is_err());
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    drop(call);
    assert_eq!(breaker.state(), CircuitState::Open);
    assert_eq!(breaker.snapshot().totals.failures, 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_reopens_through_each_way_in() {
    fn boom() -> Result<(), ()> {
        panic!("boom")
    }
    fn poll(future: impl Future) {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = Box::pin(future).as_mut().poll(&mut cx);
    }
    let ways: [fn(&Breaker); 4] = [
        |breaker| drop(breaker.call_blocking(boom)),
        |breaker| poll(breaker.call(async { boom() })),
        |breaker| {
            poll(Lazy::new(
                breaker.wrap(FromFuture::new(async { boom() }, &|(): &()| Class::Transient)),
            ));
        },
        |breaker| {
            let _permit = breaker.try_acquire().unwrap();
            let _ = boom();
        },
    ];
    for way in ways {
        let breaker = half_open(builder()).await;
        assert!(catch_unwind(AssertUnwindSafe(|| way(&breaker))).is_err());
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.totals.failures), (CircuitState::Open, 2));
        assert_eq!((snapshot.totals.abandoned, snapshot.in_flight), (0, Some(0)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_counts_whatever_becomes_of_the_result() {
    let breaker = half_open(builder()).await;
    drop(breaker.call(async { Ok::<_, ()>(vec![1]) }).await);
    assert_eq!(breaker.state(), CircuitState::Closed);
    // A caller that goes away right after the poll that was ready.
    let breaker = half_open(builder()).await;
    let mut call = Box::pin(breaker.call(async { Ok::<_, ()>(()) }));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(call.as_mut().poll(&mut cx).is_ready());
    drop(call);
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.totals.abandoned), (CircuitState::Closed, 0));
}
