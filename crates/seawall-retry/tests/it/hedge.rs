//! Hedging: when another attempt is launched, which outcome wins, and what becomes of the rest.

use std::cell::RefCell;
use std::time::Duration;

use seawall_core::{
    Attempt, Class, Error, EventKind, FromFn, Lazy, Policy, PolicyExt, PolicyKind, StopReason,
};
use seawall_retry::{Budget, Hedge, HedgeBuilder};
use seawall_testkit::{Recorder, Script, Step, at_every_await};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

type Outcome = Result<u32, Error<&'static str>>;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn slow(millis: u64, outcome: Result<u32, &'static str>) -> Step<u32, &'static str> {
    Step::after(ms(millis), outcome)
}

fn hedge() -> HedgeBuilder {
    Hedge::builder().delay(ms(100)).without_budget()
}

/// Runs the steps under the hedge; gives the outcome, how long it took, how many were started, and
/// checks that none is left.
async fn run(
    hedge: &Hedge,
    steps: impl IntoIterator<Item = Step<u32, &'static str>>,
) -> (Outcome, Duration, usize) {
    let (script, start) = (Script::new(steps), Instant::now());
    let outcome = hedge.call(|| script.run()).await;
    assert_eq!(script.running(), 0, "the losers are dropped before the caller resumes");
    (outcome, start.elapsed(), script.started())
}

#[tokio::test(start_paused = true)]
async fn a_primary_that_is_fast_enough_is_alone() {
    let hedge = hedge().build().unwrap();
    for millis in [0, 1, 99] {
        let (outcome, took, started) = run(&hedge, [slow(millis, Ok(1)), Step::ok(2)]).await;
        assert_eq!((outcome.unwrap(), started), (1, 1));
        assert_eq!(took, ms(millis));
    }
}

#[tokio::test(start_paused = true)]
async fn the_result_and_the_timer_at_the_same_instant_launch_nothing() {
    let hedge = hedge().build().unwrap();
    let (outcome, took, started) = run(&hedge, [slow(100, Ok(1)), Step::ok(2)]).await;
    assert_eq!((outcome.unwrap(), took, started), (1, ms(100), 1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_primary_gets_company_and_the_first_outcome_wins() {
    let recorder = Recorder::default();
    let hedge = hedge().build().unwrap();
    hedge.listeners().add(recorder.clone());
    let (outcome, took, started) = run(&hedge, [slow(500, Ok(1)), slow(50, Ok(2))]).await;
    assert_eq!((outcome.unwrap(), took, started), (2, ms(150), 2));
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::Hedged { attempt: 2, .. })), 1);
    let (outcome, took, _) = run(&hedge, [slow(120, Ok(1)), slow(50, Ok(2))]).await;
    assert_eq!((outcome.unwrap(), took), (1, ms(120)));
}

#[tokio::test(start_paused = true)]
async fn a_failure_launches_the_next_at_once() {
    let hedge = hedge().max_attempts(3).build().unwrap();
    let steps = [slow(10, Err("a")), slow(10, Err("b")), slow(10, Ok(3))];
    let (outcome, took, started) = run(&hedge, steps).await;
    assert_eq!((outcome.unwrap(), took, started), (3, ms(30), 3));
}

#[tokio::test(start_paused = true)]
async fn all_failed_is_the_primarys_error_with_the_others_in_the_history() {
    let hedge = hedge().max_attempts(3).build().unwrap();
    let steps = [slow(300, Err("primary")), slow(10, Err("second")), slow(10, Err("third"))];
    let (outcome, took, _) = run(&hedge, steps).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.operation(), Some(&"primary"));
    let gave_up = error.gave_up().unwrap();
    assert_eq!(
        (gave_up.kind, gave_up.why, gave_up.attempts),
        (PolicyKind::Hedge, StopReason::Attempts, 3)
    );
    assert_eq!(gave_up.elapsed, ms(300));
    let others: Vec<_> = gave_up.history.iter().filter_map(Error::operation).collect();
    assert_eq!(others, [&"second", &"third"]);
    assert_eq!(took, ms(300));
}

