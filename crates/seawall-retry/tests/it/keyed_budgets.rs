//! A budget for each key: bounded, found again, and replaced where nothing is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use seawall_retry::{Budget, KeyedBudget};

/// Takes and starts as often as it can, up to `times`.
fn spend(budget: &Budget, times: u32) -> u32 {
    let spent = (0..times).filter(|_| budget.try_acquire().map(|mut it| it.start()).is_some());
    u32::try_from(spent.count()).unwrap()
}

/// One token for each key, which never comes back.
fn one_each<K: Clone + std::fmt::Display + Eq + std::hash::Hash>(
    max_keys: usize,
) -> KeyedBudget<K> {
    KeyedBudget::new(Budget::builder().refill_per_second(0.0).deposit(0.0).reserve(1.0), max_keys)
        .unwrap()
}

#[test]
fn events_say_whose_budget_it_is() {
    let budgets = KeyedBudget::new(Budget::builder().name("hosts"), 1).unwrap();
    let held = budgets.get("db-1");
    assert_eq!(held.name().as_str(), "hosts[db-1]");
    let common: Budget = budgets.get("db-2");
    assert_eq!(common.name().as_str(), "hosts");
    let _: &KeyedBudget<String> = &budgets;
}

#[test]
fn a_key_that_took_the_place_of_another_is_found_again_and_the_other_is_not() {
    let budgets = one_each(1);
    let _ = budgets.get(&"old");
    assert_eq!(spend(&budgets.get(&"new"), 1), 1);
    assert_eq!(spend(&budgets.get(&"new"), 1), 0, "it is the same budget");
    assert_eq!(budgets.overflowed(), 0);
    assert_eq!(spend(&budgets.get(&"old"), 1), 1, "not that of the key that took its place");
    assert_eq!((budgets.len(), budgets.overflowed()), (1, 1));
}

#[test]
fn one_at_rest_among_many_is_found_by_looking_on_where_the_last_look_ended() {
    for at_rest in [0, 15, 16, 30, 31, 32, 39] {
        let budgets = one_each(40);
        for key in 0..40_u32 {
            spend(&budgets.get(&key), u32::from(key != at_rest));
        }
        let in_vain = (0..9).take_while(|look| {
            let _ = budgets.get(&(100 + look));
            budgets.overflowed() == u64::from(look + 1)
        });
        // Of forty, sixteen are examined at a time.
        assert!(in_vain.count() <= 2, "the one at rest is number {at_rest}");
    }
}

#[test]
fn a_set_goes_on_by_other_settings_with_the_tokens_that_are_there() {
    let template = || Budget::builder().refill_per_second(0.0).deposit(0.0).in_flight(1.0, 9);
    let budgets = KeyedBudget::new(template().reserve(3.0), 8).unwrap();
    let (rich, poor) = (budgets.get("rich"), budgets.get("poor"));
    assert_eq!(spend(&poor, 3), 3);
    budgets.reconfigure(template().reserve(2.0).in_flight(1.0, 1)).unwrap();
    assert_eq!(rich.snapshot().tokens, Some(2.0), "no more than it may hold now");
    assert_eq!(poor.snapshot().tokens, Some(0.0), "what was spent stays spent");
    assert_eq!(budgets.get("new").snapshot().tokens, Some(2.0));
    let held = rich.try_acquire();
    assert!(held.is_some() && rich.try_acquire().is_none(), "one may be in flight now");
    assert_eq!(budgets.reconfigure(template().cost(0.0)).unwrap_err().field, "cost");
}

#[test]
fn a_hundred_thousand_keys_are_no_more_than_the_bound() {
    let budgets =
        KeyedBudget::new(Budget::builder().refill_per_second(0.0).deposit(0.0).reserve(1.0), 64)
            .unwrap();
    let mut granted = 0;
    for key in 0..100_000_u32 {
        granted += spend(&budgets.get(&key), 1);
        assert!(budgets.len() <= 64);
    }
    // Those that came first have their own, all the others one in common.
    assert_eq!((granted, budgets.len()), (65, 64));
    assert_eq!(budgets.overflowed(), 100_000 - 64);
}

#[test]
fn threads_that_ask_for_one_key_get_one_budget() {
    let budgets = Arc::new(
        KeyedBudget::new(Budget::builder().refill_per_second(0.0).reserve(7.0), 8).unwrap(),
    );
    let granted = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| granted.fetch_add(spend(&budgets.get(&"key"), 100), Relaxed));
        }
    });
    assert_eq!((granted.into_inner(), budgets.len()), (7, 1));
}

#[test]
fn each_key_has_a_budget_of_its_own() {
    let budgets =
        KeyedBudget::new(Budget::builder().refill_per_second(0.0).deposit(0.0).reserve(1.0), 1_000)
            .unwrap();
    assert!(budgets.is_empty());
    for key in 0..100_u32 {
        assert_eq!(spend(&budgets.get(&key), 2), 1);
    }
    for key in 0..100_u32 {
        assert_eq!(spend(&budgets.get(&key), 1), 0);
    }
    assert_eq!((budgets.len(), budgets.overflowed()), (100, 0));
    assert!(!budgets.is_empty());
}
