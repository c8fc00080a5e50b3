//! A new configuration while calls are under way: nothing is lost, and what they say counts.

use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder, Ramp, Settlement};
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

const WAIT: Duration = Duration::from_secs(1);

fn builder() -> BreakerBuilder {
    Breaker::builder().consecutive_failures(1).open_wait(WAIT).probes(2).tally()
}

fn changes() -> [BreakerBuilder; 6] {
    [
        builder(),
        builder().time_window(WAIT).slices(20),
        builder().slow_call_rate(0.5, WAIT),
        builder().without_failure_rate(),
        builder().probes(3).lease(10 * WAIT),
        builder().ramp(Ramp::new([0.5], WAIT)),
    ]
}

#[tokio::test(start_paused = true)]
async fn permits_in_flight_count_in_each_state_whatever_changes() {
    for change in changes() {
        for state in [CircuitState::Closed, CircuitState::HalfOpen, CircuitState::ForcedClosed] {
            let breaker = builder().build().unwrap();
            match state {
                CircuitState::HalfOpen => {
                    breaker.try_acquire().unwrap().failure(Class::Transient);
                    advance(WAIT).await;
                }
                CircuitState::ForcedClosed => breaker.force_closed(),
                _ => {}
            }
            let (one, two) = (breaker.try_acquire().unwrap(), breaker.try_acquire().unwrap());
            let before = breaker.snapshot();
            breaker.reconfigure(change.clone()).unwrap();
            let after = breaker.snapshot();
            assert_eq!((after.state, after.generation), (state, before.generation));
            assert_eq!(after.in_flight, Some(2));
            assert_eq!(after.totals, before.totals);
            assert_eq!(one.success(), Settlement::Counted);
            drop(two);
            let snapshot = breaker.snapshot();
            assert_eq!((snapshot.in_flight, snapshot.totals.abandoned), (Some(0), 1));
            assert_eq!(snapshot.probes_in_flight, 0);
            let admitted = snapshot.totals.admitted.unwrap();
            assert_eq!(admitted, 3 - u64::from(state != CircuitState::HalfOpen));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_under_way_ends_when_it_was_to_and_the_next_is_the_new_one() {
    let breaker = builder().probes(1).build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    breaker.reconfigure(builder().probes(1).open_wait(7 * WAIT)).unwrap();
    assert_eq!(breaker.snapshot().retry_after, Some(WAIT));
    advance(WAIT).await;
    breaker.try_acquire().unwrap().failure(Class::Transient);
    assert_eq!(breaker.snapshot().retry_after, Some(7 * WAIT));
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_refused_and_changes_nothing() {
    let breaker = builder().build().unwrap();
    let permit = breaker.try_acquire().unwrap();
    let before = breaker.snapshot();
    let wrong = [
        builder().probes(0),
        builder().failure_rate(f64::NAN),
        builder().count_window(5).min_calls(6),
        builder().open_wait(Duration::ZERO),
    ];
    for wrong in wrong {
        assert!(breaker.reconfigure(wrong).is_err());
        assert_eq!(breaker.snapshot(), before);
    }
    permit.failure(Class::Transient);
    assert_eq!(breaker.snapshot().retry_after, Some(WAIT));
}

#[tokio::test(start_paused = true)]
async fn a_slow_rule_that_is_new_times_the_calls_that_come_after_it() {
    let breaker = Breaker::builder().build().unwrap();
    let early = breaker.try_acquire().unwrap();
    breaker.reconfigure(Breaker::builder().slow_call_rate(1.0, WAIT)).unwrap();
    let late = breaker.try_acquire().unwrap();
    advance(WAIT).await;
    early.success();
    assert_eq!(breaker.snapshot().window.slow, 0);
    late.success();
    assert_eq!(breaker.snapshot().window.slow, 1);
}