#[tokio::test(start_paused = true)]
async fn no_more_are_in_flight_than_may_be() {
    let hedge = hedge().max_attempts(5).max_in_flight(2).build().unwrap();
    let script = Script::new([slow(1_000, Ok(1))]);
    let call = hedge.call(|| script.run());
    let watch = async {
        for _ in 0..90 {
            tokio::time::sleep(ms(10)).await;
            assert!(script.running() <= 2);
        }
    };
    let (outcome, ()) = tokio::join!(call, watch);
    outcome.unwrap();
    assert_eq!(script.started(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_ends_the_call_though_it_is_an_error() {
    let hedge = hedge().build().unwrap().classify(|error: &&str| match *error {
        "not found" => Class::Permanent,
        _ => Class::Transient,
    });
    let script = Script::new([Step::err("not found"), Step::ok(2)]);
    let error = hedge.call(|| script.run()).await.unwrap_err();
    assert!(error.gave_up().is_none(), "nothing was launched, so nothing is said: {error}");
    let script = Script::new([Step::never(), slow(10, Err("not found"))]);
    let error = hedge.call(|| script.run()).await.unwrap_err();
    let gave_up = error.gave_up().unwrap();
    assert_eq!((gave_up.why, gave_up.attempts), (StopReason::Permanent, 2));
    assert_eq!(script.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_hedge_that_is_refused_does_not_harm_the_primary() {
    // As a rejection by a policy inside is: it says nothing about the dependency.
    let hedge = hedge().build().unwrap().classify(|_: &&str| Class::Ignored);
    let calls = RefCell::new(0);
    let outcome = hedge
        .call(async || {
            *calls.borrow_mut() += 1;
            if *calls.borrow() > 1 {
                return Err("refused");
            }
            tokio::time::sleep(ms(300)).await;
            Ok(1)
        })
        .await;
    assert_eq!((outcome.unwrap(), *calls.borrow()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn an_empty_budget_launches_nothing_and_marks_a_failure() {
    let budget = Budget::builder().deposit(0.0).reserve(1.0).build().unwrap();
    let hedge = Hedge::builder().delay(ms(100)).budget(&budget).build().unwrap();
    let (outcome, took, started) = run(&hedge, [slow(500, Ok(1)), slow(10, Ok(2))]).await;
    assert_eq!((outcome.unwrap(), took, started), (2, ms(110), 2));
    let (outcome, took, started) = run(&hedge, [slow(500, Ok(1)), slow(10, Ok(2))]).await;
    assert_eq!((outcome.unwrap(), took, started), (1, ms(500), 1));
    let (outcome, _, started) = run(&hedge, [slow(10, Err("down")), Step::ok(2)]).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.gave_up().unwrap().why, StopReason::Budget);
    assert_eq!((error.operation(), started), (Some(&"down"), 1));
}

#[tokio::test(start_paused = true)]
async fn what_must_not_be_repeated_is_not() {
    let hedge = hedge().build().unwrap();
    for steps in [[slow(500, Ok(1)), Step::ok(2)], [slow(10, Err("down")), Step::ok(2)]] {
        let script = Script::new(steps);
        let op = FromFn::new(|| script.run(), &seawall_core::AllTransient);
        let attempt = Attempt::first().idempotent(false);
        let outcome = Lazy::new(hedge.wrap(op)).with_attempt(attempt).await;
        assert_eq!(script.started(), 1);
        assert!(matches!(outcome, Ok(1) | Err(Error::Operation { error: "down", .. })));
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_shutdown_or_the_deadline_nothing_is_launched() {
    let token = CancellationToken::new();
    let hedge = hedge().shutdown(token.clone()).build().unwrap();
    token.cancel();
    let (outcome, took, started) = run(&hedge, [slow(500, Ok(1)), Step::ok(2)]).await;
    assert_eq!((outcome.unwrap(), took, started), (1, ms(500), 1));
    let hedge = self::hedge().build().unwrap();
    let script = Script::new([slow(500, Ok(1)), Step::ok(2)]);
    let op = FromFn::new(|| script.run(), &seawall_core::AllTransient);
    let attempt = Attempt::first().due_by(Instant::now() + ms(50));
    assert_eq!(Lazy::new(hedge.wrap(op)).with_attempt(attempt).await.unwrap(), 1);
    assert_eq!(script.started(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_told_its_number() {
    let told = RefCell::new(Vec::new());
    let hedge = hedge().max_attempts(3).build().unwrap();
    let _ = hedge
        .call_with(async |attempt| {
            told.borrow_mut().push((attempt.number(), attempt.max(), attempt.last()));
            Err::<(), _>("down")
        })
        .await;
    let transient = Some(Class::Transient);
    assert_eq!(
        *told.borrow(),
        [(1, Some(3), None), (2, Some(3), transient), (3, Some(3), transient)]
    );
}

#[tokio::test(start_paused = true)]
async fn the_delay_can_be_a_function_and_a_panic_in_it_launches_nothing() {
    let by_number = |attempt: &Attempt| ms(100) * attempt.number();
    let hedge =
        Hedge::builder().delay_by(by_number).max_attempts(3).without_budget().build().unwrap();
    let (outcome, took, _) = run(&hedge, [Step::never(), Step::never(), slow(7, Ok(3))]).await;
    assert_eq!((outcome.unwrap(), took), (3, ms(100 + 200 + 7)));
    let broken = Hedge::builder().delay_by(|_| panic!("no delay")).build().unwrap();
    let (outcome, _, started) = run(&broken, [slow(500, Ok(1)), Step::ok(2)]).await;
    assert_eq!((outcome.unwrap(), started), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_zero_delay_launches_at_once_and_does_not_go_through_the_timer() {
    let hedge = hedge().delay(Duration::ZERO).build().unwrap();
    let (outcome, took, started) = run(&hedge, [slow(500, Ok(1)), Step::ok(2)]).await;
    assert_eq!((outcome.unwrap(), took, started), (2, Duration::ZERO, 2));
}

#[tokio::test(start_paused = true)]
async fn a_percentile_of_the_latencies_of_late_is_learnt() {
    let hedge = Hedge::builder().without_budget().build().unwrap();
    assert_eq!(hedge.percentile(), None);
    for n in 0..100_u64 {
        let (outcome, _, started) = run(&hedge, [slow(1 + n % 20, Ok(1)), Step::ok(2)]).await;
        assert_eq!((outcome.unwrap(), started), (1, 1));
    }
    let percentile = hedge.percentile().unwrap();
    assert!(ms(18) < percentile && percentile < ms(22), "{percentile:?}");
    let (outcome, took, started) = run(&hedge, [slow(500, Ok(1)), slow(5, Ok(2))]).await;
    assert_eq!((outcome.unwrap(), started), (2, 2));
    assert!(took < ms(30));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_drops_all() {
    let budget = Budget::builder().in_flight(1.0, 5).build().unwrap();
    let hedge = Hedge::builder().delay(ms(100)).max_attempts(3).budget(&budget).build().unwrap();
    let script = Script::new([slow(1_000, Ok(1))]);
    let awaits = at_every_await(
        || {
            let (script, hedge) = (script.clone(), hedge.clone());
            async move { hedge.call(|| script.run()).await }
        },
        |_| {
            assert_eq!(script.running(), 0);
            assert_eq!(budget.snapshot().repetitions_in_flight, Some(0));
            assert_eq!(budget.snapshot().calls_in_flight, Some(0));
        },
    )
    .await;
    assert!(awaits >= 3, "{awaits}");
}

#[test]
fn what_makes_no_sense_is_refused_by_field() {
    for (field, builder) in [
        ("max_attempts", Hedge::builder().max_attempts(0)),
        ("max_attempts", Hedge::builder().max_attempts(17)),
        ("max_in_flight", Hedge::builder().max_in_flight(0)),
        ("delay_percentile", Hedge::builder().delay_percentile(1.0)),
        ("delay_percentile", Hedge::builder().delay_percentile(f64::NAN)),
        ("min_samples", Hedge::builder().min_samples(0)),
        ("name", Hedge::builder().name("")),
    ] {
        assert_eq!(builder.build().unwrap_err().field, field);
    }
}
