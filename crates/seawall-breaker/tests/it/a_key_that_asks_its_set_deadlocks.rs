//! A key's name is the user's code. It runs outside the set's lock.

use std::fmt;
use std::sync::OnceLock;

use seawall_breaker::{Breaker, KeyedBreaker};

static SET: OnceLock<KeyedBreaker<Curious>> = OnceLock::new();

#[derive(Clone, PartialEq, Eq, Hash)]
struct Curious(u32);

impl fmt::Display for Curious {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = SET.get().ok_or(fmt::Error)?;
        // The name of each key needs the breaker of the key before.
        match self.0.checked_sub(1) {
            Some(before) => write!(f, "after {}", set.get(&Self(before)).name()),
            None => f.write_str("first"),
        }
    }
}

#[test]
fn a_name_that_asks_the_set_is_made() {
    let set = SET.get_or_init(|| KeyedBreaker::new(Breaker::builder(), 10).unwrap());
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || drop(done.send(set.get(&Curious(2)).name().to_string())));
    let name = is_done.recv_timeout(std::time::Duration::from_secs(20)).expect("a deadlock");
    assert_eq!(name, "breaker[after breaker[after breaker[first]]]");
    assert_eq!(set.len(), 3);
}

#[test]
fn two_threads_that_ask_for_a_new_key_get_the_same_breaker() {
    let set: KeyedBreaker<u32> = KeyedBreaker::new(Breaker::builder(), 1_000).unwrap();
    for key in 0..200 {
        let start = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            let ask = || {
                start.wait();
                set.get(&key)
            };
            let asked: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            let breakers: Vec<_> = asked.into_iter().map(|ask| ask.join().unwrap()).collect();
            breakers[0].force_open();
            let forced = seawall_core::CircuitState::ForcedOpen;
            assert!(breakers.iter().all(|breaker| breaker.state() == forced));
        });
    }
    assert_eq!((set.len(), set.evicted()), (200, 0));
}
