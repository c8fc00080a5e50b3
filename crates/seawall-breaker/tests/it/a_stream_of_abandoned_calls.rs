//! A thousand callers that give up say nothing about the dependency, unless the breaker was configured
//! to count them as failures.

use std::task::{Context, Waker};

use seawall_breaker::{Abandoned, Breaker};
use seawall_core::CircuitState;

fn give_up(breaker: &Breaker) {
    let mut call = Box::pin(breaker.call(std::future::pending::<Result<(), ()>>()));
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

#[test]
fn by_default_they_open_no_circuit_and_are_counted() {
    let breaker = Breaker::builder().build().unwrap();
    (0..1_000).for_each(|_| give_up(&breaker));
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.totals.abandoned), (CircuitState::Closed, 1_000));
}

#[test]
fn as_failures_they_open_it() {
    let breaker = Breaker::builder().abandoned_as(Abandoned::Failure).build().unwrap();
    (0..20).for_each(|_| give_up(&breaker));
    assert_eq!(breaker.state(), CircuitState::Open);
}
