//! What a retry promises of its delays, of what it repeats and of its end, where one example is not
//! enough to believe it.

use std::cell::Cell;
use std::task::{Context, Waker};
use std::time::Duration;

use seawall_core::{
    Attempt, Backoff, Class, Error, Event, EventKind, Jitter, Lazy, PanicReport, Panicked, Policy,
    PolicyExt, PolicyKind, Random, Reason, Rejection, StopReason, contain,
};
use seawall_retry::{Budget, Retry, RetryBuilder};
use seawall_testkit::{Recorder, Script, Step};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::scripted::{Outcome, Scripted};

type Each = Box<dyn FnMut(u32) -> Outcome>;

const SECOND: Duration = Duration::from_secs(1);

fn retry() -> RetryBuilder {
    Retry::builder().idempotent().backoff(Backoff::none())
}

async fn run(retry: &Retry, mut each: impl FnMut(u32) -> Outcome) -> Outcome {
    Lazy::new(retry.wrap(Scripted(|attempt: Attempt| each(attempt.number())))).await
}

fn down() -> Outcome {
    Err(Error::operation_failed("down", Class::Transient))
}

/// The delays of a call that is never successful.
async fn delays(retry: &Retry) -> Vec<Duration> {
    let recorder = Recorder::default();
    retry.listeners().add(recorder.clone());
    let _ = run(retry, |_| down()).await;
    recorder.pick(|kind| match kind {
        EventKind::Retrying { delay, .. } => Some(*delay),
        _ => None,
    })
}

#[tokio::test(start_paused = true)]
async fn two_retries_that_are_built_alike_and_two_calls_of_one_draw_different_delays() {
    let build = || Retry::builder().idempotent().max_attempts(5).without_budget().build().unwrap();
    let (one, other) = (build(), build());
    let drawn = [delays(&one).await, delays(&one).await, delays(&other).await];
    assert_ne!(drawn[0], drawn[2], "two retries");
    assert_ne!(drawn[0], drawn[1], "two calls");
}

#[tokio::test(start_paused = true)]
async fn at_saturation_delays_stay_below_the_maximum_and_spread_over_a_quarter_of_it_at_least() {
    for (jitter, nominal) in [
        (Jitter::Full, 100.0),
        (Jitter::Equal, 50.0),
        (Jitter::Proportional(0.5), 100.0),
        (Jitter::Decorrelated, 290.0),
    ] {
        const MAX: Duration = Duration::from_millis(100);
        let backoff = Backoff::exponential(MAX / 10).max(MAX).jitter(jitter);
        let retry = retry().max_attempts(2_000).without_budget().backoff(backoff);
        let retry = retry.random(Random::seeded(7)).build().unwrap();
        let mut drawn = delays(&retry).await;
        let mut drawn = drawn.split_off(100);
        drawn.sort();
        let (least, most) = (drawn[0], drawn[drawn.len() - 1]);
        assert!(most < MAX, "{jitter}: {most:?}");
        let spread = most.abs_diff(least).as_secs_f64() * 1e3;
        assert!(spread >= nominal / 4.0, "{jitter}: {spread} ms");
        drawn.dedup();
        assert!(drawn.len() > 1_800, "{jitter}: the same delays again and again");
    }
}

