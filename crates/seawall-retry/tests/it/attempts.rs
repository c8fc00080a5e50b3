//! How often, when, and what comes back.

use std::cell::RefCell;
use std::time::Duration;

use seawall_core::{Backoff, CarriedOut, Class, Error, EventKind, PolicyExt, StopReason, Verdict};
use seawall_retry::{Retry, RetryBuilder};
use seawall_testkit::{Recorder, Script, Step};
use tokio::time::Instant;

type Outcome = Result<u32, Error<&'static str>>;

const SECOND: Duration = Duration::from_secs(1);

fn down() -> Script<u32, &'static str> {
    Script::new([Step::err("down")])
}

fn retry() -> seawall_retry::RetryBuilder {
    Retry::builder().idempotent().backoff(Backoff::none())
}

fn gave_up(outcome: Outcome) -> (u32, StopReason, Duration, &'static str) {
    match outcome {
        Err(Error::GaveUp(gave_up)) => {
            let last = gave_up.last.operation().copied().unwrap_or("not the operation's");
            (gave_up.attempts, gave_up.why, gave_up.elapsed, last)
        }
        other => panic!("did not give up: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn three_attempts_with_ten_seconds_call_at_0_10_and_20_and_fail_at_20() {
    let recorder = Recorder::default();
    let retry = retry().max_attempts(3).backoff(10 * SECOND).build().unwrap();
    retry.listeners().add(recorder.clone());
    let (start, calls) = (Instant::now(), RefCell::new(Vec::new()));
    let outcome = retry
        .call(async || {
            calls.borrow_mut().push(start.elapsed());
            Err::<u32, _>("down")
        })
        .await;
    assert_eq!(*calls.borrow(), [Duration::ZERO, 10 * SECOND, 20 * SECOND]);
    assert_eq!(start.elapsed(), 20 * SECOND);
    assert_eq!(gave_up(outcome), (3, StopReason::Attempts, 20 * SECOND, "down"));
    let retries = recorder.pick(|kind| match kind {
        EventKind::Retrying { attempt, delay, .. } => Some((*attempt, *delay)),
        _ => None,
    });
    assert_eq!(retries, [(1, 10 * SECOND), (2, 10 * SECOND)]);
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::GaveUp { attempts: 3, .. })), 1);
    assert_eq!(recorder.events().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_success_ends_the_call_at_any_attempt() {
    for successful in 1..=5_usize {
        let steps = (1..successful).map(|_| Step::err("down")).chain([Step::ok(7)]);
        let script = Script::new(steps);
        let retry = retry().max_attempts(5).build().unwrap();
        assert_eq!(retry.call(|| script.run()).await.unwrap(), 7);
        assert_eq!(script.started(), successful);
    }
}

#[tokio::test(start_paused = true)]
async fn one_attempt_is_to_call_once_and_passes_the_error_on_as_it_is() {
    let script = down();
    let retry = retry().max_attempts(1).build().unwrap();
    let error = retry.call(|| script.run()).await.unwrap_err();
    assert!(matches!(error, Error::Operation { error: "down", class: Class::Transient, .. }));
    assert_eq!(script.started(), 1);
}

#[test]
fn no_attempt_at_all_is_refused() {
    let error = Retry::builder().max_attempts(0).build().unwrap_err();
    assert_eq!(error.to_string(), "retry: max_attempts is 0, but must be at least 1");
}

#[tokio::test(start_paused = true)]
async fn unlimited_attempts_go_on_until_one_succeeds_and_let_other_tasks_run() {
    let steps = (0..10_000).map(|_| Step::err("down")).chain([Step::ok(7)]);
    let script = Script::new(steps);
    let retry = retry().unlimited_attempts().without_budget().build().unwrap();
    let turns = RefCell::new(0);
    let others = async {
        loop {
            *turns.borrow_mut() += 1;
            tokio::task::yield_now().await;
        }
    };
    let outcome = tokio::select! {
        biased;
        outcome = retry.call(|| script.run()) => outcome,
        () = others => unreachable!(),
    };
    assert_eq!(outcome.unwrap(), 7);
    assert!(*turns.borrow() > 100, "the others had {} turns", turns.borrow());
}

#[tokio::test(start_paused = true)]
async fn a_zero_delay_does_not_go_through_the_timer() {
    // The timer's steps are a millisecond long: any sleep, however short, would advance the clock.
    let start = Instant::now();
    let script = Script::new([Step::err("down"), Step::err("down"), Step::ok(7)]);
    assert_eq!(retry().build().unwrap().call(|| script.run()).await.unwrap(), 7);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn without_the_word_only_what_was_not_carried_out_is_repeated() {
    let overloaded = Class::Overloaded { retry_after: None };
    for class in [Class::Transient, Class::Panicked, Class::Permanent, overloaded] {
        for verdict in [Verdict::from(class), class.not_carried_out()] {
            let runs = async |retry: RetryBuilder, said: Option<bool>| {
                let script = down();
                let retry = retry.build().unwrap().classify(move |_: &&str| verdict);
                let call = retry.call(|| script.run());
                let _ = match said {
                    Some(said) => call.idempotent(said).await,
                    None => call.await,
                };
                script.started()
            };
            let not_carried_out = verdict.carried_out == CarriedOut::No;
            for (idempotent, said, repeats) in [
                (false, None, not_carried_out),
                (true, None, true),
                (false, Some(true), true),
                (true, Some(false), false),
                (false, Some(false), false),
            ] {
                let retry = Retry::builder();
                let retry = if idempotent { retry.idempotent() } else { retry };
                let attempts = if repeats && class != Class::Permanent { 3 } else { 1 };
                let started = runs(retry, said).await;
                assert_eq!(started, attempts, "{verdict:?}, {idempotent}, {said:?}");
            }
        }
    }
}
