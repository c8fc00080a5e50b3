//! What a budget holds back: its figures one by one, and under calls as they come.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use seawall_core::{Backoff, EventKind, Listeners, PolicyKind, StopReason};
use seawall_retry::{Budget, BudgetBuilder, Hedge, Retry};
use seawall_testkit::{Recorder, Script, Step};
use tokio::task::JoinSet;

const SECOND: Duration = Duration::from_secs(1);

/// Takes and starts as often as it can, up to `times`.
fn spend(budget: &Budget, times: u32) -> u32 {
    let spent = (0..times).filter(|_| budget.try_acquire().map(|mut it| it.start()).is_some());
    u32::try_from(spent.count()).unwrap()
}

fn build(builder: BudgetBuilder) -> Budget {
    builder.build().unwrap()
}

#[test]
fn a_repetition_costs_what_it_was_told_to() {
    for (cost, granted) in [(0.5, 20), (1.0, 10), (2.5, 4), (3.0, 3), (10.0, 1)] {
        let budget = build(Budget::builder().deposit(0.0).reserve(10.0).cost(cost));
        assert_eq!(spend(&budget, 100), granted, "at {cost}");
        assert_eq!(budget.snapshot().granted, u64::from(granted));
        assert_eq!(budget.snapshot().refused, u64::from(100 - granted));
        // What was never started comes back in full.
        let budget = build(Budget::builder().deposit(0.0).reserve(10.0).cost(cost));
        drop(budget.try_acquire());
        assert_eq!(budget.snapshot().tokens, Some(10.0));
    }
}

#[test]
fn no_more_is_saved_than_the_capacity_and_that_is_the_reserve_unless_said() {
    for (builder, saved) in [
        (Budget::builder().reserve(3.0), 3),
        (Budget::builder().reserve(3.0).capacity(7.5), 7),
        (Budget::builder().reserve(0.0), 1),
        (Budget::builder().reserve(0.0).cost(2.0), 1),
    ] {
        let budget = build(builder.deposit(0.4));
        for _ in 0..1_000 {
            drop(budget.call());
        }
        assert_eq!(spend(&budget, 100), saved, "{budget}");
    }
}

#[test]
fn at_no_moment_is_more_granted_than_was_paid_in() {
    const WHOLE: u32 = 1_000_000_000;
    // In billionths, which is what a budget counts in.
    for share in [WHOLE / 10, WHOLE / 5, WHOLE / 20 * 7, WHOLE / 5 * 3, WHOLE - 1, WHOLE] {
        let deposit = f64::from(share) / f64::from(WHOLE);
        let budget = build(
            Budget::builder().refill_per_second(0.0).deposit(deposit).reserve(0.0).capacity(50.0),
        );
        let mut granted = 0;
        for n in 1..=1_000 {
            drop(budget.call());
            granted += spend(&budget, 5);
            let paid = u64::from(share) * n / u64::from(WHOLE);
            assert_eq!(u64::from(granted), paid, "{deposit} of {n} calls");
        }
    }
}

#[test]
fn threads_get_no_more_than_was_paid_in() {
    const CALLS: u32 = 5_000;
    let budget = build(Budget::builder().deposit(0.6).reserve(0.0).capacity(1e6));
    let granted = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..CALLS {
                    drop(budget.call());
                    // One that is given back, and one that is spent.
                    drop(budget.try_acquire());
                    granted.fetch_add(spend(&budget, 1), Relaxed);
                }
            });
        }
    });
    let rest = spend(&budget, 4 * CALLS);
    assert_eq!(granted.into_inner() + rest, 4 * CALLS * 6 / 10);
}