#[tokio::test(start_paused = true)]
async fn no_refusal_of_our_own_is_repeated_or_paid_for() {
    use {PolicyKind as Kind, Reason as Why};
    for (kind, reason) in [
        (Kind::Breaker, Why::Open),
        (Kind::Breaker, Why::ProbesInFlight),
        (Kind::Breaker, Why::Ramping),
        (Kind::Breaker, Why::ForcedOpen),
        (Kind::Bulkhead, Why::Full),
        (Kind::Bulkhead, Why::QueueFull),
        (Kind::Bulkhead, Why::WaitedTooLong),
        (Kind::Bulkhead, Why::DeadlineTooNear),
        (Kind::RateLimit, Why::RateLimited),
        (Kind::AdaptiveLimit, Why::Full),
        (Kind::Throttle, Why::Shed),
        (Kind::Shutdown, Why::ShuttingDown),
    ] {
        let budget =
            Budget::builder().refill_per_second(0.0).deposit(0.0).reserve(3.0).build().unwrap();
        let retry = retry().budget(&budget).build().unwrap();
        let attempts = Cell::new(0);
        let outcome = run(&retry, |number| {
            attempts.set(number);
            Err(Error::from(Rejection::new("inner".into(), kind, reason).retry_in(SECOND)))
        });
        let error = outcome.await.unwrap_err();
        assert!(matches!(error, Error::Rejected(_)), "{reason:?}: {error}");
        let snapshot = budget.snapshot();
        assert_eq!((attempts.get(), snapshot.granted, snapshot.refused), (1, 0, 0), "{reason:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_words_from_another_place_are_another_panic() {
    let panicked = |message: &str, location: &str| -> Outcome {
        let mut report = seawall_core::contain(|| panic!("{message}")).unwrap_err();
        report.location = Some(location.into());
        let report: PanicReport = report;
        Err(Error::from(Panicked::new("guard".into(), report)))
    };
    let retry = retry().max_attempts(6).max_same_panics(2).build().unwrap();
    let attempts = async |place: fn(u32) -> &'static str| {
        let attempts = Cell::new(0);
        let outcome = run(&retry, |number| {
            attempts.set(number);
            panicked("index out of bounds", place(number))
        });
        let why = outcome.await.unwrap_err().gave_up().unwrap().why;
        (attempts.get(), why)
    };
    assert_eq!(attempts(|_| "a.rs:1:1").await, (2, StopReason::Poisoned));
    let turns: fn(u32) -> _ = |number| if number % 2 == 0 { "a.rs:1:1" } else { "b.rs:1:1" };
    assert_eq!(attempts(turns).await, (6, StopReason::Attempts));
}

#[tokio::test(start_paused = true)]
async fn whatever_of_the_users_panics_the_budget_stays_balanced() {
    fn balanced(budget: &Budget, spent: u32) {
        let snapshot = budget.snapshot();
        let in_flight = (snapshot.calls_in_flight, snapshot.repetitions_in_flight);
        assert_eq!(in_flight, (Some(0), Some(0)));
        assert_eq!(snapshot.tokens, Some(f64::from(9 - spent)));
    }
    let budget = || {
        Budget::builder()
            .refill_per_second(0.0)
            .deposit(0.0)
            .reserve(9.0)
            .in_flight(1.0, 9)
            .build()
            .unwrap()
    };
    // A panic of the classifier is one of the operation.
    let paid = budget();
    let classifier = |_: &&str| -> Class { panic!("no class") };
    let errors = retry().budget(&paid).build().unwrap().classify(classifier);
    let script = Script::<(), _>::new([Step::err("down")]);
    let mut call = Box::pin(errors.call(|| script.run()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(contain(|| call.as_mut().poll(&mut cx).is_ready()).is_err());
    drop(call);
    balanced(&paid, 0);
    // The maximum is waited for.
    let paid = budget();
    let backoff = Backoff::from_fn(|_| panic!("no delay")).max(SECOND);
    let delays = retry().budget(&paid).backoff(backoff).build().unwrap();
    let start = Instant::now();
    let _ = run(&delays, |_| down()).await.unwrap_err();
    assert_eq!(start.elapsed(), 2 * SECOND);
    balanced(&paid, 2);
    // Listeners of the budget, too.
    let deaf = Retry::builder().idempotent().backoff(Backoff::none()).own_budget(
        Budget::builder().refill_per_second(0.0).deposit(0.0).reserve(1.0).in_flight(1.0, 1),
    );
    let deaf = deaf.build().unwrap();
    deaf.listeners().add(|_: &Event| panic!("deaf"));
    let error = run(&deaf, |_| down()).await.unwrap_err();
    assert_eq!(error.gave_up().unwrap().why, StopReason::Budget);
    assert_eq!(deaf.budget().unwrap().snapshot().repetitions_in_flight, Some(0));
    assert!(deaf.listeners().panics() >= 2);
}

#[tokio::test(start_paused = true)]
async fn the_end_says_why_after_how_many_attempts_how_long_and_with_what() {
    let waiting = || retry().max_attempts(3).backoff(SECOND);
    let token = CancellationToken::new();
    let empty = Budget::builder().refill_per_second(0.0).deposit(0.0).reserve(1.0).build().unwrap();
    let permanent = || -> Outcome { Err(Error::operation_failed("gone", Class::Permanent)) };
    let cases: [(RetryBuilder, Each, StopReason, u32, u32, &str); 5] = [
        (waiting(), Box::new(|_| down()), StopReason::Attempts, 3, 2, "down"),
        (waiting().deadline(2 * SECOND), Box::new(|_| down()), StopReason::Deadline, 2, 1, "down"),
        (waiting().budget(&empty), Box::new(|_| down()), StopReason::Budget, 2, 1, "down"),
        (
            waiting(),
            Box::new(move |number| if number == 1 { down() } else { permanent() }),
            StopReason::Permanent,
            2,
            1,
            "gone",
        ),
        (
            waiting().shutdown(token.clone()),
            Box::new(move |number| {
                if number == 2 {
                    token.cancel();
                }
                down()
            }),
            StopReason::Shutdown,
            2,
            1,
            "down",
        ),
    ];
    for (builder, each, why, attempts, seconds, last) in cases {
        let recorder = Recorder::default();
        let retry = builder.name("orders").history(8).build().unwrap();
        retry.listeners().add(recorder.clone());
        let error = run(&retry, each).await.unwrap_err();
        assert_eq!(error.operation(), Some(&last), "{why:?}");
        let gave_up = error.gave_up().unwrap();
        assert_eq!((gave_up.why, gave_up.attempts), (why, attempts));
        assert_eq!(gave_up.elapsed, seconds * SECOND, "{why:?}");
        assert_eq!(gave_up.history.len(), attempts as usize - 1, "{why:?}");
        assert_eq!(gave_up.policy.as_str(), "orders");
        let told = recorder.count(|kind| {
            matches!(kind, EventKind::GaveUp { attempts: told, why: because, .. }
                if (*told, *because) == (attempts, why))
        });
        assert_eq!(told, 1, "{why:?}");
    }
}

/// The blocking form against the other, attempt by attempt.
#[tokio::test(start_paused = true)]
async fn the_blocking_form_does_what_the_other_does() {
    let builders: [fn() -> RetryBuilder; 7] = [
        retry,
        || retry().max_attempts(1),
        || retry().max_attempts(7).history(3),
        || retry().while_attempt(|attempt, _| attempt.number() < 2),
        || Retry::builder().backoff(Backoff::none()),
        || {
            retry()
                .max_attempts(5)
                .own_budget(Budget::builder().refill_per_second(0.0).deposit(0.0).reserve(2.0))
        },
        || retry().max_attempts(5).deadline(SECOND).backoff(SECOND),
    ];
    for successful in [1, 2, 3, 4, 99] {
        for build in builders {
            let (here, there) = (build().build().unwrap(), build().build().unwrap());
            let (one, other) = (Recorder::default(), Recorder::default());
            here.listeners().add(one.clone());
            there.listeners().add(other.clone());
            let outcome = |number| if number < successful { Err("down") } else { Ok(number) };
            let asynchronous = here.call_with(async |it| outcome(it.number())).await;
            let blocking = there.call_blocking_with(|it| outcome(it.number()));
            assert_eq!(format!("{asynchronous:?}"), format!("{blocking:?}"));
            let told = |recorder: &Recorder| -> Vec<_> {
                recorder.events().iter().map(|event| event.kind.to_string()).collect()
            };
            assert_eq!(told(&one), told(&other));
            let budgets = [&here, &there].map(|retry| retry.budget().unwrap().snapshot());
            assert_eq!(budgets[0], budgets[1]);
        }
    }
}
