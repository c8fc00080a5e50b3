//! The keys of a limit are the user's, and so is what happens when one is cloned, displayed or
//! dropped. That happened under the lock of the set: a key that asked the same set then waited for
//! itself.

use std::cell::RefCell;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use crate::support::on_a_thread_that_ends;
use seawall_core::{Random, catch};
use seawall_limit::{KeyedRateLimit, KeyedThrottle, RateLimit, Throttle};
use tokio::time::advance;

/// What a key does when its code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Cloned,
    Displayed,
    Dropped,
    Hashed,
    Compared,
}

type Action = Box<dyn Fn(When)>;

thread_local! {
    static ACTION: RefCell<Option<Action>> = const { RefCell::new(None) };
}

/// Does what is to be done, and nothing while that is being done.
fn act(when: When) {
    if let Some(action) = ACTION.take() {
        let outcome = catch(|| action(when));
        ACTION.set(Some(action));
        assert!(outcome.is_ok(), "as it should");
    }
}

fn whenever(action: impl Fn(When) + 'static) {
    ACTION.set(Some(Box::new(action)));
}

struct Key(u32);

impl Clone for Key {
    fn clone(&self) -> Self {
        act(When::Cloned);
        Self(self.0)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        act(When::Displayed);
        self.0.fmt(f)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        act(When::Dropped);
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        act(When::Hashed);
        self.0.hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        act(When::Compared);
        self.0 == other.0
    }
}

impl Eq for Key {}

const HOUR: Duration = Duration::from_hours(1);

fn rates() -> KeyedRateLimit<Key> {
    KeyedRateLimit::new(RateLimit::builder().rate(1, HOUR), 16).unwrap()
}

fn throttles() -> KeyedThrottle<Key> {
    KeyedThrottle::new(Throttle::builder().random(Random::lowest()), 2).unwrap()
}

/// Runs `test` on a clock that is moved by hand.
fn on_a_paused_clock<F: Future<Output = ()> + 'static>(test: fn() -> F) {
    on_a_thread_that_ends(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true).build().unwrap().block_on(test());
        ACTION.take();
    });
}

/// Not while it is hashed and compared: that is under the lock.
const OUTSIDE: [When; 3] = [When::Cloned, When::Displayed, When::Dropped];

#[test]
fn it_may_ask_its_rate_limit_and_set_another_rate() {
    on_a_paused_clock(|| async {
        let limit = rates();
        let asked = limit.clone();
        whenever(move |when| {
            if OUTSIDE.contains(&when) {
                let _ = asked.try_acquire(&Key(9_999));
                asked.set_rate(1, HOUR, 1).unwrap();
            }
        });
        for key in 0..1_000 {
            let _ = limit.try_acquire(&Key(key));
            let _ = limit.get(&Key(key)).name();
            if key % 10 == 0 {
                advance(HOUR).await;
            }
        }
        assert!(limit.snapshot().evicted > 500, "{:?}", limit.snapshot());
    });
}

#[test]
fn it_may_be_added_while_it_is_cloned() {
    on_a_paused_clock(|| async {
        let limit = KeyedRateLimit::new(RateLimit::builder().rate(3, HOUR), 10_000).unwrap();
        let throttles = throttles();
        let (asked, asked_too) = (limit.clone(), throttles.clone());
        whenever(move |when| match when {
            When::Cloned => {
                asked.try_acquire(&Key(7)).unwrap();
                drop(asked_too.get(&Key(7)).try_acquire());
            }
            When::Dropped => asked.set_rate(3, HOUR, 3).unwrap(),
            _ => {}
        });
        limit.try_acquire(&Key(7)).unwrap();
        drop(throttles.get(&Key(7)).try_acquire());
        ACTION.take();
        assert_eq!((limit.snapshot().keys, throttles.len()), (1, 1));
        limit.try_acquire(&Key(7)).unwrap();
        assert!(limit.try_acquire(&Key(7)).is_err());
    });
}

#[test]
fn it_may_ask_its_throttles() {
    on_a_paused_clock(|| async {
        let throttles = throttles();
        let asked = throttles.clone();
        whenever(move |when| {
            if OUTSIDE.contains(&when) {
                drop(asked.get(&Key(9_999)).try_acquire());
            }
        });
        for key in 0..100 {
            drop(throttles.get(&Key(key)).try_acquire());
            advance(HOUR).await;
        }
        assert!(throttles.evicted() > 90, "{}", throttles.evicted());
        assert!(throttles.len() <= 2);
    });
}

/// Has every kind of the keys' code panic in turn.
fn panic_in_turn(mut ask: impl FnMut(&Key)) {
    use When::{Cloned, Compared, Displayed, Dropped, Hashed};
    for panicking in [Cloned, Displayed, Dropped, Hashed, Compared] {
        whenever(move |when| assert!(when != panicking));
        for key in 0..40 {
            // Dropped only when it does no harm any longer.
            let key = std::mem::ManuallyDrop::new(Key(key));
            let _ = catch(|| ask(&key));
        }
    }
    ACTION.take();
}

#[test]
fn it_may_panic_and_its_rate_limit_goes_on() {
    on_a_paused_clock(|| async {
        let limit = rates();
        limit.try_acquire(&Key(1)).unwrap();
        panic_in_turn(|key| drop(limit.try_acquire(key)));
        assert!(limit.try_acquire(&Key(1)).is_err(), "what was taken is taken");
        advance(HOUR * 100).await;
        limit.try_acquire(&Key(1)).unwrap();
        for key in 100..200 {
            let _ = limit.try_acquire(&Key(key));
        }
        assert!(limit.snapshot().keys <= 16);
    });
}

#[test]
fn it_may_panic_and_its_throttles_go_on() {
    on_a_paused_clock(|| async {
        let throttles = throttles();
        for _ in 0..20 {
            drop(throttles.get(&Key(1)).try_acquire());
        }
        panic_in_turn(|key| drop(throttles.get(key)));
        assert!(throttles.get(&Key(1)).try_acquire().is_err(), "what was learnt is known");
        advance(HOUR).await;
        assert!(throttles.get(&Key(1)).try_acquire().is_ok());
    });
}
