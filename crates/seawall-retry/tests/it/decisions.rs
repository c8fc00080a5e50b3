//! What is repeated, after how long, and why a retry stops.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seawall_core::{
    AllTransient, Attempt, Backoff, ByOutcome, Call, Chain, Class, Classified, Description, Error,
    Event, EventKind, FromAttemptFn, FromFn, Jitter, Lazy, Panicked, Policy, PolicyKind, Random,
    Reason, Rejection, StopReason, contain,
};
use seawall_retry::{Budget, Retry, RetryBuilder, Retryable};
use seawall_testkit::{Recorder, Script, Step, at_every_await};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::scripted::{Outcome, Scripted};

const SECOND: Duration = Duration::from_secs(1);

fn retry() -> RetryBuilder {
    Retry::builder().idempotent().backoff(Backoff::none())
}

async fn run(retry: &Retry, each: impl FnMut(Attempt) -> Outcome) -> Outcome {
    Lazy::new(retry.wrap(Scripted(each))).await
}

fn why(outcome: &Outcome) -> Option<StopReason> {
    outcome.as_ref().err()?.gave_up().map(|gave_up| gave_up.why)
}

fn overloaded(after: Duration) -> Outcome {
    Err(Error::operation_failed("busy", Class::Overloaded { retry_after: Some(after) }))
}

fn failed(class: Class) -> Outcome {
    Err(Error::operation_failed("failed", class))
}

fn open(retry_after: Option<Duration>) -> Outcome {
    let rejection = Rejection::new("orders".into(), PolicyKind::Breaker, Reason::Open);
    Err(Error::from(match retry_after {
        Some(after) => rejection.retry_in(after),
        None => rejection,
    }))
}

fn panicked(message: &str) -> Outcome {
    let report = contain(|| panic!("{message}")).unwrap_err();
    Err(Error::from(Panicked::new("guard".into(), report)))
}

#[tokio::test(start_paused = true)]
async fn permanent_stays_permanent_inside_wrappers() {
    let inner = retry().max_attempts(2).name("inner").build().unwrap();
    let count = Cell::new(0);
    let outer = retry().max_attempts(5).build().unwrap();
    // The inner pipeline gives up on a permanent failure after a transient one; its error is
    // wrapped, and the outer retry still sees what it means.
    let nested = async |_: Attempt| {
        let result = run(&inner, |attempt| {
            count.set(count.get() + 1);
            failed(if attempt.number() == 1 { Class::Transient } else { Class::Permanent })
        });
        result.await
    };
    let mut class = None;
    let outcome = nested(Attempt::first()).await;
    if let Err(error) = &outcome {
        class = Some(error.class());
        assert_eq!(error.gave_up().unwrap().why, StopReason::Permanent);
    }
    assert_eq!(class, Some(Class::Permanent));
    let mut once = Some(outcome);
    let calls = Cell::new(0);
    let outcome = run(&outer, |_| {
        calls.set(calls.get() + 1);
        once.take().unwrap_or_else(|| failed(Class::Transient))
    })
    .await;
    assert_eq!((calls.get(), count.get()), (1, 2));
    assert_eq!(outcome.unwrap_err().operation(), Some(&"failed"));
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_after_a_retry_says_so() {
    let outcome = run(&retry().build().unwrap(), |attempt| {
        failed(if attempt.number() == 1 { Class::Transient } else { Class::Permanent })
    })
    .await;
    assert_eq!(why(&outcome), Some(StopReason::Permanent));
    let outcome = run(&retry().build().unwrap(), |_| failed(Class::Permanent)).await;
    assert!(matches!(outcome, Err(Error::Operation { class: Class::Permanent, .. })));
}

#[tokio::test(start_paused = true)]
async fn a_classifier_of_errors_decides() {
    let by_error = |error: &&str| match *error {
        "flaky" => Class::Transient,
        _ => Class::Permanent,
    };
    let retry = Classified::new(retry().build().unwrap(), by_error);
    let calls = Cell::new(0);
    let outcome = retry
        .call(async || {
            calls.set(calls.get() + 1);
            Err::<u32, _>(if calls.get() < 2 { "flaky" } else { "broken" })
        })
        .await;
    assert_eq!((calls.get(), why(&outcome)), (2, Some(StopReason::Permanent)));
}

#[tokio::test(start_paused = true)]
async fn a_classifier_of_outcomes_repeats_an_ok_and_the_last_comes_back_as_it_is() {
    let recorder = Recorder::default();
    let retry = retry().build().unwrap();
    retry.listeners().add(recorder.clone());
    let classifier = ByOutcome(|outcome: Result<&u32, &&str>| match outcome {
        Ok(2..) => Class::Success,
        _ => Class::Transient,
    });
    let retry = Classified::new(retry, classifier);
    let calls = Cell::new(0);
    let count = async || {
        calls.set(calls.get() + 1);
        Ok::<_, &str>(calls.get())
    };
    assert_eq!(retry.call(count).await.unwrap(), 2);
    let zero = retry.call(async || Ok::<u32, &str>(0)).await.unwrap();
    assert_eq!(zero, 0, "what there is, though it is not what was hoped for");
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::GaveUp { .. })), 1);
}

