//! The budget's words under every interleaving of up to three preemptions.
#![cfg(seawall_loom)]

use loom::sync::Arc;
use loom::thread;
use seawall_core::{EventKind, Listeners};
use seawall_retry::{Budget, BudgetBuilder};
use seawall_testkit::Recorder;

fn model(budget: fn() -> BudgetBuilder, check: impl Fn(Arc<Budget>) + Send + Sync + 'static) {
    loom::model(move || check(Arc::new(budget().build().expect("a budget"))));
}

/// Takes and starts, if there is something to take.
fn take(budget: &Budget) -> u32 {
    budget.try_acquire().map_or(0, |mut permit| {
        permit.start();
        1
    })
}

fn tokens(budget: &Budget) -> f64 {
    budget.snapshot().tokens.unwrap_or(f64::NAN)
}

#[test]
fn one_token_and_two_takers_grant_once() {
    model(
        || Budget::builder().refill_per_second(0.0).deposit(0.0).reserve(1.0),
        |budget| {
            let other = Arc::clone(&budget);
            let thread = thread::spawn(move || take(&other));
            let here = take(&budget);
            let there = thread.join().unwrap();
            assert_eq!(here + there, 1);
            assert_eq!(budget.snapshot().granted, 1);
            assert_eq!(budget.snapshot().refused, 1);
        },
    );
}

#[test]
fn one_place_in_flight_and_two_takers_grant_one_at_a_time() {
    model(
        || Budget::builder().refill_per_second(0.0).without_tokens().in_flight(0.1, 1),
        |budget| {
            let other = Arc::clone(&budget);
            let hold = |budget: &Budget| {
                let permit = budget.try_acquire();
                let seen = budget.snapshot().repetitions_in_flight;
                if permit.is_some() {
                    assert_eq!(seen, Some(1), "two hold the only place");
                }
            };
            let thread = thread::spawn(move || hold(&other));
            hold(&budget);
            thread.join().unwrap();
            assert_eq!(budget.snapshot().repetitions_in_flight, Some(0));
        },
    );
}

#[test]
fn what_calls_pay_in_at_once_is_all_there() {
    model(
        || Budget::builder().refill_per_second(0.0).deposit(0.25).reserve(0.0).capacity(10.0),
        |budget| {
            let other = Arc::clone(&budget);
            let thread = thread::spawn(move || drop(other.call()));
            drop(budget.call());
            thread.join().unwrap();
            assert!((tokens(&budget) - 0.5).abs() < 1e-9);
        },
    );
}

#[test]
fn paying_in_beside_taking_loses_nothing() {
    model(
        || Budget::builder().refill_per_second(0.0).deposit(0.5).reserve(1.0).capacity(2.0),
        |budget| {
            let other = Arc::clone(&budget);
            let thread = thread::spawn(move || take(&other));
            drop(budget.call());
            let taken = thread.join().unwrap();
            assert_eq!(taken, 1);
            assert!((tokens(&budget) - 0.5).abs() < 1e-9);
        },
    );
}

#[test]
fn what_was_never_started_comes_back_beside_a_taker() {
    let alone = || Budget::builder().refill_per_second(0.0).deposit(0.0).reserve(1.0);
    for budget in [alone, || {
        Budget::builder().refill_per_second(0.0).deposit(0.0).reserve(1.0).in_flight(1.0, 2)
    }] {
        model(budget, |budget| {
            let other = Arc::clone(&budget);
            // Cancelled while it waits: takes, and gives back.
            let thread = thread::spawn(move || drop(other.try_acquire()));
            let taken = take(&budget);
            thread.join().unwrap();
            assert!((tokens(&budget) - f64::from(1 - taken)).abs() < 1e-9);
            assert_eq!(budget.snapshot().repetitions_in_flight.unwrap_or(0), 0);
        });
    }
}

#[test]
fn what_is_paid_in_beside_what_comes_back_does_not_exceed_the_capacity() {
    model(
        || Budget::builder().refill_per_second(0.0).deposit(0.5).reserve(2.0),
        |budget| {
            let permit = budget.try_acquire();
            let other = Arc::clone(&budget);
            let thread = thread::spawn(move || drop(other.call()));
            drop(permit);
            thread.join().unwrap();
            assert!((tokens(&budget) - 2.0).abs() < 1e-9);
        },
    );
}

#[test]
fn exhausted_and_recovered_are_told_in_turns() {
    loom::model(|| {
        let (listeners, recorder) = (Listeners::default(), Recorder::default());
        listeners.add(recorder.clone());
        let builder = Budget::builder()
            .refill_per_second(0.0)
            .deposit(2.0)
            .reserve(2.0)
            .listeners(&listeners);
        let budget = Arc::new(builder.build().expect("a budget"));
        let told = |is: fn(&EventKind) -> bool| recorder.count(is);
        let exhausted = || told(|kind| matches!(kind, EventKind::BudgetExhausted));
        let recovered = || told(|kind| matches!(kind, EventKind::BudgetRecovered { .. }));
        assert_eq!((take(&budget), take(&budget), take(&budget), exhausted()), (1, 1, 0, 1));
        let other = Arc::clone(&budget);
        let thread = thread::spawn(move || take(&other));
        // It has recovered by this, unless the other took of it before that was seen.
        drop(budget.call());
        let there = thread.join().unwrap();
        assert!(recovered() + usize::try_from(there).unwrap() >= 1);
        // The next refusal tells what was not told.
        while take(&budget) > 0 {}
        assert_eq!(exhausted(), recovered() + 1);
    });
}
