//! Hashing is the user's code and may panic, also while a key takes the place of another. Then the
//! budget of the one was also found under the other.

use std::cell::Cell;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use seawall_retry::{Budget, KeyedBudget};

thread_local! {
    /// How often a key is hashed before it panics.
    static HASHES: Cell<u32> = const { Cell::new(u32::MAX) };
}

#[derive(Clone, PartialEq, Eq)]
struct Key(&'static str);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        HASHES.set(HASHES.get().checked_sub(1).expect("a hash"));
        self.0.hash(state);
    }
}

fn spend(budgets: &KeyedBudget<Key>, key: &'static str) -> bool {
    budgets.get(&Key(key)).try_acquire().map(|mut permit| permit.start()).is_some()
}

#[test]
fn no_two_keys_share_what_is_one_keys() {
    let mut panics = 0;
    for hashes in 0..9 {
        let template = Budget::builder().deposit(0.0).reserve(1.0);
        let budgets = KeyedBudget::new(template, 1).unwrap();
        let _ = budgets.get(&Key("old"));
        HASHES.set(hashes);
        let added = catch_unwind(AssertUnwindSafe(|| budgets.get(&Key("new"))));
        HASHES.set(u32::MAX);
        panics += u32::from(added.is_err());
        drop(added);
        let _ = budgets.get(&Key("new"));
        // One has the only place, the other what is common to all that have none.
        assert!(spend(&budgets, "old"), "after {hashes} hashes");
        assert!(spend(&budgets, "new"), "after {hashes} hashes");
        assert!(!spend(&budgets, "old") && !spend(&budgets, "new"), "after {hashes} hashes");
        assert_eq!(budgets.len(), 1);
    }
    assert!((1..9).contains(&panics), "{panics} panics");
}
