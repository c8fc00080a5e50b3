//! A budget that saves up for one repetition at a time was told exhausted with each refusal and
//! recovered with each grant, for as long as an outage lasted. One whose reserve was a single token
//! never recovered, and one that was full again was not told to be until something failed.

use std::time::Duration;

use seawall_core::{Backoff, EventKind, Listeners};
use seawall_retry::{Budget, BudgetBuilder, Retry};
use seawall_testkit::Recorder;

/// A budget, and the listener that receives its events.
fn told(builder: BudgetBuilder) -> (Budget, Recorder) {
    let (listeners, recorder) = (Listeners::default(), Recorder::default());
    listeners.add(recorder.clone());
    (builder.listeners(&listeners).build().unwrap(), recorder)
}

fn call_and_repeat(budget: &Budget, repeat: bool) {
    let _call = budget.call();
    if repeat && let Some(mut permit) = budget.try_acquire() {
        permit.start();
    }
}

#[test]
fn an_outage_is_told_once() {
    let tokens = |deposit, reserve| Budget::builder().deposit(deposit).reserve(reserve);
    for builder in [
        tokens(0.1, 0.0),
        tokens(0.1, 1.0),
        tokens(0.5, 0.0),
        tokens(0.9, 0.0),
        tokens(0.9, 1.0),
        tokens(0.9, 4.0),
        tokens(0.9, 10.0),
        tokens(0.9, 0.0).capacity(100.0),
        tokens(0.9, 0.0).in_flight(0.1, 1),
    ] {
        let (budget, recorder) = told(builder);
        for _ in 0..1_000 {
            call_and_repeat(&budget, true);
        }
        let events = recorder.events();
        assert_eq!(events.len(), 1, "{budget}");
        assert!(matches!(events[0].kind, EventKind::BudgetExhausted), "{budget}");
        // What comes back bit by bit fails now and then.
        for n in 0..1_000 {
            call_and_repeat(&budget, n % 50 == 0);
        }
        let events = recorder.events();
        assert_eq!(events.len(), 2, "{budget}");
        assert!(matches!(events[1].kind, EventKind::BudgetRecovered { .. }), "{budget}");
    }
}

#[test]
fn places_that_are_used_up_again_and_again_are_told_once() {
    for places in [1, 2, 3, 8, 30] {
        let (budget, recorder) = told(Budget::builder().without_tokens().in_flight(0.1, places));
        for _ in 0..100 {
            // All come at once, and one too many.
            let held: Vec<_> = std::iter::from_fn(|| budget.try_acquire()).collect();
            assert_eq!(u32::try_from(held.len()), Ok(places));
        }
        let recovered = recorder.count(|kind| matches!(kind, EventKind::BudgetRecovered { .. }));
        let exhausted = recorder.count(|kind| matches!(kind, EventKind::BudgetExhausted));
        assert_eq!((exhausted, recovered), (1, 0), "{places} places");
        // One at a time.
        for _ in 0..30 {
            drop(budget.try_acquire());
        }
        let recovered = recorder.count(|kind| matches!(kind, EventKind::BudgetRecovered { .. }));
        assert_eq!(recovered, 1, "{places} places");
    }
}

#[tokio::test(start_paused = true)]
async fn that_all_is_well_again_is_told_without_a_failure() {
    let all_well = [
        ("paid in", Budget::builder().deposit(0.2)),
        ("in time", Budget::builder().deposit(0.0).refill_per_second(1.0)),
    ];
    for (comes, builder) in all_well {
        let (budget, recorder) = told(builder);
        let retry = Retry::builder().idempotent().backoff(Backoff::none()).budget(&budget);
        let retry = retry.build().unwrap();
        while recorder.events().is_empty() {
            let _ = retry.call(async || Err::<(), _>("down")).await;
        }
        tokio::time::advance(Duration::from_mins(1)).await;
        for _ in 0..100 {
            retry.call(async || Ok::<_, &str>(())).await.unwrap();
        }
        assert_eq!(recorder.events().len(), 2, "what is {comes}");
    }
}
