//! A set of policies by key: what it keeps, what makes room, and what the code of a key may do.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use seawall_core::{
    Check, ConfigError, Keep, Keyed, Label, Listeners, PolicyKind, Reporter, catch,
};

/// A policy that is as idle as it is set to be.
#[derive(Clone)]
struct Toy(Arc<Inner>);

struct Inner {
    reporter: Reporter,
    size: AtomicU32,
    busy: AtomicBool,
}

impl Toy {
    fn name(&self) -> &str {
        self.0.reporter.name().as_str()
    }

    fn size(&self) -> u32 {
        self.0.size.load(Relaxed)
    }

    fn set_busy(&self, busy: bool) {
        self.0.busy.store(busy, Relaxed);
    }
}

impl Keep for Toy {
    type Builder = u32;
    type Template = u32;

    fn template(size: u32) -> Result<(Reporter, u32), ConfigError> {
        Check::of(PolicyKind::Custom(Label::new("toy"))).at_least_one("size", size)?;
        Ok((
            Reporter::new(
                "toys".into(),
                PolicyKind::Custom(Label::new("toy")),
                Listeners::default(),
            ),
            size,
        ))
    }

    fn make(size: &u32, reporter: Reporter) -> Self {
        Self(Arc::new(Inner { reporter, size: (*size).into(), busy: false.into() }))
    }

    fn reconfigure(&self, size: &u32) {
        self.0.size.store(*size, Relaxed);
    }

    fn is_idle(&self) -> bool {
        !self.0.busy.load(Relaxed)
    }
}

fn toys<K>(max_keys: usize) -> Keyed<K, Toy> {
    Keyed::new(1, max_keys).unwrap()
}

fn same(one: &Toy, other: &Toy) -> bool {
    Arc::ptr_eq(&one.0, &other.0)
}

fn keys(set: &Keyed<u32, Toy>) -> Vec<u32> {
    let mut keys = Vec::new();
    set.for_each(|key, _| keys.push(*key));
    keys.sort_unstable();
    keys
}

#[test]
fn a_key_has_one_policy_which_is_called_after_it() {
    let set = toys::<String>(8);
    assert!(set.is_empty() && set.get_if_kept("db-1").is_none());
    let toy = set.get("db-1");
    assert!(same(&toy, &set.get("db-1")) && same(&toy, &set.clone().get("db-1")));
    assert!(!same(&toy, &set.get("db-2")));
    assert!(set.get_if_kept("db-1").is_some_and(|kept| same(&kept, &toy)));
    assert_eq!((toy.name(), set.name().as_str()), ("toys[db-1]", "toys"));
    assert_eq!((set.len(), set.max_keys(), set.evicted(), set.overflowed()), (2, 8, 0, 0));
}

#[test]
fn wrong_settings_are_refused() {
    assert_eq!(Keyed::<u32, Toy>::new(0, 1).unwrap_err().field, "size");
    assert_eq!(Keyed::<u32, Toy>::new(1, 0).unwrap_err().field, "max_keys");
}

#[test]
fn the_least_recently_used_idle_policy_makes_room() {
    let set = toys::<u32>(3);
    for key in [1, 2, 3, 1] {
        set.get(&key);
    }
    set.get(&2).set_busy(true);
    // 2 is used least recently but for 3 and 1, and busy.
    set.get(&1);
    set.get(&3);
    set.get(&4);
    assert_eq!((keys(&set), set.evicted()), (vec![2, 3, 4], 1));
}

#[test]
fn where_none_is_idle_the_new_key_gets_a_policy_that_is_not_kept() {
    let set = toys::<u32>(2);
    for key in [1, 2] {
        set.get(&key).set_busy(true);
    }
    let (first, second) = (set.get(&3), set.get(&3));
    assert!(!same(&first, &second) && first.name() == "toys[3]");
    assert_eq!((keys(&set), set.evicted(), set.overflowed()), (vec![1, 2], 0, 2));
    set.get(&1).set_busy(false);
    assert!(same(&set.get(&3), &set.get(&3)));
    assert_eq!((keys(&set), set.evicted(), set.overflowed()), (vec![2, 3], 1, 2));
}

#[test]
fn a_removed_policy_stays_usable_and_the_next_one_is_new() {
    let set = toys::<u32>(2);
    let toy = set.get(&1);
    assert!(set.remove(&1).is_some_and(|removed| same(&removed, &toy)));
    assert!(set.remove(&1).is_none() && set.is_empty());
    assert!(!same(&toy, &set.get(&1)));
    assert_eq!(toy.name(), "toys[1]");
}

