//! Keys are the user's, and what they do as they are dropped as well: one that looked into the
//! budgets found them locked by its own thread.

use std::borrow::Borrow;
use std::fmt;
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use seawall_retry::{Budget, KeyedBudget};

static BUDGETS: OnceLock<Arc<KeyedBudget<Key>>> = OnceLock::new();

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key(u32);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Borrow<u32> for Key {
    fn borrow(&self) -> &u32 {
        &self.0
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // From another thread: this one would wait for itself, and the test with it.
        let (tell, told) = mpsc::channel();
        thread::spawn(move || tell.send(BUDGETS.get().map(|budgets| budgets.len())));
        assert!(told.recv_timeout(Duration::from_secs(10)).is_ok(), "the budgets are locked");
    }
}

#[test]
fn whatever_becomes_of_a_key_it_is_dropped_outside() {
    let template = Budget::builder().deposit(0.0).reserve(1.0);
    let budgets = Arc::new(KeyedBudget::new(template, 1).unwrap());
    assert!(BUDGETS.set(Arc::clone(&budgets)).is_ok());
    // It is added, found, replaced by another, and one more finds no place.
    for key in [1, 1, 2] {
        let _ = budgets.get(&Key(key));
    }
    if let Some(mut permit) = budgets.get(&Key(2)).try_acquire() {
        permit.start();
    }
    let _ = budgets.get(&Key(3));
    assert_eq!((budgets.len(), budgets.overflowed()), (1, 1));
}
