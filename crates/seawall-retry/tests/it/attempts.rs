//! How often, when, and what comes back.

use std::cell::RefCell;
use std::time::Duration;

use seawall_core::{Backoff, Class, Error, EventKind, StopReason};
use seawall_retry::Retry;
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
async fn without_the_word_only_what_the_dependency_refused_is_repeated() {
    let by_class = |class| {
        move |outcome: &Outcome| match outcome {
            Ok(_) => Class::Success,
            Err(_) => class,
        }
    };
    for (class, attempts) in [
        (Class::Transient, 1),
        (Class::Panicked, 1),
        (Class::Permanent, 1),
        (Class::Overloaded { retry_after: None }, 3),
    ] {
        let script = down();
        let retry = Retry::builder().judge(by_class(class)).build().unwrap();
        let _ = retry.call(|| script.run()).await;
        assert_eq!(script.started(), attempts, "{class:?}");
        let script = down();
        let retry = Retry::builder().idempotent().judge(by_class(class)).build().unwrap();
        let _ = retry.call(|| script.run()).await;
        let attempts = if class == Class::Permanent { 1 } else { 3 };
        assert_eq!(script.started(), attempts, "idempotent, {class:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_told_its_number_and_what_the_last_came_to() {
    let told = RefCell::new(Vec::new());
    let retry = retry().max_attempts(3).build().unwrap();
    let _ = retry
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
async fn what_would_start_after_the_deadline_is_not_waited_for() {
    let script = down();
    let retry = retry().max_attempts(9).backoff(SECOND).deadline(3 * SECOND).build().unwrap();
    let start = Instant::now();
    let outcome = retry.call(|| script.run()).await;
    // Attempts at 0, 1 and 2 s; the next would start at 3 s, when the time is over.
    assert_eq!(gave_up(outcome), (3, StopReason::Deadline, 2 * SECOND, "down"));
    assert_eq!(start.elapsed(), 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn delays_are_jittered_by_default_and_stay_within_the_maximum() {
    let recorder = Recorder::default();
    let retry = Retry::builder().idempotent().max_attempts(20).without_budget().build().unwrap();
    retry.listeners().add(recorder.clone());
    let _ = retry.call(async || Err::<(), _>("down")).await;
    let delays = recorder.pick(|kind| match kind {
        EventKind::Retrying { delay, .. } => Some(*delay),
        _ => None,
    });
    assert_eq!(delays.len(), 19);
    assert!(delays.iter().all(|delay| *delay < 5 * SECOND));
    assert!(delays.windows(2).any(|pair| pair[0] > pair[1]), "no jitter in {delays:?}");
}
