//! A closed breaker was evicted with the failures in its window, so that made-up keys in between kept
//! the circuit of a failing host closed.

use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder, KeyedBreaker};
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

fn set(builder: BreakerBuilder) -> KeyedBreaker<u32> {
    KeyedBreaker::new(builder, 8).unwrap()
}

fn fail(set: &KeyedBreaker<u32>, key: u32) {
    set.get(&key).try_acquire().unwrap().failure(Class::Transient);
}

#[test]
fn twenty_failures_among_two_hundred_made_up_keys_open_the_circuit() {
    let set = set(Breaker::builder());
    for made_up in 1..=200 {
        if made_up % 10 == 0 {
            fail(&set, 0);
        }
        set.get(&made_up).try_acquire().unwrap().success();
    }
    assert_eq!(set.get(&0).state(), CircuitState::Open);
    assert_eq!(set.overflowed(), 0);
}

#[tokio::test(start_paused = true)]
async fn failures_that_no_longer_count_keep_no_place() {
    let forgotten = Duration::from_secs(10);
    for builder in [Breaker::builder(), Breaker::builder().time_window(forgotten)] {
        let set = set(builder.forget_after(forgotten));
        (0..8).for_each(|key| fail(&set, key));
        advance(Duration::from_nanos(9_999_999_999)).await;
        set.get(&8);
        assert_eq!((set.overflowed(), set.evicted()), (1, 0));
        advance(Duration::from_nanos(1)).await;
        set.get(&8);
        assert_eq!((set.overflowed(), set.evicted()), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_has_just_closed_is_kept_with_its_longer_wait() {
    let second = Duration::from_secs(1);
    let set = set(Breaker::builder().consecutive_failures(1).open_wait(second).probes(1));
    fail(&set, 0);
    advance(second).await;
    set.get(&0).try_acquire().unwrap().success();
    (1..100).for_each(|made_up| drop(set.get(&made_up)));
    assert_eq!(set.get(&0).snapshot().openings_in_a_row, 1);
}

#[test]
fn a_breaker_with_a_call_in_flight_is_kept() {
    let set = set(Breaker::builder());
    let permit = set.get(&0).try_acquire_owned().unwrap();
    (1..100).for_each(|made_up| drop(set.get(&made_up)));
    permit.failure(Class::Transient);
    assert_eq!(set.get(&0).snapshot().totals.failures, 1);
}
