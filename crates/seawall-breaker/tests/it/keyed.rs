//! A breaker per key, bounded in number.

use std::time::Duration;

use seawall_breaker::{Breaker, KeyedBreaker};
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

fn set(capacity: usize) -> KeyedBreaker<u64> {
    KeyedBreaker::new(Breaker::builder().name("set").consecutive_failures(1), capacity).unwrap()
}

#[test]
fn a_key_has_one_breaker_and_the_same_name_again() {
    let set = set(2);
    set.get(&7).force_open();
    assert_eq!(set.get(&7).state(), CircuitState::ForcedOpen);
    assert_eq!(set.get(&7).name().as_str(), "set[7]");
    assert_eq!(set.get(&8).state(), CircuitState::Closed);
    assert_eq!((set.len(), set.evicted(), set.is_empty()), (2, 0, false));
}

#[test]
fn the_least_recently_used_closed_one_goes_and_never_one_that_is_not_closed() {
    let set = set(3);
    set.get(&1).try_acquire().unwrap().failure(Class::Transient);
    set.get(&2);
    set.get(&3);
    set.get(&2);
    set.get(&4);
    let names = |set: &KeyedBreaker<u64>| -> Vec<String> {
        let mut names = Vec::new();
        set.for_each(|_, breaker| names.push(breaker.name().to_string()));
        names.sort();
        names
    };
    assert_eq!(names(&set), ["set[1]", "set[2]", "set[4]"]);
    set.get(&2).force_open();
    set.get(&4).shadow();
    let unkept = set.get(&5);
    assert_eq!(unkept.name().as_str(), "set[5]");
    assert_eq!((set.len(), set.evicted(), set.overflowed()), (3, 1, 1));
    set.get(&1).reset();
    set.get(&5);
    assert_eq!(names(&set), ["set[2]", "set[4]", "set[5]"]);
}

#[test]
fn a_million_keys_stay_within_the_bound_and_what_is_not_closed_is_kept() {
    let set = set(1_000);
    let acts: [fn(&Breaker); 4] = [
        |breaker| drop(breaker.try_acquire().map(|permit| permit.failure(Class::Transient))),
        Breaker::force_open,
        Breaker::force_closed,
        Breaker::shadow,
    ];
    // One in a thousand, until eight of them are not closed.
    for key in 0..1_000_000 {
        let breaker = set.get(&key);
        if key % 1_000 == 0 && key < 8_000 {
            acts[(key / 1_000 % 4) as usize](&breaker);
        }
        assert!(key % 10_000 != 0 || set.len() <= 1_000);
    }
    assert_eq!((set.len(), set.evicted(), set.overflowed()), (1_000, 999_000, 0));
    let not_closed = |set: &KeyedBreaker<u64>| {
        let mut count = 0;
        set.for_each(|_, breaker| count += u32::from(breaker.state() != CircuitState::Closed));
        count
    };
    assert_eq!(not_closed(&set), 8);
    for key in (0..8_000).step_by(1_000) {
        assert_ne!(set.get(&key).state(), CircuitState::Closed, "{key}");
    }
    assert_eq!(set.evicted(), 999_000);
}

#[tokio::test(start_paused = true)]
async fn a_half_open_one_is_kept() {
    let wait = Duration::from_secs(1);
    let builder = Breaker::builder().consecutive_failures(1).open_wait(wait);
    let set: KeyedBreaker<u64> = KeyedBreaker::new(builder, 2).unwrap();
    set.get(&1).try_acquire().unwrap().failure(Class::Transient);
    advance(wait).await;
    let half_open = set.get(&1);
    let probe = half_open.try_acquire().unwrap();
    (2..100).for_each(|key| drop(set.get(&key)));
    assert_eq!(set.get(&1).state(), CircuitState::HalfOpen);
    assert_eq!(set.get(&1).snapshot().probes_in_flight, 1);
    drop(probe);
}

#[test]
fn the_bound_is_met_exactly() {
    for capacity in [1, 2, 10] {
        let set = set(capacity);
        for key in 0..capacity as u64 - 1 {
            set.get(&key);
        }
        assert_eq!((set.len(), set.evicted()), (capacity - 1, 0));
        set.get(&100);
        assert_eq!((set.len(), set.evicted()), (capacity, 0));
        set.get(&101);
        assert_eq!((set.len(), set.evicted()), (capacity, 1));
        set.get(&101);
        assert_eq!((set.len(), set.evicted()), (capacity, 1));
    }
}

#[test]
fn a_long_key_makes_no_name_that_is_too_long() {
    let set: KeyedBreaker<String> = KeyedBreaker::new(Breaker::builder(), 1).unwrap();
    let name = set.get("ä".repeat(500).as_str()).name().to_string();
    assert!(name.len() <= 256 && name.starts_with("breaker[ä"));
    assert_eq!(KeyedBreaker::<u8>::new(Breaker::builder(), 0).unwrap_err().field, "max_keys");
}
