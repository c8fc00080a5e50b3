//! A breaker per key, bounded in number.

use seawall_breaker::{Breaker, BreakerSet};
use seawall_core::{CircuitState, Class};

fn set(capacity: usize) -> BreakerSet<u64> {
    BreakerSet::new(Breaker::builder().name("set").consecutive_failures(1), capacity).unwrap()
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
    let names = |set: &BreakerSet<u64>| -> Vec<String> {
        set.breakers().iter().map(|breaker| breaker.name().to_string()).collect()
    };
    assert_eq!(names(&set), ["set[1]", "set[2]", "set[4]"]);
    set.get(&2).force_open();
    set.get(&4).shadow();
    let unkept = set.get(&5);
    assert_eq!(unkept.name().as_str(), "set[5]");
    assert_eq!((set.len(), set.evicted(), set.unkept()), (3, 1, 1));
    set.get(&1).reset();
    set.get(&5);
    assert_eq!(names(&set), ["set[2]", "set[4]", "set[5]"]);
}

#[test]
fn a_million_keys_stay_within_the_bound() {
    let set = set(1_000);
    for key in 0..1_000_000 {
        set.get(&key);
    }
    assert_eq!((set.len(), set.evicted()), (1_000, 999_000));
}

#[test]
fn a_long_key_makes_no_name_that_is_too_long() {
    let set: BreakerSet<String> = BreakerSet::new(Breaker::builder(), 1).unwrap();
    let name = set.get("ä".repeat(500).as_str()).name().to_string();
    assert!(name.len() <= 256 && name.starts_with("breaker[ä"));
    assert_eq!(BreakerSet::<u8>::new(Breaker::builder(), 0).unwrap_err().field, "capacity");
}

#[test]
fn ten_thousand_dropped_breakers_leave_nothing_behind() {
    let alive = seawall_testkit::Alive::default();
    for _ in 0..10_000 {
        let token = alive.token();
        let breaker = Breaker::builder().open_when(move |_| {
            let _ = &token;
            false
        });
        breaker.build().unwrap().try_acquire().unwrap().failure(Class::Transient);
    }
    assert_eq!((alive.now(), alive.ever()), (0, 10_000));
}