/// A step for each token, second or nanosecond of that time would never come to an end.
#[tokio::test(start_paused = true)]
async fn centuries_without_a_call_are_one_step() {
    const YEAR: Duration = Duration::from_hours(365 * 24);
    let builder = Budget::builder().deposit(0.0).reserve(0.0).capacity(1e9);
    let budget = build(builder.refill_per_second(1e9));
    let one = build(Budget::builder().refill_per_second(1e-9));
    for _ in 0..5 {
        tokio::time::advance(100 * YEAR).await;
        assert_eq!(budget.snapshot().tokens, Some(1e9));
        assert_eq!(spend(&budget, 3), 3);
        assert_eq!(one.snapshot().tokens, Some(10.0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_and_a_hedge_share_one_budget() {
    let budget = build(Budget::builder().deposit(0.0).reserve(3.0));
    let retry = Retry::builder().idempotent().max_attempts(3).budget(&budget);
    let retry = retry.backoff(Backoff::none()).build().unwrap();
    let hedge = Hedge::builder().delay(SECOND).budget(&budget).build().unwrap();
    let script = Script::<(), _>::new([Step::err("down")]);
    let _ = retry.call(|| script.run()).await;
    assert_eq!(script.started(), 3, "two of three are taken");
    let slow = Script::<(), &str>::new([Step::after(3 * SECOND, Ok(()))]);
    hedge.call(|| slow.run()).await.unwrap();
    assert_eq!(slow.started(), 2, "the hedge gets the third");
    hedge.call(|| slow.run()).await.unwrap();
    assert_eq!(slow.started(), 3, "the next is alone");
    let _ = retry.call(|| script.run()).await;
    assert_eq!(script.started(), 4, "and so is the next call of the retry");
}

#[tokio::test(start_paused = true)]
async fn of_a_hundred_calls_in_flight_a_fifth_is_repeated_at_once() {
    let budget = build(Budget::builder().without_tokens().in_flight(0.2, 3));
    let retry = Retry::builder().idempotent().max_attempts(2).backoff(Backoff::none());
    let retry = retry.budget(&budget).build().unwrap();
    let script = Script::<(), _>::new([Step::after(SECOND, Err("down"))]);
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let (retry, script) = (retry.clone(), script.clone());
        calls.spawn(async move { retry.call(|| script.run()).await.unwrap_err() });
    }
    tokio::time::sleep(SECOND / 2).await;
    let calls_in_flight = budget.snapshot().calls_in_flight;
    assert_eq!((calls_in_flight, script.running()), (Some(100), 100));
    tokio::time::sleep(SECOND).await;
    // Those that were refused are gone: fewer calls are in flight when the later ones ask.
    let repeated = script.running();
    assert!((3..=20).contains(&repeated), "{repeated} repetitions in flight");
    assert_eq!(budget.snapshot().repetitions_in_flight, u32::try_from(repeated).ok());
    let errors = calls.join_all().await;
    let refused = errors.iter().filter_map(|error| error.gave_up());
    let refused = refused.filter(|gave_up| gave_up.why == StopReason::Budget).count();
    assert_eq!((refused, script.started()), (100 - repeated, 100 + repeated));
}

#[tokio::test(start_paused = true)]
async fn the_first_call_never_fails_for_a_budget_of_whatever_kind() {
    let empty = || Budget::builder().deposit(0.0).reserve(0.0);
    for builder in [
        empty(),
        empty().refill_per_second(1e-9),
        empty().in_flight(0.1, 0),
        empty().without_tokens().in_flight(0.1, 0),
    ] {
        let budget = build(builder);
        let retry = Retry::builder().idempotent().budget(&budget);
        let retry = retry.backoff(Backoff::none()).build().unwrap();
        let hedge = Hedge::builder().delay(SECOND).budget(&budget).build().unwrap();
        assert_eq!(retry.call(async || Ok::<_, &str>(1)).await.unwrap(), 1, "{budget}");
        assert_eq!(retry.call_blocking(|| Ok::<_, &str>(2)).unwrap(), 2, "{budget}");
        assert_eq!(hedge.call(async || Ok::<_, &str>(3)).await.unwrap(), 3, "{budget}");
        // One that fails comes back as it is, marked.
        for error in [
            retry.call(async || Err::<(), _>("down")).await.unwrap_err(),
            retry.call_blocking(|| Err::<(), _>("down")).unwrap_err(),
            hedge.call(async || Err::<(), _>("down")).await.unwrap_err(),
        ] {
            let gave_up = error.gave_up().unwrap();
            assert_eq!((gave_up.why, gave_up.attempts), (StopReason::Budget, 1), "{budget}");
            assert_eq!(error.operation(), Some(&"down"));
        }
        assert_eq!(budget.snapshot().refused, 3);
    }
}

#[test]
fn a_share_alone_is_told_when_it_is_used_up_and_when_it_has_recovered() {
    let (listeners, recorder) = (Listeners::default(), Recorder::default());
    listeners.add(recorder.clone());
    let builder = Budget::builder().without_tokens().in_flight(0.5, 4);
    let budget = build(builder.name("writes").listeners(&listeners));
    let mut held: Vec<_> = (0..4).map(|_| budget.try_acquire().unwrap()).collect();
    assert!(recorder.events().is_empty());
    for _ in 0..3 {
        assert!(budget.try_acquire().is_none());
    }
    // With one free, and taken again and again, there is not enough to say that it has recovered;
    // with half is.
    for _ in 0..20 {
        held.pop();
        held.push(budget.try_acquire().unwrap());
    }
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::BudgetRecovered { .. })), 0);
    held.truncate(1);
    held.push(budget.try_acquire().unwrap());
    held.push(budget.try_acquire().unwrap());
    let events = recorder.events();
    assert!(matches!(events[0].kind, EventKind::BudgetExhausted));
    assert!(matches!(events[1].kind, EventKind::BudgetRecovered { refused: 3, .. }));
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|event| event.policy_kind == PolicyKind::Budget));
    assert!(events.iter().all(|event| event.policy == *budget.name()));
}

