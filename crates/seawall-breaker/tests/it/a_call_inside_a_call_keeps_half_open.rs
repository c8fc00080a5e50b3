//! An operation that calls twice through its own breaker held one probe and needed two more, so that
//! the circuit never closed again: 0 of 1,000 rounds in front of a healthy dependency.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class, Error, FromFn, Lazy, Policy, Reason};
use tokio::join;
use tokio::task::yield_now;
use tokio::time::advance;

const WAIT: Duration = Duration::from_secs(1);

async fn open() -> Breaker {
    let breaker = Breaker::builder().consecutive_failures(1).open_wait(WAIT).build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(WAIT).await;
    breaker
}

async fn answer() -> Result<(), ()> {
    yield_now().await;
    Ok(())
}

async fn two_calls(breaker: &Breaker) -> Result<(), Error<()>> {
    breaker.call(answer()).await?;
    breaker.call(answer()).await
}

#[tokio::test(start_paused = true)]
async fn around_both_it_closes() {
    let breaker = open().await;
    for round in 1..=2 {
        assert_ne!(breaker.state(), CircuitState::Closed, "round {round}");
        breaker.call(two_calls(&breaker)).await.unwrap();
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn around_a_pipeline_in_a_pipeline_it_closes() {
    let breaker = open().await;
    for _ in 0..2 {
        let inner = || Lazy::new(breaker.wrap(FromFn::new(answer, &|(): &()| Class::Transient)));
        let both = async || {
            yield_now().await;
            inner().await?;
            inner().await
        };
        let class = |_: &Error<()>| Class::Transient;
        Lazy::new(breaker.wrap(FromFn::new(both, &class))).await.unwrap();
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn twice_in_one_pipeline_it_closes() {
    let breaker = Breaker::builder().consecutive_failures(1).open_wait(WAIT).probes(1);
    let breaker = breaker.build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(WAIT).await;
    let op = FromFn::new(answer, &|(): &()| Class::Transient);
    Lazy::new(breaker.wrap(breaker.wrap(op))).await.unwrap();
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn around_blocking_calls_it_closes() {
    let breaker = open().await;
    for _ in 0..2 {
        let call = || breaker.call_blocking(|| Ok::<_, ()>(()));
        breaker.call_blocking(|| call().and_then(|()| call())).unwrap();
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_call_inside_a_probe_decides_nothing() {
    let breaker = open().await;
    let outer = breaker.call(async {
        let _ = breaker.call(async { Err::<(), _>(()) }).await;
        let _ = breaker.call(async { Err::<(), _>(()) }).await;
        answer().await
    });
    outer.await.unwrap();
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    assert_eq!(breaker.snapshot().probes_in_flight, 0);
    breaker.call(answer()).await.unwrap();
    assert_eq!(breaker.state(), CircuitState::Closed);
}

/// Calls next to a probe are not inside it, though one task makes them all.
#[tokio::test(start_paused = true)]
async fn calls_next_to_a_probe_need_slots() {
    let breaker = open().await;
    let calls = join!(breaker.call(answer()), breaker.call(answer()), breaker.call(answer()));
    assert!(calls.0.is_ok() && calls.1.is_ok());
    let Err(Error::Rejected(rejection)) = calls.2 else { panic!("{:?}", calls.2) };
    assert_eq!(rejection.reason(), Reason::ProbesInFlight);
}

/// A probe that hung through an opening is none of the next half-open state.
#[tokio::test(start_paused = true)]
async fn a_call_inside_an_old_probe_needs_a_slot() {
    let breaker = open().await;
    let outer = breaker.call(async {
        yield_now().await;
        breaker.call(answer()).await
    });
    let meanwhile = async {
        breaker.try_acquire().unwrap().failure(Class::Transient);
        assert_eq!(breaker.state(), CircuitState::Open);
        advance(WAIT).await;
        let probes = [breaker.try_acquire().unwrap(), breaker.try_acquire().unwrap()];
        yield_now().await;
        drop(probes);
    };
    let (outer, ()) = join!(outer, meanwhile);
    assert!(outer.is_err());
}

/// With waiting on, the inner call would wait for the verdict that its own probe brings.
#[tokio::test(start_paused = true)]
async fn a_call_inside_a_probe_does_not_wait_for_its_own_verdict() {
    let builder = Breaker::builder().consecutive_failures(1).open_wait(WAIT);
    let breaker = builder.wait_for_verdict(9, WAIT).build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(WAIT).await;
    let start = tokio::time::Instant::now();
    for _ in 0..2 {
        breaker.call(two_calls(&breaker)).await.unwrap();
    }
    assert_eq!((breaker.state(), start.elapsed()), (CircuitState::Closed, Duration::ZERO));
}
