//! Nothing runs for a breaker, and nothing outlives it.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{Class, Event};
use seawall_testkit::Alive;
use tokio::runtime::Handle;
use tokio::time::{advance, timeout};

const WAIT: Duration = Duration::from_secs(1);

/// A breaker whose predicate and listener count as alive for as long as they are.
fn breaker(alive: &Alive) -> Breaker {
    let (predicate, listener) = (alive.token(), alive.token());
    let breaker = Breaker::builder()
        .consecutive_failures(2)
        .open_wait(WAIT)
        .probes(1)
        .wait_for_verdict(4, 10 * WAIT)
        .open_when(move |_| {
            let _ = &predicate;
            false
        })
        .build()
        .unwrap();
    breaker.listeners().add(move |_: &Event| {
        let _ = &listener;
    });
    breaker
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_dropped_breakers_leave_nothing_behind() {
    let alive = Alive::default();
    let runtime = Handle::current().metrics();
    let tasks = runtime.num_alive_tasks();
    for n in 0..10_000 {
        let breaker = breaker(&alive);
        // In each state, with calls under way and callers that wait for the verdict.
        for _ in 0..n % 3 {
            breaker.try_acquire().unwrap().failure(Class::Transient);
        }
        if n % 3 == 2 {
            advance(WAIT).await;
            let _probe = breaker.try_acquire().unwrap();
            let mut waits = Box::pin(breaker.call(std::future::pending::<Result<(), ()>>()));
            assert!(timeout(WAIT / 10, waits.as_mut()).await.is_err());
            assert_eq!(runtime.num_alive_tasks(), tasks);
        } else {
            let mut runs = Box::pin(breaker.call(std::future::pending::<Result<(), ()>>()));
            assert!(timeout(WAIT / 10, runs.as_mut()).await.is_err());
        }
        drop(breaker);
    }
    assert_eq!((alive.now(), alive.ever()), (0, 20_000));
    assert_eq!(runtime.num_alive_tasks(), tasks);
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_owned_keeps_its_breaker_and_no_longer() {
    let alive = Alive::default();
    let permit = breaker(&alive).try_acquire_owned().unwrap();
    assert_eq!(alive.now(), 2);
    permit.failure(Class::Transient);
    assert_eq!(alive.now(), 0);
}
