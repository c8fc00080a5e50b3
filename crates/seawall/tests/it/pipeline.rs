//! Whole pipelines under paused time: what the layers make of each other.

use std::time::Duration;

use seawall::Backoff;
use seawall::{
    Breaker, CircuitState, Error, EventKind, Pipeline, Reason, Retry, Scope, StopReason,
};
use seawall_testkit::{Recorder, Script, Step, at_every_await};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const SECOND: Duration = Duration::from_secs(1);

type Steps = Vec<Step<u32, &'static str>>;

fn script(steps: Steps) -> Script<u32, &'static str> {
    Script::new(steps)
}

/// Three attempts, ten seconds apart.
fn patient() -> seawall::retry::RetryBuilder {
    Retry::builder().idempotent().max_attempts(3).backoff(Backoff::constant(10 * SECOND))
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_is_cut_off_and_the_next_one_succeeds() {
    let pipeline = Pipeline::builder("inventory")
        .timeout(30 * SECOND)
        .retry(patient())
        .breaker(Breaker::builder())
        .attempt_timeout(SECOND)
        .guard_panics()
        .build()
        .unwrap();
    let operation = script(vec![Step::never(), Step::ok(7)]);
    let began = Instant::now();
    assert_eq!(pipeline.call(|| operation.run()).await.unwrap(), 7);
    assert_eq!(began.elapsed(), 11 * SECOND);
    assert_eq!((operation.started(), operation.running()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn the_total_timeout_cuts_the_waiting_between_attempts() {
    let pipeline =
        Pipeline::builder("inventory").timeout(15 * SECOND).retry(patient()).build().unwrap();
    let operation = script(vec![Step::err("down")]);
    let began = Instant::now();
    let error = pipeline.call(|| operation.run()).await.unwrap_err();
    // The third attempt could not start before the deadline, so nothing sleeps towards it.
    assert_eq!(began.elapsed(), 10 * SECOND);
    let gave_up = error.gave_up().expect("the retry gave up");
    assert_eq!((gave_up.why, gave_up.attempts), (StopReason::Deadline, 2));
    assert_eq!(error.operation(), Some(&"down"));
}

#[tokio::test(start_paused = true)]
async fn the_total_timeout_cuts_an_attempt_that_hangs() {
    let pipeline =
        Pipeline::builder("inventory").timeout(15 * SECOND).retry(patient()).build().unwrap();
    let operation = script(vec![Step::err("down"), Step::never()]);
    let began = Instant::now();
    let error = pipeline.call(|| operation.run()).await.unwrap_err();
    assert_eq!(began.elapsed(), 15 * SECOND);
    let timed_out = error.timed_out().expect("cut off");
    assert_eq!((timed_out.scope(), timed_out.limit()), (Scope::Total, 15 * SECOND));
    assert_eq!(operation.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_operation_is_told_the_attempt_and_the_time_left() {
    let pipeline = Pipeline::builder("inventory")
        .timeout(25 * SECOND)
        .retry(patient())
        .attempt_timeout(8 * SECOND)
        .build()
        .unwrap();
    let mut told = Vec::new();
    let called = pipeline.call_with(|attempt| {
        told.push((attempt.number(), attempt.max(), attempt.time_left().unwrap()));
        async { Err::<(), _>("down") }
    });
    called.await.unwrap_err();
    let expected = [(1, Some(3), 8 * SECOND), (2, Some(3), 8 * SECOND), (3, Some(3), 5 * SECOND)];
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_opens_ends_the_retrying() {
    let breaker = Breaker::builder().name("warehouse").consecutive_failures(2).build().unwrap();
    let pipeline = Pipeline::builder("inventory")
        .retry(Retry::builder().idempotent().max_attempts(5).backoff(Backoff::none()))
        .breaker(breaker.clone())
        .build()
        .unwrap();
    let operation = script(vec![Step::err("down")]);
    let error = pipeline.call(|| operation.run()).await.unwrap_err();
    assert_eq!(operation.started(), 2);
    assert_eq!(breaker.state(), CircuitState::Open);
    let rejection = error.rejection().expect("refused by the breaker");
    assert_eq!(rejection.policy().as_str(), "warehouse");
    assert_eq!(rejection.reason(), Reason::Open);
    assert!(rejection.retry_after().is_some());
    assert!(rejection.evidence().is_some());
    assert_eq!(error.gave_up().expect("after two attempts").why, StopReason::Rejected);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_to_the_breaker_and_an_error_to_the_caller() {
    let breaker = Breaker::builder().consecutive_failures(1).build().unwrap();
    let pipeline =
        Pipeline::builder("inventory").breaker(breaker.clone()).guard_panics().build().unwrap();
    let operation = Script::<(), ()>::new([Step::panic("index out of bounds")]);
    let error = pipeline.call(|| operation.run()).await.unwrap_err();
    let panicked = error.panicked().expect("caught");
    assert_eq!(panicked.policy.as_str(), "inventory");
    assert_eq!(&*panicked.report.message, "index out of bounds");
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn one_listener_hears_all_layers_under_one_name() {
    let recorder = Recorder::default();
    let pipeline = Pipeline::builder("inventory")
        .retry(patient())
        .breaker(Breaker::builder().consecutive_failures(3))
        .attempt_timeout(SECOND)
        .listener(recorder.clone())
        .build()
        .unwrap();
    let operation = script(vec![Step::never()]);
    pipeline.call(|| operation.run()).await.unwrap_err();
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::TimedOut(_))), 3);
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::Retrying { .. })), 2);
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::GaveUp { .. })), 1);
    assert_eq!(recorder.path(), ["closed → open"]);
    assert!(recorder.events().iter().all(|event| event.policy.as_str() == "inventory"));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_refuses_new_calls_and_lets_those_in_flight_finish() {
    let token = CancellationToken::new();
    let pipeline = Pipeline::builder("inventory")
        .timeout(30 * SECOND)
        .shutdown_token(token.clone())
        .build()
        .unwrap();
    let operation = script(vec![Step::after(5 * SECOND, Ok(7))]);
    let in_flight = pipeline.call(|| operation.run());
    let cancel = async {
        tokio::time::sleep(SECOND).await;
        token.cancel();
        pipeline.call(|| operation.run()).await
    };
    let (finished, refused) = tokio::join!(in_flight, cancel);
    assert_eq!(finished.unwrap(), 7);
    let rejection = refused.unwrap_err();
    assert_eq!(rejection.rejection().unwrap().reason(), Reason::ShuttingDown);
    assert_eq!(operation.started(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_wakes_a_sleeping_retry_at_once_and_keeps_the_last_error() {
    let token = CancellationToken::new();
    let pipeline = Pipeline::builder("inventory")
        .shutdown_token(token.clone())
        .retry(patient())
        .build()
        .unwrap();
    let operation = script(vec![Step::err("down")]);
    let began = Instant::now();
    let cancel = async {
        tokio::time::sleep(SECOND).await;
        token.cancel();
    };
    let (called, ()) = tokio::join!(pipeline.call(|| operation.run()), cancel);
    let error = called.unwrap_err();
    assert_eq!(began.elapsed(), SECOND);
    assert_eq!(error.gave_up().unwrap().why, StopReason::Shutdown);
    assert_eq!(error.operation(), Some(&"down"));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_wakes_who_waits_for_a_verdict() {
    let token = CancellationToken::new();
    let pipeline = Pipeline::builder("inventory")
        .shutdown_token(token.clone())
        .breaker(
            Breaker::builder()
                .consecutive_failures(1)
                .open_wait(Backoff::constant(SECOND))
                .probes(1)
                .lease(60 * SECOND)
                .wait_for_verdict(10, 60 * SECOND),
        )
        .build()
        .unwrap();
    let operation = script(vec![Step::err("down"), Step::never()]);
    pipeline.call(|| operation.run()).await.unwrap_err();
    tokio::time::sleep(2 * SECOND).await;
    let began = Instant::now();
    let probe = tokio::time::timeout(10 * SECOND, pipeline.call(|| operation.run()));
    let waiting = pipeline.call(|| operation.run());
    let cancel = async {
        tokio::time::sleep(SECOND).await;
        token.cancel();
    };
    // Unless it is woken it waits as long as the verdict may take, and fails.
    let waiter = async {
        let outcome = tokio::time::timeout(5 * SECOND, waiting).await;
        (outcome.expect("woken by the shutdown"), began.elapsed())
    };
    let (_, (outcome, after), ()) = tokio::join!(probe, waiter, cancel);
    assert_eq!(outcome.unwrap_err().rejection().unwrap().reason(), Reason::ShuttingDown);
    assert_eq!(after, SECOND);
}

#[tokio::test(start_paused = true)]
async fn dropped_at_every_await_everything_comes_back() {
    let breaker = Breaker::builder().build().unwrap();
    let pipeline = Pipeline::builder("inventory")
        .timeout(60 * SECOND)
        .retry(patient())
        .breaker(breaker.clone())
        .attempt_timeout(SECOND)
        .guard_panics()
        .build()
        .unwrap();
    let mut operation = script(vec![Step::ok(0)]);
    let awaits = at_every_await(
        || {
            let steps = vec![
                Step::after(SECOND / 2, Err("down")),
                Step::never(),
                Step::after(SECOND / 2, Ok(7)),
            ];
            operation = script(steps);
            let operation = operation.clone();
            pipeline.call(move || operation.run())
        },
        |output| {
            if let Some(output) = output {
                assert_eq!(output.unwrap(), 7);
            }
        },
    )
    .await;
    assert!(awaits >= 5, "two sleeps, a timeout and two slow attempts: {awaits} awaits");
    assert_eq!(operation.running(), 0);
    let snapshot = breaker.snapshot();
    assert_eq!(snapshot.state, CircuitState::Closed);
    assert_eq!(snapshot.probes_in_flight, 0);
}

#[test]
fn a_pipeline_describes_itself_and_its_worst_case() {
    let pipeline = Pipeline::builder("inventory")
        .timeout(60 * SECOND)
        .retry(patient().max_retry_after(10 * SECOND))
        .breaker(Breaker::builder())
        .attempt_timeout(2 * SECOND)
        .guard_panics()
        .build()
        .unwrap();
    let description = pipeline.describe();
    assert_eq!(description.max_attempts(), Some(3));
    // Three attempts of two seconds, and two waits: what the dependency may ask for, at most ten
    // seconds, and the backoff's own ten on top.
    assert_eq!(description.longest(), Some(46 * SECOND));
    assert_eq!(description.layers().len(), 5);
    assert!(description.layers().iter().all(|layer| layer.name.as_str() == "inventory"));
}

#[test]
fn a_wrong_field_is_named_with_its_policy_and_range() {
    let wrong = |error: seawall::ConfigError| error.to_string();
    let empty = Pipeline::builder("").build().unwrap_err();
    assert_eq!(wrong(empty), "pipeline: name is empty, but must be between 1 and 256 bytes long");
    let none = Pipeline::builder("inventory")
        .retry(Retry::builder().idempotent().max_attempts(0))
        .build()
        .unwrap_err();
    assert_eq!(none.field, "max_attempts");
}

#[tokio::test(start_paused = true)]
async fn the_standard_pipeline_repeats_only_what_is_declared_safe_to_repeat() {
    let once = Pipeline::standard("inventory").build().unwrap();
    let again = Pipeline::standard("inventory").idempotent().build().unwrap();
    let operation = script(vec![Step::err("down")]);
    let error = once.call(|| operation.run()).await.unwrap_err();
    assert_eq!(error.gave_up().map(|it| it.why), Some(StopReason::NotIdempotent));
    assert_eq!(operation.started(), 1);
    again.call(|| operation.run()).await.unwrap_err();
    assert_eq!(operation.started(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_standard_pipeline_can_leave_out_any_layer() {
    let bare = Pipeline::standard("inventory")
        .without_timeout()
        .without_congestion_control()
        .without_breaker()
        .without_attempt_timeout()
        .without_panic_guard()
        .build()
        .unwrap();
    let description = bare.describe();
    assert_eq!((description.max_attempts(), description.longest()), (Some(1), None));
    assert!(description.layers().is_empty(), "{description}");
    let operation = script(vec![Step::after(1_000_000 * SECOND, Err("down"))]);
    let error = bare.call(|| operation.run()).await.unwrap_err();
    assert!(matches!(error, Error::Operation { error: "down", .. }));
    assert_eq!(operation.started(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_congestion_control_everything_goes_out() {
    let pipeline = Pipeline::standard("inventory").without_congestion_control();
    let pipeline = pipeline.build().unwrap();
    let operation = script(vec![Step::err("down")]);
    for _ in 0..1_000 {
        let error = pipeline.call(|| operation.run()).await.unwrap_err();
        assert!(matches!(error, Error::Operation { error: "down", .. }));
    }
    assert_eq!(operation.started(), 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_panic_guard_that_is_left_out_lets_panics_through() {
    let pipeline = Pipeline::standard("inventory").without_panic_guard().build().unwrap();
    let operation = Script::<(), ()>::new([Step::panic("index out of bounds")]);
    let called = tokio::spawn(async move { pipeline.call(|| operation.run()).await.is_ok() });
    let panicked = called.await.unwrap_err().into_panic();
    assert_eq!(panicked.downcast_ref::<String>().unwrap(), "index out of bounds");
}

#[tokio::test(start_paused = true)]
async fn the_standard_pipeline_hands_out_its_breaker_to_be_looked_at_and_worked_by_hand() {
    let builder = Breaker::builder().consecutive_failures(1);
    let pipeline = Pipeline::standard("inventory").with_breaker(builder).build().unwrap();
    let breaker = pipeline.breaker().unwrap();
    let operation = script(vec![Step::err("down"), Step::ok(7)]);
    pipeline.call(|| operation.run()).await.unwrap_err();
    assert_eq!(breaker.state(), CircuitState::Open);
    assert_eq!((breaker.name().as_str(), breaker.snapshot().totals.openings), ("inventory", 1));
    breaker.reset();
    assert_eq!(pipeline.call(|| operation.run()).await.unwrap(), 7);
    breaker.force_open();
    let error = pipeline.call(|| operation.run()).await.unwrap_err();
    assert_eq!(error.rejection().unwrap().reason(), Reason::ForcedOpen);
    assert_eq!(operation.started(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_standard_pipeline_hands_out_its_congestion_control() {
    let pipeline = Pipeline::standard("inventory").idempotent().build().unwrap();
    let control = pipeline.congestion_control().unwrap();
    let in_flight =
        pipeline.call(|| async { Ok::<_, ()>(control.snapshot().in_flight) }).await.unwrap();
    assert_eq!((in_flight, control.snapshot().in_flight), (1, 0));
}

#[test]
fn the_standard_pipeline_hands_out_nothing_that_was_left_out() {
    let pipeline = Pipeline::standard("inventory").without_congestion_control().build().unwrap();
    assert!(pipeline.breaker().is_none());
    assert!(pipeline.congestion_control().is_none());
}

/// What one pipeline does with half of its calls failing, as the delays that its retry waits.
async fn delays_with(random: seawall::Random) -> Vec<Duration> {
    let recorder = Recorder::default();
    let pipeline = Pipeline::standard("inventory")
        .idempotent()
        .random(random)
        .listener(recorder.clone())
        .build()
        .unwrap();
    for _ in 0..20 {
        let _ = pipeline.call(|| async { Err::<(), _>(std::io::Error::other("down")) }).await;
    }
    recorder.events().into_iter().filter_map(|event| retry_delay(&event.kind)).collect()
}

fn retry_delay(kind: &EventKind) -> Option<Duration> {
    match kind {
        EventKind::Retrying { delay, .. } => Some(*delay),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_seeded_pipeline_does_the_same_again() {
    let seeded = || seawall::Random::seeded(7);
    let first = delays_with(seeded()).await;
    assert!(first.len() > 2, "{first:?}");
    assert_eq!(delays_with(seeded()).await, first);
    assert_ne!(delays_with(seawall::Random::seeded(8)).await, first);
}
