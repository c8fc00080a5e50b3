//! An attempt that waited for the verdict was started before it was let in: a call that was refused
//! in the end had run the closure of its operation, asked the limits inside, and let the clocks of the
//! timeouts inside run.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{
    AllTransient, Attempt, Backoff, Call, Class, Error, FromAttemptFn, Lazy, Operation, Policy,
    Reason, catch,
};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// A breaker that is half-open with its only probe under way, which answers after a second.
async fn half_open() -> (Breaker, impl Future<Output = ()>) {
    let builder = Breaker::builder().consecutive_failures(1).probes(1).lease(60 * SECOND);
    let builder = builder.open_wait(Backoff::constant(SECOND)).wait_for_verdict(10, 60 * SECOND);
    let breaker = builder.build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    sleep(SECOND).await;
    let probe = breaker.try_acquire_owned().unwrap();
    let answer = async move {
        sleep(SECOND).await;
        probe.success();
    };
    (breaker, answer)
}

#[tokio::test(start_paused = true)]
async fn a_call_starts_when_it_is_let_in_and_its_clock_with_it() {
    let (breaker, answer) = half_open().await;
    let began = Cell::new(None);
    let operation = FromAttemptFn::new(
        |mut attempt: Attempt| {
            began.set(Some((attempt.began(), Instant::now())));
            async { Ok::<_, ()>(7) }
        },
        &AllTransient,
    );
    let asked = Instant::now();
    let (outcome, ()) = tokio::join!(Lazy::new(breaker.wrap(operation)), answer);
    assert_eq!(outcome.unwrap(), 7);
    assert_eq!(began.get(), Some((asked + SECOND, asked + SECOND)));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_after_all_was_never_started() {
    let (breaker, _answer) = half_open().await;
    let started = Cell::new(0);
    let mut operation = breaker.wrap(FromAttemptFn::new(
        |_| {
            started.set(started.get() + 1);
            std::future::ready(Ok::<_, ()>(7))
        },
        &AllTransient,
    ));
    let mut waiting = pin!(operation.attempt(Attempt::first()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    breaker.force_open();
    let Error::Rejected(rejection) = waiting.await.unwrap_err() else { panic!("not refused") };
    assert_eq!((rejection.reason(), started.get()), (Reason::ForcedOpen, 0));
}

#[tokio::test(start_paused = true)]
async fn attempts_of_one_operation_wait_beside_each_other() {
    let (breaker, answer) = half_open().await;
    let numbers = RefCell::new(Vec::new());
    let mut operation = breaker.wrap(FromAttemptFn::new(
        |attempt: Attempt| {
            numbers.borrow_mut().push(attempt.number());
            std::future::ready(Ok::<_, ()>(attempt.number()))
        },
        &AllTransient,
    ));
    let first = operation.attempt(Attempt::first().numbered(1, 3));
    let second = operation.attempt(Attempt::first().numbered(2, 3));
    let (first, second, ()) = tokio::join!(first, second, answer);
    assert_eq!((first.unwrap(), second.unwrap()), (1, 2));
    // Closed again: the operation is still the same one.
    assert_eq!(operation.clone().attempt(Attempt::first()).await.unwrap(), 1);
    assert_eq!(operation.attempt(Attempt::first().numbered(3, 3)).await.unwrap(), 3);
    assert_eq!(operation.start(Attempt::first().numbered(4, 4)).await.unwrap(), 4);
    assert_eq!(numbers.into_inner(), [1, 2, 1, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn one_that_panics_when_it_is_started_late_is_a_failure() {
    let (breaker, answer) = half_open().await;
    let operation = FromAttemptFn::new(
        |_| -> std::future::Ready<Result<(), ()>> { panic!("planned") },
        &AllTransient,
    );
    let mut late = pin!(breaker.wrap(operation).start(Attempt::first()));
    answer.await;
    let mut cx = Context::from_waker(Waker::noop());
    let polled = catch(|| late.as_mut().poll(&mut cx).is_ready());
    assert!(polled.is_err());
    let totals = breaker.snapshot().totals;
    assert_eq!((totals.failures, totals.abandoned), (2, 0));
}