#[test]
fn a_reconfiguration_reaches_all_policies() {
    let set = toys::<u32>(2);
    let toy = set.get(&1);
    assert!(set.reconfigure(0).is_err());
    assert_eq!(toy.size(), 1);
    set.reconfigure(5).unwrap();
    assert_eq!((toy.size(), set.get(&2).size()), (5, 5));
}

#[test]
fn a_walk_may_change_the_set() {
    let set = toys::<u32>(8);
    for key in 0..4 {
        set.get(&key);
    }
    let mut visited = 0;
    set.for_each(|key, _| {
        set.get(&(key + 4));
        set.remove(key);
        visited += 1;
    });
    assert_eq!((visited, keys(&set)), (4, vec![4, 5, 6, 7]));
}

/// What the code of a [`Key`] is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Hashed,
    Compared,
    Cloned,
    Shown,
    Dropped,
}

const ALWAYS: [When; 5] = [When::Hashed, When::Compared, When::Cloned, When::Shown, When::Dropped];

type Action = Box<dyn Fn(When)>;

thread_local! {
    static ACTION: RefCell<Option<Action>> = const { RefCell::new(None) };
    static ACTED: Cell<u32> = const { Cell::new(0) };
}

/// Does what is asked for, and nothing more while that is being done.
fn act(when: When) {
    if let Some(action) = ACTION.take() {
        ACTED.set(ACTED.get() + 1);
        let outcome = catch(|| action(when));
        ACTION.set(Some(action));
        assert!(outcome.is_ok(), "as the test asks for");
    }
}

fn whenever(action: impl Fn(When) + 'static) {
    ACTION.set(Some(Box::new(action)));
}

/// A key whose code does as the test asks. Half of its hashes are the same.
struct Key(u32);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        act(When::Hashed);
        (self.0 / 2).hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        act(When::Compared);
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Clone for Key {
    fn clone(&self) -> Self {
        act(When::Cloned);
        Self(self.0)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        act(When::Shown);
        self.0.fmt(f)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        act(When::Dropped);
    }
}

#[test]
fn keys_of_one_hash_are_told_apart() {
    let set = toys::<Key>(64);
    let names: BTreeMap<u32, Toy> = (0..32).map(|n| (n, set.get(&Key(n)))).collect();
    for (n, toy) in &names {
        assert_eq!(toy.name(), format!("toys[{n}]"));
        assert!(same(toy, &set.get(&Key(*n))));
        assert!(set.remove(&Key(*n)).is_some_and(|removed| same(&removed, toy)));
    }
    assert!(set.is_empty());
}

#[test]
fn the_code_of_a_key_may_use_the_set() {
    for asked in ALWAYS {
        let set = toys::<Key>(4);
        let inner = set.clone();
        ACTED.set(0);
        whenever(move |when| {
            if when == asked {
                inner.get(&Key(9_999));
                inner.remove(&Key(2));
                inner.for_each(|_, toy| toy.set_busy(false));
            }
        });
        for n in 0..50 {
            set.get(&Key(n % 20));
            set.get(&Key(n % 20));
        }
        ACTION.take();
        assert!(ACTED.get() > 50 && set.len() <= 4, "{asked:?}");
    }
}

#[test]
fn a_key_that_is_added_while_it_is_added_has_one_policy() {
    for asked in [When::Cloned, When::Shown] {
        let set = toys::<Key>(4);
        let inner = set.clone();
        whenever(move |when| {
            if when == asked {
                inner.get(&Key(7)).set_busy(true);
            }
        });
        assert!(!set.get(&Key(7)).is_idle(), "that of the inner call");
        ACTION.take();
        assert_eq!(set.len(), 1);
    }
}

#[test]
fn the_code_of_a_key_may_panic_and_the_set_goes_on() {
    let set = toys::<Key>(4);
    set.get(&Key(1)).set_busy(true);
    for asked in ALWAYS {
        whenever(move |when| assert!(when != asked));
        for n in 0..40 {
            // Dropped by the set alone, not here.
            let key = std::mem::ManuallyDrop::new(Key(n));
            let _ = catch(|| set.get(&*key));
            let _ = catch(|| set.get_if_kept(&*key));
        }
    }
    ACTION.take();
    assert!(set.len() <= 4);
    assert!(!set.get(&Key(1)).is_idle(), "it was never evicted");
    let toy = set.get(&Key(100));
    assert!(same(&toy, &set.get(&Key(100))));
}

#[test]
fn threads_that_meet_at_a_new_key_get_one_policy() {
    for round in 0..200 {
        let set = toys::<u32>(4);
        let toys: Vec<Toy> = std::thread::scope(|scope| {
            let get = || scope.spawn(|| set.get(&round));
            let threads = [get(), get(), get()];
            threads.map(|thread| thread.join().unwrap()).into()
        });
        assert!(toys.iter().all(|toy| same(toy, &toys[0])));
    }
}