#[tokio::test(start_paused = true)]
async fn a_predicate_on_the_attempt_can_end_the_call() {
    let may = |attempt: &Attempt, class: Class| attempt.number() < 2 && class == Class::Transient;
    let retry = retry().max_attempts(9).while_attempt(may).build().unwrap();
    let script = Script::<(), _>::new([Step::err("down")]);
    let error = retry.call(|| script.run()).await.unwrap_err();
    assert_eq!(script.started(), 2);
    assert_eq!(error.gave_up().unwrap().why, StopReason::Permanent);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_predicate_or_listener_is_contained() {
    let budget = Budget::builder().deposit(0.0).reserve(9.0).in_flight(1.0, 9).build().unwrap();
    let recorder = Recorder::default();
    let heard = retry().budget(&budget).build().unwrap();
    heard.listeners().add(|_: &Event| panic!("deaf"));
    let outcome = run(&heard, |_| failed(Class::Transient)).await;
    assert_eq!(why(&outcome), Some(StopReason::Attempts));
    assert!(heard.listeners().panics() > 0);
    let vetoed = retry().budget(&budget).while_attempt(|_, _| panic!("no answer")).build().unwrap();
    vetoed.listeners().add(recorder.clone());
    let outcome = run(&vetoed, |_| failed(Class::Transient)).await;
    assert!(matches!(outcome, Err(Error::Operation { .. })), "it counts as a no");
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::Panicked(_))), 1);
    let snapshot = budget.snapshot();
    assert_eq!((snapshot.calls_in_flight, snapshot.repetitions_in_flight), (Some(0), Some(0)));
    assert_eq!(snapshot.tokens, Some(7.0), "two repetitions");
}

