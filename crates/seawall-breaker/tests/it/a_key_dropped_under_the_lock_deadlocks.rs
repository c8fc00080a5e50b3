//! What a key does when it is dropped is the user's code. A set drops keys outside its lock.

use std::fmt;
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use seawall_breaker::{Breaker, KeyedBreaker};

type Set = KeyedBreaker<Curious>;

static SETS: [OnceLock<Set>; 2] = [const { OnceLock::new() }; 2];

/// Looks at its set when it is dropped.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Curious {
    set: usize,
    key: u32,
}

impl fmt::Display for Curious {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        let set = SETS[self.set].get().unwrap();
        assert!(set.len() <= 2);
    }
}

/// Does `work` with a set of at most two keys.
fn with_set(set: usize, work: fn(&Set)) {
    let made = SETS[set].get_or_init(|| KeyedBreaker::new(Breaker::builder(), 2).unwrap());
    let (done, is_done) = channel();
    thread::spawn(move || {
        work(made);
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(20)).expect("a deadlock");
}

#[test]
fn an_evicted_key_may_look_at_the_set_as_it_goes() {
    with_set(0, |set| {
        for key in 0..10 {
            set.get(&Curious { set: 0, key });
        }
        assert_eq!((set.len(), set.evicted()), (2, 8));
    });
}

#[test]
fn a_key_for_which_there_is_no_room_may_look_at_the_set_as_it_goes() {
    with_set(1, |set| {
        for key in 0..10 {
            set.get(&Curious { set: 1, key }).force_open();
        }
        assert_eq!((set.len(), set.overflowed()), (2, 8));
    });
}