/// A budget that has refused, and how often it has told that it has recovered.
fn refused(builder: BudgetBuilder) -> (Budget, impl Fn() -> usize) {
    let (listeners, recorder) = (Listeners::default(), Recorder::default());
    listeners.add(recorder.clone());
    let budget = build(builder.listeners(&listeners));
    while spend(&budget, 1) > 0 {}
    (budget, move || recorder.count(|kind| matches!(kind, EventKind::BudgetRecovered { .. })))
}

#[test]
fn tokens_have_recovered_with_half_of_the_reserve_and_with_five_repetitions_if_so_many_fit() {
    let tokens = |reserve| Budget::builder().deposit(1.0).reserve(reserve);
    for (builder, enough) in [
        (tokens(30.0), 15),
        (tokens(10.0), 5),
        (tokens(8.0), 5),
        (tokens(5.0), 5),
        (tokens(4.0), 4),
        (tokens(2.0), 2),
        (tokens(0.0).capacity(2.0), 2),
        (tokens(0.0).capacity(50.0), 5),
        (tokens(4.0).cost(2.0).capacity(50.0), 10),
        (tokens(40.0).cost(2.0), 20),
    ] {
        let (budget, recovered) = refused(builder);
        for paid in 1..=enough {
            assert_eq!(recovered(), 0, "{budget}: {paid}");
            drop(budget.call());
        }
        assert_eq!(recovered(), 1, "{budget}");
    }
}

#[test]
fn where_one_repetition_fits_ten_in_a_row_show_that_it_has_recovered() {
    for builder in [Budget::builder().reserve(0.0), Budget::builder().reserve(1.9)] {
        let (budget, recovered) = refused(builder.deposit(1.0));
        for granted in 1..=10 {
            drop(budget.call());
            assert_eq!((spend(&budget, 1), recovered()), (1, 0), "{budget}: {granted}");
        }
        drop(budget.call());
        assert_eq!(recovered(), 1, "{budget}");
    }
}

#[test]
fn places_have_recovered_with_half_of_them_and_when_so_many_were_granted_in_a_row() {
    // How many places there are, how many of them are taken when it has recovered, and how many
    // were granted by then.
    for (places, half, granted) in [(1, 1, 10), (2, 1, 10), (5, 3, 10), (6, 3, 10), (20, 10, 20)] {
        for taken in [half, half + 1] {
            let (listeners, recorder) = (Listeners::default(), Recorder::default());
            listeners.add(recorder.clone());
            let recovered =
                || recorder.count(|kind| matches!(kind, EventKind::BudgetRecovered { .. }));
            let builder = Budget::builder().without_tokens().in_flight(0.1, places);
            let budget = build(builder.listeners(&listeners));
            let mut held: Vec<_> = std::iter::from_fn(|| budget.try_acquire()).collect();
            held.truncate(usize::try_from(taken).unwrap() - 1);
            for _ in 1..granted {
                drop(budget.try_acquire());
                assert_eq!(recovered(), 0, "{taken} of {places}");
            }
            drop(budget.try_acquire());
            assert_eq!(recovered(), usize::from(taken == half), "{taken} of {places}");
        }
    }
}

#[test]
fn a_budget_that_recovers_and_is_used_up_in_turns_says_so_in_turns() {
    let (listeners, recorder) = (Listeners::default(), Recorder::default());
    listeners.add(recorder.clone());
    let builder = Budget::builder().deposit(1.0).reserve(4.0);
    let budget = build(builder.listeners(&listeners));
    for round in 1..=3 {
        assert!(spend(&budget, 100) >= 2);
        // Enough to take from, not enough to have recovered.
        for _ in 0..3 {
            drop(budget.call());
        }
        assert_eq!(spend(&budget, 1), 1);
        assert_eq!(recorder.events().len(), 2 * round - 1);
        for _ in 0..2 {
            drop(budget.call());
        }
        assert_eq!(recorder.events().len(), 2 * round);
        assert_eq!(spend(&budget, 1), 1);
    }
    let told = recorder.events();
    assert!(told.iter().step_by(2).all(|event| matches!(event.kind, EventKind::BudgetExhausted)));
}