#[tokio::test(start_paused = true)]
async fn what_our_own_policies_refuse_is_not_repeated_and_takes_no_budget() {
    let budget = Budget::builder().deposit(0.0).reserve(3.0).build().unwrap();
    let retry = retry().budget(&budget).build().unwrap();
    let calls = Cell::new(0);
    let outcome = run(&retry, |_| {
        calls.set(calls.get() + 1);
        open(Some(SECOND))
    })
    .await;
    assert!(matches!(outcome, Err(Error::Rejected(_))), "as it is: {outcome:?}");
    assert_eq!((calls.get(), budget.snapshot().tokens), (1, Some(3.0)));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_rejection_can_be_switched_on_and_takes_no_budget() {
    let budget = Budget::builder().deposit(0.0).reserve(3.0).build().unwrap();
    let retry = retry().budget(&budget).wait_for_rejections().build().unwrap();
    let start = Instant::now();
    let second =
        |attempt: Attempt| if attempt.number() == 1 { open(Some(7 * SECOND)) } else { Ok(1) };
    assert_eq!(run(&retry, second).await.unwrap(), 1);
    assert_eq!((start.elapsed(), budget.snapshot().tokens), (7 * SECOND, Some(3.0)));
    // Where nothing is known of when to come back there is nothing to wait for.
    let outcome = run(&retry, |_| open(None)).await;
    assert!(matches!(outcome, Err(Error::Rejected(_))));
    // Beyond the deadline it gives up at once and says so.
    let hasty = self::retry().wait_for_rejections().deadline(6 * SECOND).build().unwrap();
    let start = Instant::now();
    let outcome = run(&hasty, |_| open(Some(7 * SECOND))).await;
    assert_eq!((why(&outcome), start.elapsed()), (Some(StopReason::Deadline), Duration::ZERO));
    // A shutdown is not waited for.
    let gone = || Rejection::new("gate".into(), PolicyKind::Shutdown, Reason::ShuttingDown);
    let outcome = run(&retry, |_| Err(Error::from(gone().retry_in(SECOND)))).await;
    assert!(matches!(outcome, Err(Error::Rejected(_))));
}

#[tokio::test(start_paused = true)]
async fn what_a_server_asks_for_is_a_floor() {
    for (asked, own, waited) in [(5, 1, 5), (5, 9, 9), (0, 2, 2), (60, 1, 60)] {
        let retry = retry().backoff(own * SECOND).build().unwrap();
        let start = Instant::now();
        let outcome = run(&retry, |attempt| match attempt.number() {
            1 => overloaded(asked * SECOND),
            _ => Ok(1),
        });
        outcome.await.unwrap();
        assert_eq!(start.elapsed(), waited * SECOND, "asked {asked} s, own delay {own} s");
    }
}

#[tokio::test(start_paused = true)]
async fn those_that_were_given_the_same_hint_do_not_come_back_together() {
    let backoff = Backoff::exponential(SECOND).jitter(Jitter::Full);
    let mut waits = Vec::new();
    for seed in 0..20 {
        let retry = retry().backoff(backoff.clone()).random(Random::seeded(seed)).build().unwrap();
        let start = Instant::now();
        let outcome = run(&retry, |attempt| match attempt.number() {
            1 => overloaded(10 * SECOND),
            _ => Ok(1),
        });
        outcome.await.unwrap();
        waits.push(start.elapsed());
    }
    assert!(waits.iter().all(|wait| 10 * SECOND <= *wait && *wait <= 11 * SECOND), "{waits:?}");
    waits.sort();
    waits.dedup();
    assert!(waits.len() > 15, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hint_beyond_the_deadline_gives_up_at_once() {
    let retry = retry().deadline(10 * SECOND).build().unwrap();
    let start = Instant::now();
    let outcome = run(&retry, |_| overloaded(10 * SECOND)).await;
    assert_eq!((why(&outcome), start.elapsed()), (Some(StopReason::Deadline), Duration::ZERO));
    assert_eq!(outcome.unwrap_err().retry_after(), Some(10 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_handed_to_every_attempt_and_the_sooner_counts() {
    let left = RefCell::new(Vec::new());
    let retry = retry().backoff(SECOND).deadline(5 * SECOND).build().unwrap();
    let _ = run(&retry, |attempt| {
        left.borrow_mut().push(attempt.time_left().unwrap().as_secs());
        failed(Class::Transient)
    })
    .await;
    assert_eq!(*left.borrow(), [5, 4, 3]);
    left.borrow_mut().clear();
    let op = Scripted(|attempt: Attempt| {
        left.borrow_mut().push(attempt.time_left().unwrap().as_secs());
        failed(Class::Transient)
    });
    let outer = Attempt::first().due_by(Instant::now() + 2 * SECOND);
    let outcome = Lazy::new(retry.wrap(op)).with_attempt(outer).await;
    assert_eq!(*left.borrow(), [2, 1]);
    assert_eq!(why(&outcome), Some(StopReason::Deadline));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_no_clock_reaches_is_none() {
    let retry = retry().deadline(Duration::MAX).build().unwrap();
    let outcome = run(&retry, |_| failed(Class::Transient)).await;
    assert_eq!(why(&outcome), Some(StopReason::Attempts));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_wakes_a_sleeper_at_once_and_keeps_the_last_error() {
    let token = CancellationToken::new();
    let retry = retry().backoff(3_600 * SECOND).shutdown(token.clone()).build().unwrap();
    let start = Instant::now();
    let stop = async {
        tokio::time::sleep(SECOND).await;
        token.cancel();
    };
    let (outcome, ()) = tokio::join!(run(&retry, |_| failed(Class::Transient)), stop);
    assert_eq!((why(&outcome), start.elapsed()), (Some(StopReason::Shutdown), SECOND));
    assert_eq!(outcome.unwrap_err().operation(), Some(&"failed"));
    // From then on nothing is repeated at all.
    let calls = Cell::new(0);
    let outcome = run(&retry, |_| {
        calls.set(calls.get() + 1);
        failed(Class::Transient)
    })
    .await;
    assert_eq!((why(&outcome), calls.get()), (Some(StopReason::Shutdown), 1));
}

#[tokio::test(start_paused = true)]
async fn the_same_panic_again_and_again_stops_the_retries() {
    let retry = retry().max_attempts(9).max_same_panics(3).build().unwrap();
    let calls = Cell::new(0);
    let outcome = run(&retry, |_| {
        calls.set(calls.get() + 1);
        panicked("boom")
    })
    .await;
    assert_eq!((why(&outcome), calls.get()), (Some(StopReason::Poisoned), 3));
    // Others in between are others.
    let calls = Cell::new(0);
    let outcome = run(&retry, |attempt| {
        calls.set(calls.get() + 1);
        panicked(if attempt.number().is_multiple_of(3) { "bang" } else { "boom" })
    })
    .await;
    assert_eq!((why(&outcome), calls.get()), (Some(StopReason::Attempts), 9));
}

#[tokio::test(start_paused = true)]
async fn the_history_is_bounded_and_keeps_the_latest() {
    let count = Cell::new(0);
    let numbered = || {
        count.set(count.get() + 1);
        std::future::ready(Err::<(), _>(count.get()))
    };
    let backoff = Backoff::linear(SECOND, SECOND).jitter(Jitter::None);
    let retry = Retry::builder().idempotent().backoff(backoff);
    let retry = retry.max_attempts(6).history(3).build().unwrap();
    let error = retry.call(numbered).await.unwrap_err();
    let gave_up = error.gave_up().unwrap();
    assert_eq!(gave_up.delays, [3 * SECOND, 4 * SECOND, 5 * SECOND]);
    let kept: Vec<_> = gave_up.history.iter().filter_map(Error::operation).collect();
    assert_eq!(kept, [&3, &4, &5]);
    assert_eq!(gave_up.last.operation(), Some(&6));
    assert_eq!(Retry::builder().history(65).build().unwrap_err().field, "history");
}

#[tokio::test(start_paused = true)]
async fn state_is_kept_across_attempts() {
    let retry = retry().build().unwrap();
    let mut seen = Vec::new();
    let outcome = retry
        .call_with(|attempt| {
            seen.push(attempt.number());
            let so_far = seen.len();
            async move { if so_far < 3 { Err("not yet") } else { Ok(so_far) } }
        })
        .await;
    assert_eq!(outcome.unwrap(), 3);
    assert_eq!(seen, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_closure_has_the_retry_as_its_method() {
    let retry = retry().build().unwrap();
    let script = Script::new([Step::err("down"), Step::ok(7)]);
    assert_eq!((|| script.run()).retry(&retry).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_says_of_one_call_goes_before() {
    let bare = Retry::builder().backoff(Backoff::none()).build().unwrap();
    let safe = retry().build().unwrap();
    for (retry, said, attempts) in [(&bare, true, 3), (&safe, false, 1)] {
        let script = Script::<(), _>::new([Step::err("down")]);
        let op = FromFn::new(|| script.run(), &AllTransient);
        let attempt = Attempt::first().idempotent(said);
        let _ = Lazy::new(retry.wrap(op)).with_attempt(attempt).await;
        assert_eq!(script.started(), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_at_any_await_everything_stops_at_once() {
    let retry = retry().backoff(SECOND).build().unwrap();
    let script = Script::<(), _>::new([Step::after(SECOND, Err("down"))]);
    let awaits = at_every_await(
        || {
            let (script, retry) = (script.clone(), retry.clone());
            async move { retry.call(|| script.run()).await }
        },
        |_| assert_eq!(script.running(), 0),
    )
    .await;
    assert_eq!(awaits, 5, "three attempts and two waits");
}

#[tokio::test(start_paused = true)]
async fn the_attempt_is_dropped_before_the_wait_begins() {
    let retry = retry().backoff(SECOND).build().unwrap();
    let script = Script::<(), _>::new([Step::after(SECOND, Err("down"))]);
    let look = async {
        tokio::time::sleep(SECOND + SECOND / 2).await;
        assert_eq!((script.started(), script.running()), (1, 0));
    };
    let (_, ()) = tokio::join!(retry.call(|| script.run()), look);
}

#[tokio::test(start_paused = true)]
async fn a_pending_first_attempt_counts_from_its_start() {
    let retry = retry().max_attempts(2).build().unwrap();
    let script = Script::<(), _>::new([Step::after(SECOND, Err("down"))]);
    let error = retry.call(|| script.run()).await.unwrap_err();
    assert_eq!(error.gave_up().unwrap().elapsed, 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn decorrelated_delays_follow_from_those_before() {
    let recorder = Recorder::default();
    let backoff = Backoff::exponential(SECOND).max(600 * SECOND).jitter(Jitter::Decorrelated);
    let retry = retry().max_attempts(5).backoff(backoff).random(Random::highest()).build().unwrap();
    retry.listeners().add(recorder.clone());
    let _ = run(&retry, |_| failed(Class::Transient)).await;
    let delays = recorder.pick(|kind| match kind {
        EventKind::Retrying { delay, .. } => Some(delay.as_secs_f64().round()),
        _ => None,
    });
    assert_eq!(delays, [3.0, 9.0, 27.0, 81.0]);
}

#[test]
fn the_description_has_the_worst_case() {
    let describe = |builder: RetryBuilder, attempt: Option<Duration>| {
        let inner = Description::bare().with_longest(attempt);
        builder.build().unwrap().describe(inner)
    };
    let base = || retry().max_attempts(3).backoff(SECOND).max_retry_after(10 * SECOND);
    let described = describe(base(), Some(5 * SECOND));
    // Three attempts of 5 s, and twice a second of its own and ten that a server may ask for.
    assert_eq!(described.max_attempts(), Some(3));
    assert_eq!(described.longest(), Some(37 * SECOND));
    let text = described.to_string();
    assert!(text.contains("budget of 10 tokens and 0.2 a call"), "{text}");
    assert!(text.contains("at most 3 attempts per call"), "{text}");
    let within = describe(base().deadline(8 * SECOND), Some(5 * SECOND));
    assert_eq!(within.longest(), Some(13 * SECOND), "the last starts just before the deadline");
    assert_eq!(describe(base(), None).longest(), None);
    let unlimited = describe(base().unlimited_attempts(), Some(SECOND));
    assert_eq!((unlimited.max_attempts(), unlimited.longest()), (None, None));
    let twice = base().build().unwrap();
    let chain = Chain::new(&twice, &twice);
    assert_eq!(chain.describe(Description::bare()).max_attempts(), Some(9));
}

#[test]
fn what_makes_no_sense_is_refused_by_field() {
    for (field, builder) in [
        ("max_attempts", retry().max_attempts(0)),
        ("max_same_panics", retry().max_same_panics(0)),
        ("deadline", retry().deadline(Duration::ZERO)),
        ("max_retry_after", retry().max_retry_after(Duration::ZERO)),
        ("max", retry().backoff(Backoff::exponential(SECOND).max(SECOND / 2))),
        ("name", retry().name("x".repeat(257))),
    ] {
        assert_eq!(builder.build().unwrap_err().field, field);
    }
}

#[tokio::test]
async fn calls_can_be_spawned_and_a_retry_can_be_shared() {
    let retry = Arc::new(retry().build().unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (retry, calls) = (Arc::clone(&retry), Arc::clone(&calls));
            tokio::spawn(async move {
                let name = String::from("borrowed across the await");
                retry
                    .call(async || {
                        calls.fetch_add(name.len().min(1), Ordering::Relaxed);
                        tokio::task::yield_now().await;
                        Err::<(), _>("down")
                    })
                    .await
            })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().is_err());
    }
    assert_eq!(calls.load(Ordering::Relaxed), 12);
}

#[test]
fn a_future_that_has_nothing_to_wait_for_is_small() {
    let retry = retry().build().unwrap();
    let op = FromAttemptFn::new(|_| std::future::ready(Ok::<u32, &str>(1)), &AllTransient);
    let future = retry.wrap(op).start(Attempt::first());
    let own = size_of_val(&future) - size_of::<std::future::Ready<Result<u32, &str>>>();
    assert!(own <= 120, "{own} bytes");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_our_own_in_between_ends_the_call_and_keeps_the_failure_before_it() {
    let script = |attempt: Attempt| match attempt.number() {
        1 => Err(Error::operation_failed("first", Class::Transient)),
        2 => Err(Error::operation_failed("down", Class::Transient)),
        _ => open(None),
    };
    let waiting = || retry().max_attempts(5).backoff(SECOND);
    let error = run(&waiting().build().unwrap(), script).await.unwrap_err();
    assert_eq!(error.rejection().unwrap().reason(), Reason::Open);
    assert_eq!(error.class(), Class::Ignored);
    let text = error.to_string();
    assert!(text.contains("refused by one of our own policies"), "{text}");
    assert!(text.ends_with("before: down"), "{text}");
    let gave_up = error.gave_up().unwrap();
    assert_eq!((gave_up.why, gave_up.attempts), (StopReason::Rejected, 3));
    assert_eq!(gave_up.before.as_ref().unwrap().operation(), Some(&"down"));

    // Where a history is kept it is there, and not kept twice.
    let error = run(&waiting().history(4).build().unwrap(), script).await.unwrap_err();
    let gave_up = error.gave_up().unwrap();
    let history: Vec<_> = gave_up.history.iter().filter_map(Error::operation).collect();
    assert_eq!((gave_up.why, history), (StopReason::Rejected, vec![&"first", &"down"]));
    assert!(gave_up.before.is_none());

    // A refusal that is waited for does not take the place of what the dependency said.
    let patient = waiting().wait_for_rejections().build().unwrap();
    let outcome = run(&patient, |attempt| match attempt.number() {
        1 => failed(Class::Transient),
        2 => open(Some(SECOND)),
        _ => open(None),
    });
    let error = outcome.await.unwrap_err();
    let gave_up = error.gave_up().unwrap();
    assert_eq!((gave_up.why, gave_up.attempts), (StopReason::Rejected, 3));
    assert_eq!(gave_up.before.as_ref().unwrap().operation(), Some(&"failed"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_or_an_end_that_comes_of_a_shutdown_says_so_after_a_retry() {
    let refused = || {
        let rejection = Rejection::new("tasks".into(), PolicyKind::Shutdown, Reason::ShuttingDown);
        Err(Error::from(rejection))
    };
    let ends: [&dyn Fn() -> Outcome; 2] = [&refused, &|| failed(Class::Cancelled)];
    for end in ends {
        let outcome = run(&retry().build().unwrap(), |attempt| match attempt.number() {
            1 => failed(Class::Transient),
            _ => end(),
        })
        .await;
        assert_eq!(why(&outcome), Some(StopReason::Shutdown), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hint_that_is_as_long_as_what_was_drawn_changes_nothing() {
    let backoff = Backoff::from(SECOND).jitter(Jitter::Equal);
    let retry = retry().max_attempts(2).backoff(backoff).random(Random::lowest()).build().unwrap();
    let took = async |outcome: fn(Duration) -> Outcome, hint| {
        let start = Instant::now();
        let _ = run(&retry, |_| outcome(hint)).await;
        start.elapsed()
    };
    let drawn = took(|_| failed(Class::Transient), Duration::ZERO).await;
    assert_eq!(took(overloaded, drawn).await, drawn);
    let longer = drawn + Duration::from_millis(1);
    assert_eq!(took(overloaded, longer).await, longer + drawn);
}
