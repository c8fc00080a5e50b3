//! A guarded call dropped at every await, in each state.

use std::time::Duration;

use seawall_breaker::{Breaker, Ramp};
use seawall_core::{CircuitState, Class, FromFn, Lazy, Policy};
use seawall_testkit::at_every_await;
use tokio::task::yield_now;
use tokio::time::{advance, sleep};

const WAIT: Duration = Duration::from_secs(10);

fn breaker() -> Breaker {
    Breaker::builder()
        .consecutive_failures(1)
        .open_wait(WAIT)
        .probes(1_000)
        .probe_successes(1_000)
        .lease(Duration::MAX)
        .ramp(Ramp::new([1.0], Duration::MAX))
        .tally()
        .build()
        .unwrap()
}

async fn operation() -> Result<(), &'static str> {
    yield_now().await;
    sleep(Duration::from_millis(1)).await;
    yield_now().await;
    Ok(())
}

async fn dropped_everywhere(breaker: &Breaker, state: CircuitState) {
    let admitted = !matches!(state, CircuitState::Open | CircuitState::ForcedOpen);
    let check = |over: bool| {
        let snapshot = breaker.snapshot();
        assert_eq!(snapshot.in_flight, Some(0), "{state}");
        assert_eq!(snapshot.probes_in_flight, 0, "{state}");
        assert_eq!(breaker.state(), state);
        over
    };
    let awaits = at_every_await(
        || breaker.call(operation()),
        |output| {
            check(output.is_some());
        },
    )
    .await;
    assert_eq!(awaits, if admitted { 3 } else { 0 });
    let awaits = at_every_await(
        || Lazy::new(breaker.wrap(FromFn::new(operation, &|_: &&str| Class::Transient))),
        |output| {
            check(output.is_some());
        },
    )
    .await;
    assert_eq!(awaits, if admitted { 3 } else { 0 });
    let totals = breaker.snapshot().totals;
    assert_eq!(totals.failures, totals.openings);
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_await_in_any_state_holds_nothing() {
    let breaker = breaker();
    dropped_everywhere(&breaker, CircuitState::Closed).await;
    breaker.force_open();
    dropped_everywhere(&breaker, CircuitState::ForcedOpen).await;
    breaker.force_closed();
    dropped_everywhere(&breaker, CircuitState::ForcedClosed).await;
    breaker.shadow();
    dropped_everywhere(&breaker, CircuitState::Shadow).await;
    breaker.release();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    dropped_everywhere(&breaker, CircuitState::Open).await;
    advance(WAIT).await;
    breaker.try_acquire().unwrap().ignore();
    dropped_everywhere(&breaker, CircuitState::HalfOpen).await;
    while breaker.state() == CircuitState::HalfOpen {
        breaker.try_acquire().unwrap().success();
    }
    dropped_everywhere(&breaker, CircuitState::Ramping).await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_waits_for_the_verdict_can_be_dropped_at_any_await() {
    let breaker = Breaker::builder()
        .consecutive_failures(1)
        .open_wait(WAIT)
        .probes(1)
        .wait_for_verdict(1, Duration::from_mins(1))
        .tally()
        .build()
        .unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(WAIT).await;
    for awaits in 0..3 {
        let probe = breaker.try_acquire().unwrap();
        let waits = seawall_testkit::drop_after(awaits, breaker.call(operation()));
        assert!(waits.await.is_none());
        let wrapped = Lazy::new(breaker.wrap(FromFn::new(operation, &|_: &&str| Class::Transient)));
        assert!(seawall_testkit::drop_after(awaits, wrapped).await.is_none());
        assert_eq!(breaker.snapshot().in_flight, Some(1));
        probe.ignore();
    }
    // Now the place of the probe comes free while they wait: they have it, whole or dropped.
    let refused = breaker.snapshot().totals.refused;
    let mut held = breaker.try_acquire().ok();
    let awaits = at_every_await(
        || {
            let probe = held.take().unwrap_or_else(|| breaker.try_acquire().unwrap());
            async {
                let (waited, ()) = tokio::join!(breaker.call(operation()), async {
                    yield_now().await;
                    probe.ignore();
                });
                waited
            }
        },
        |_| assert_eq!(breaker.snapshot().in_flight, Some(0)),
    )
    .await;
    assert!(awaits >= 4, "{awaits}");
    assert_eq!(breaker.snapshot().totals.refused, refused);
    breaker.reset();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(WAIT).await;
    // The place among the callers that wait is free again, too.
    let probe = breaker.try_acquire().unwrap();
    let (waited, ()) = tokio::join!(breaker.call(operation()), async {
        yield_now().await;
        probe.success();
    });
    waited.unwrap();
    assert_eq!(breaker.snapshot().in_flight, Some(0));
}
