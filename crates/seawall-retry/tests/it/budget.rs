//! The budget: how much may be repeated, and that everything comes back.

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::{Backoff, EventKind, Listeners, StopReason};
use seawall_retry::{Budget, KeyedBudget, Retry, RetryBuilder};
use seawall_testkit::{Recorder, Script, Step, at_every_await};

const SECOND: Duration = Duration::from_secs(1);

fn retry(budget: &Budget) -> RetryBuilder {
    Retry::builder().idempotent().backoff(Backoff::none()).budget(budget)
}

fn tokens(budget: &Budget) -> f64 {
    budget.snapshot().tokens.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_thousand_failing_calls_reach_the_dependency_at_most_1110_times() {
    let budget =
        Budget::builder().refill_per_second(0.0).deposit(0.1).reserve(10.0).build().unwrap();
    let retry = retry(&budget).max_attempts(3).build().unwrap();
    let script = Script::<(), _>::new([Step::err("down")]);
    for _ in 0..1_000 {
        let _ = retry.call(|| script.run()).await;
    }
    // 1,000 first attempts, 10 from the reserve, 0.1 for each call: 1,110 at most. What the first
    // call paid in found the budget full.
    assert_eq!(script.started(), 1_109);
    let (granted, refused) = (budget.snapshot().granted, budget.snapshot().refused);
    assert_eq!(granted, 109);
    assert!(refused > 800);
}

#[tokio::test(start_paused = true)]
async fn with_an_empty_budget_the_primary_result_comes_back_marked() {
    let budget =
        Budget::builder().refill_per_second(0.0).deposit(0.0).reserve(0.0).build().unwrap();
    let retry = retry(&budget).build().unwrap();
    let script = Script::<(), _>::new([Step::err("down")]);
    let error = retry.call(|| script.run()).await.unwrap_err();
    let gave_up = error.gave_up().unwrap();
    assert_eq!((gave_up.attempts, gave_up.why), (1, StopReason::Budget));
    assert_eq!(error.operation(), Some(&"down"));
    assert_eq!(retry.call(async || Ok::<_, ()>(7)).await.unwrap(), 7);
}

#[test]
fn fractions_carry() {
    for n in [1, 2, 3, 5, 10, 1_000_u32] {
        let budget = Budget::builder()
            .refill_per_second(0.0)
            .deposit(0.6)
            .reserve(0.0)
            .capacity(2.0)
            .build()
            .unwrap();
        let mut granted = 0;
        for _ in 0..n {
            let _call = budget.call();
            if let Some(mut permit) = budget.try_acquire() {
                permit.start();
                granted += 1;
            }
        }
        assert_eq!(granted, n * 6 / 10, "{n} calls");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenth_of_a_token_a_second_is_ten_in_a_hundred_seconds() {
    for step in [1, 7, 10_000, 99_999] {
        let budget = Budget::builder()
            .deposit(0.0)
            .reserve(0.0)
            .capacity(100.0)
            .refill_per_second(0.1)
            .build()
            .unwrap();
        let mut passed = 0;
        while passed < 100_000 {
            let advance = step.min(100_000 - passed);
            tokio::time::advance(Duration::from_millis(advance)).await;
            passed += advance;
            let _ = budget.snapshot();
        }
        assert!((tokens(&budget) - 10.0).abs() < 1e-9, "{step} ms: {}", tokens(&budget));
        let mut granted = 0;
        while let Some(mut permit) = budget.try_acquire() {
            permit.start();
            granted += 1;
        }
        assert_eq!(granted, 10);
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_year_fills_it_and_costs_one_step() {
    let budget = Budget::builder().refill_per_second(0.3).capacity(50.0).build().unwrap();
    tokio::time::advance(365 * 24 * 3_600 * SECOND).await;
    assert!((tokens(&budget) - 50.0).abs() < 1e-9);
}

#[test]
fn a_share_of_the_calls_in_flight_has_a_floor() {
    let budget = Budget::builder().without_tokens().in_flight(0.2, 3).build().unwrap();
    for (calls, limit) in [(0, 3), (1, 3), (15, 3), (19, 3), (20, 4), (100, 20)] {
        let in_flight: Vec<_> = (0..calls).map(|_| budget.call()).collect();
        let permits: Vec<_> = std::iter::from_fn(|| budget.try_acquire()).collect();
        assert_eq!(permits.len(), limit, "{calls} calls");
        drop(permits);
        drop(in_flight);
        let snapshot = budget.snapshot();
        assert_eq!((snapshot.calls_in_flight, snapshot.repetitions_in_flight), (Some(0), Some(0)));
    }
}

#[test]
fn with_both_one_that_refuses_takes_nothing_from_the_other() {
    let both = || Budget::builder().refill_per_second(0.0).in_flight(0.5, 1);
    let budget = both().reserve(0.0).build().unwrap();
    assert!(budget.try_acquire().is_none());
    assert_eq!(budget.snapshot().repetitions_in_flight, Some(0));
    let budget = both().reserve(5.0).build().unwrap();
    let _held = budget.try_acquire().unwrap();
    assert!(budget.try_acquire().is_none());
    assert!((tokens(&budget) - 4.0).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn retries_share_one_budget() {
    let budget =
        Budget::builder().refill_per_second(0.0).deposit(0.0).reserve(3.0).build().unwrap();
    let (one, other) = (retry(&budget).build().unwrap(), retry(&budget).build().unwrap());
    let script = Script::<(), _>::new([Step::err("down")]);
    let _ = one.call(|| script.run()).await;
    let _ = other.call(|| script.run()).await;
    assert_eq!(script.started(), 2 + 3);
}

#[tokio::test(start_paused = true)]
async fn it_is_told_once_when_it_is_empty_and_once_when_it_has_recovered() {
    let (listeners, recorder) = (Listeners::default(), Recorder::default());
    listeners.add(recorder.clone());
    let budget = Budget::builder()
        .refill_per_second(0.0)
        .deposit(0.1)
        .reserve(10.0)
        .listeners(&listeners)
        .build()
        .unwrap();
    let retry = retry(&budget).build().unwrap();
    for _ in 0..100 {
        let _ = retry.call(async || Err::<(), _>("down")).await;
    }
    for _ in 0..100 {
        let _ = retry.call(async || Ok::<_, ()>(())).await;
    }
    let script = Script::new([Step::err("down"), Step::ok(())]);
    retry.call(|| script.run()).await.unwrap();
    let told: Vec<_> = recorder.events().iter().map(|event| event.kind.to_string()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("exhausted"));
    assert!(
        matches!(recorder.events()[1].kind, EventKind::BudgetRecovered { refused: 95, .. }),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn dropped_at_any_await_it_holds_nothing() {
    let budget = Budget::builder().refill_per_second(0.0).in_flight(0.5, 1).build().unwrap();
    let retry = retry(&budget).backoff(SECOND).build().unwrap();
    let awaits = at_every_await(
        || {
            let steps = [Step::after(SECOND, Err("down")), Step::after(SECOND, Ok(7))];
            let script = Script::new(steps);
            let retry = retry.clone();
            async move { retry.call(|| script.run()).await }
        },
        |_| {
            let snapshot = budget.snapshot();
            assert_eq!(
                (snapshot.calls_in_flight, snapshot.repetitions_in_flight),
                (Some(0), Some(0))
            );
        },
    )
    .await;
    assert_eq!(awaits, 3);
}

#[test]
fn what_makes_no_sense_is_refused_by_field() {
    for (field, builder) in [
        ("deposit", Budget::builder().deposit(-0.1)),
        ("deposit", Budget::builder().deposit(f64::NAN)),
        ("cost", Budget::builder().cost(0.0)),
        ("cost", Budget::builder().cost(f64::INFINITY)),
        ("reserve", Budget::builder().reserve(1e10)),
        ("capacity", Budget::builder().capacity(9.0)),
        ("refill_per_second", Budget::builder().refill_per_second(-1.0)),
        ("in_flight", Budget::builder().in_flight(0.0, 1)),
        ("in_flight", Budget::builder().without_tokens()),
        ("name", Budget::builder().name("")),
    ] {
        assert_eq!(builder.build().unwrap_err().field, field);
    }
}

#[test]
fn it_says_what_it_is() {
    let text = |builder: seawall_retry::BudgetBuilder| builder.build().unwrap().to_string();
    assert_eq!(text(Budget::builder()), "budget of 10 tokens and 0.2 a call and 0.1 a second");
    assert_eq!(
        text(Budget::builder().without_tokens().in_flight(0.2, 3)),
        "budget of 20% of the calls in flight, at least 3"
    );
    assert_eq!(
        text(Budget::builder().capacity(50.0).refill_per_second(0.5).cost(2.0).in_flight(0.2, 3)),
        "budget of 10 tokens (at most 50) and 0.2 a call and 0.5 a second, 2 a repetition, and of \
         20% of the calls in flight, at least 3"
    );
}

#[test]
fn keyed_budgets_are_bounded_and_give_way_only_where_nothing_is_lost() {
    let template = Budget::builder().refill_per_second(0.0).deposit(0.0).reserve(1.0);
    let budgets = KeyedBudget::new(template, 2).unwrap();
    let spend = |key: &str| {
        budgets.get(&key.to_owned()).try_acquire().map(|mut permit| permit.start()).is_some()
    };
    assert!(spend("a") && !spend("a"), "each key has one token");
    assert!(spend("b"), "another key has its own");
    // Both are spent, so none gives way: the others share one budget.
    assert!(spend("c") && !spend("d"));
    assert_eq!((budgets.len(), budgets.overflowed()), (2, 2));
    // One that is full gives way.
    let budgets = KeyedBudget::new(Budget::builder(), 2).unwrap();
    for key in 0..100 {
        assert!((tokens(&budgets.get(&key)) - 10.0).abs() < 1e-9);
    }
    assert_eq!((budgets.len(), budgets.overflowed()), (2, 0));
    assert!(KeyedBudget::<u32>::new(Budget::builder(), 0).is_err());
}

#[test]
fn a_budget_that_somebody_holds_does_not_give_way() {
    let budgets = KeyedBudget::new(Budget::builder(), 1).unwrap();
    let held = budgets.get(&1);
    let _ = budgets.get(&2);
    assert_eq!(budgets.overflowed(), 1);
    drop(held);
    let _ = budgets.get(&2);
    assert_eq!(budgets.overflowed(), 1);
}

#[derive(Clone, Debug)]
enum Op {
    Call,
    Take,
    TakeAndStart,
    DropPermit,
    Advance(u64),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        4 => Just(Op::Call),
        3 => Just(Op::Take),
        3 => Just(Op::TakeAndStart),
        3 => Just(Op::DropPermit),
        1 => (0_u64..5_000).prop_map(Op::Advance),
    ];
    prop::collection::vec(op, 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Against the sum that anybody would do on paper, in whole numbers.
    #[test]
    fn the_tokens_are_those_of_the_sum_on_paper(
        ops in ops(),
        deposit in 0_u32..20,
        reserve in 0_u32..30,
        extra in 10_u32..50,
        refill in 0_u32..20,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let tenths = |n: u32| f64::from(n) / 10.0;
            let capacity = reserve + extra;
            let budget = Budget::builder()
                .deposit(tenths(deposit)).reserve(tenths(reserve)).capacity(tenths(capacity))
                .refill_per_second(tenths(refill)).build().unwrap();
            // In tenths of a thousandth of a token: what a millisecond earns is whole.
            let unit = 1_000_u64;
            let cap = u64::from(capacity) * unit;
            let mut left = u64::from(reserve) * unit;
            let mut held = Vec::new();
            for op in ops {
                match op {
                    Op::Call => {
                        let _ = budget.call();
                        left = (left + u64::from(deposit) * unit).min(cap);
                    }
                    Op::Take | Op::TakeAndStart => {
                        let permit = budget.try_acquire();
                        assert_eq!(permit.is_some(), left >= 10 * unit);
                        if let Some(mut permit) = permit {
                            left -= 10 * unit;
                            if matches!(op, Op::Take) {
                                held.push(permit);
                            } else {
                                permit.start();
                            }
                        }
                    }
                    Op::DropPermit => {
                        if held.pop().is_some() {
                            left = (left + 10 * unit).min(cap);
                        }
                    }
                    Op::Advance(millis) => {
                        // The sum is done when somebody looks.
                        tokio::time::advance(Duration::from_millis(millis)).await;
                        left = (left + u64::from(refill) * millis).min(cap);
                        let _ = budget.snapshot();
                    }
                }
            }
            let found = (tokens(&budget) * 10_000.0).round();
            assert!((found - f64::from(u32::try_from(left).unwrap())).abs() < 0.5, "{found}, not {left}");
        });
    }
}

#[test]
fn a_snapshot_says_what_there_was_and_what_there_can_be() {
    let budget =
        Budget::builder().refill_per_second(0.0).reserve(3.0).capacity(8.0).build().unwrap();
    let snapshot = budget.snapshot();
    assert_eq!((snapshot.tokens, snapshot.reserve), (Some(3.0), Some(3.0)));
    assert_eq!(snapshot.capacity, Some(8.0));
    let places = Budget::builder().without_tokens().in_flight(0.5, 1).build().unwrap().snapshot();
    assert_eq!((places.tokens, places.reserve, places.capacity), (None, None, None));
}
