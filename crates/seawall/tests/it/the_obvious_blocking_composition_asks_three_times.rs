//! `retry.call_blocking(|| breaker.call_blocking(query))` asked for a row that does not exist three times,
//! counted that as a failure of the database, repeated the breaker's refusals, and returned
//! `Error<Error<E>>`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use seawall::policy::Chain;
use seawall::shutdown::ShutdownGate;
use seawall::{
    Backoff, Breaker, Bulkhead, CircuitState, Class, Error, Pipeline, PolicyExt, RateLimit, Retry,
    StopReason,
};
use seawall_testkit::Recorder;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DbError {
    NoSuchRow(&'static str),
    Down,
}

fn class(error: &DbError) -> Class {
    match error {
        DbError::NoSuchRow(_) => Class::Permanent,
        DbError::Down => Class::Transient,
    }
}

fn retry() -> Retry {
    Retry::builder().idempotent().backoff(Backoff::none()).build().unwrap()
}

fn breaker() -> Breaker {
    Breaker::builder().consecutive_failures(3).build().unwrap()
}

/// What the user wanted to write, with a pipeline and by hand.
macro_rules! both {
    ($retry:expr, $breaker:expr, $operation:expr) => {{
        let pipeline = Pipeline::builder("rows").retry($retry.clone()).breaker($breaker.clone());
        let pipeline = pipeline.classify(class).build().unwrap();
        let by_hand = Chain::new(&$retry, &$breaker).classify(class);
        let outcomes: [Result<u32, Error<DbError>>; 2] =
            [pipeline.call_blocking($operation), by_hand.call_blocking($operation)];
        outcomes
    }};
}

#[test]
fn no_such_row_is_asked_once_and_is_no_failure() {
    let (retry, breaker, asked) = (retry(), breaker(), AtomicU32::new(0));
    let outcomes = both!(retry, breaker, || {
        asked.fetch_add(1, Ordering::Relaxed);
        Err(DbError::NoSuchRow("key"))
    });
    for outcome in outcomes {
        let error = outcome.unwrap_err();
        assert!(
            matches!(error, Error::Operation { error: DbError::NoSuchRow(_), .. }),
            "{error:?}"
        );
        assert_eq!(error.class(), Class::Permanent);
    }
    assert_eq!(asked.into_inner(), 2, "once each");
    assert_eq!(breaker.snapshot().totals.failures, 0);
}

#[test]
fn what_the_breaker_refuses_is_not_repeated() {
    let (retry, breaker) = (retry(), breaker());
    let recorder = Recorder::default();
    retry.listeners().add(recorder.clone());
    breaker.force_open();
    for outcome in both!(retry, breaker, || unreachable!("refused")) {
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::Rejected(_)), "{error:?}");
    }
    recorder.assert_kinds(&[]);
}

#[test]
fn what_may_pass_is_repeated_and_counted() {
    let (retry, breaker) = (retry(), breaker());
    let down = || Err(DbError::Down);
    let [first, second] = both!(retry, breaker, down);
    let error = first.unwrap_err();
    let gave_up = error.gave_up().expect("three attempts");
    assert_eq!((gave_up.attempts, gave_up.why), (3, StopReason::Attempts));
    assert_eq!(error.operation(), Some(&DbError::Down));
    assert_eq!(breaker.state(), CircuitState::Open);
    assert!(second.unwrap_err().rejection().is_some());
}

#[test]
fn it_runs_on_the_callers_thread_and_needs_no_runtime() {
    let pipeline = Pipeline::standard("rows").idempotent().classify(class).build().unwrap();
    let this = thread::current().id();
    let mut asked = 0;
    let outcome = pipeline.call_blocking(|| {
        assert_eq!(thread::current().id(), this);
        asked += 1;
        // The default backoff waits, by the clock of the thread.
        if asked < 3 { Err(DbError::Down) } else { Ok(asked) }
    });
    assert_eq!(outcome.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_runtime_that_is_there_is_ignored() {
    let retry = Retry::builder().idempotent().backoff(Duration::from_millis(5));
    let pipeline = Pipeline::builder("rows").retry(retry).build().unwrap();
    let mut asked = 0;
    let outcome = pipeline.call_blocking(|| {
        asked += 1;
        if asked < 3 { Err("down") } else { Ok(asked) }
    });
    assert_eq!(outcome.unwrap(), 3);
}

#[test]
fn a_pipeline_inside_of_an_operation_may_be_async() {
    let pipeline = |name: &str| {
        let retry = Retry::builder().idempotent().backoff(Duration::from_millis(1));
        Pipeline::builder(name).timeout(Duration::from_secs(9)).retry(retry).build().unwrap()
    };
    let (outer, inner) = (pipeline("outer"), pipeline("inner"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let error = outer
        .call_blocking(|| runtime.block_on(inner.call(async || Err::<(), _>("down"))))
        .unwrap_err();
    assert_eq!(error.gave_up().unwrap().attempts, 3);
    assert_eq!(error.flatten().operation(), Some(&"down"));
}

/// The time that an attempt takes: a thread can't be interrupted, so it is time of the clock.
const WORK: Duration = Duration::from_millis(30);

#[test]
fn a_timeout_is_looked_at_between_attempts() {
    let pipeline = || Pipeline::builder("rows").timeout(WORK / 2);
    let mut asked = 0;
    let error = pipeline()
        .retry(retry())
        .build()
        .unwrap()
        .call_blocking(|| {
            asked += 1;
            thread::sleep(WORK);
            Err::<(), _>("down")
        })
        .unwrap_err();
    assert_eq!(asked, 1);
    assert!(error.is_timeout(), "{error}");
    // What is there when the time is over is an outcome.
    let late = pipeline().build().unwrap().call_blocking(|| {
        thread::sleep(WORK);
        Ok::<_, &str>(42)
    });
    assert_eq!(late.unwrap(), 42);
    // An attempt that has too little time is not begun.
    let backoff = Retry::builder().idempotent().backoff(Duration::from_hours(1));
    let start = Instant::now();
    let call = pipeline().retry(backoff).build().unwrap();
    let error = call.call_blocking(|| Err::<(), _>("down")).unwrap_err();
    assert_eq!(error.gave_up().unwrap().why, StopReason::Deadline);
    assert!(start.elapsed() < Duration::from_mins(1));
}

#[test]
fn an_attempt_counts_as_in_flight_while_it_blocks() {
    let bulkhead = Bulkhead::builder().limit(1).build().unwrap();
    let pipeline = Pipeline::builder("rows").layer(bulkhead.clone()).build().unwrap();
    let seen = pipeline.call_blocking(|| Ok::<_, &str>(bulkhead.snapshot().in_flight));
    assert_eq!((seen.unwrap(), bulkhead.snapshot().in_flight), (1, 0));
}

#[test]
fn a_caller_waits_its_turn() {
    let bulkhead = Bulkhead::builder().limit(1).queue(9, Duration::from_mins(1)).build().unwrap();
    let rate = RateLimit::builder().per_second(1_000).burst(1).queue(9, Duration::from_mins(1));
    let pipeline = Pipeline::builder("rows").layer(bulkhead.clone()).rate_limit(rate);
    let pipeline = pipeline.build().unwrap();
    let permit = bulkhead.try_acquire_owned().unwrap();
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| pipeline.call_blocking(|| Ok::<_, &str>(42)).unwrap()))
            .collect();
        while bulkhead.snapshot().queued < 3 {
            thread::yield_now();
        }
        drop(permit);
        for thread in waiting {
            assert_eq!(thread.join().unwrap(), 42);
        }
    });
}

#[test]
fn a_panic_is_caught_or_gives_back_what_the_call_held() {
    let boom = || -> Result<(), &str> { panic!("on purpose") };
    let pipeline = Pipeline::builder("rows").guard_panics().build().unwrap();
    assert!(pipeline.call_blocking(boom).unwrap_err().panicked().is_some());
    let bulkhead = Bulkhead::builder().limit(1).build().unwrap();
    let bare = Pipeline::builder("rows").layer(bulkhead.clone()).build().unwrap();
    let call = std::panic::AssertUnwindSafe(|| bare.call_blocking(boom));
    assert!(std::panic::catch_unwind(call).is_err());
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}

#[test]
fn a_shutdown_ends_the_wait() {
    let token = tokio_util::sync::CancellationToken::new();
    let backoff = Retry::builder().idempotent().backoff(Duration::from_hours(1));
    let pipeline = Pipeline::builder("rows").retry(backoff).shutdown_token(token.clone());
    let pipeline = pipeline.build().unwrap();
    let error = pipeline
        .call_blocking(|| {
            token.cancel();
            Err::<(), _>("down")
        })
        .unwrap_err();
    assert_eq!(error.operation(), Some(&"down"));
    let refused = pipeline.call_blocking(|| Ok::<_, &str>(())).unwrap_err();
    assert!(refused.rejection().is_some());
    let gate = ShutdownGate::builder().shutdown(token).build().unwrap();
    assert!(gate.classify(class).call_blocking(|| Ok(42)).is_err());
}

#[test]
fn options_are_those_of_a_call_that_is_blocked_on() {
    let pipeline = Pipeline::standard("rows").build().unwrap();
    let asked = AtomicU32::new(0);
    let ask = async || {
        asked.fetch_add(1, Ordering::Relaxed);
        Err::<(), _>("down")
    };
    let error = pipeline.call(&ask).idempotent(true).block().unwrap_err();
    assert_eq!((error.gave_up().unwrap().attempts, asked.load(Ordering::Relaxed)), (3, 3));
    let soon = tokio::time::Instant::now() + Duration::from_millis(1);
    let hangs = || std::future::pending::<Result<(), &str>>();
    assert!(pipeline.call(hangs).deadline(soon).block().unwrap_err().is_timeout());
}

/// Both forms of a call, over outcomes that fail in every way.
#[test]
fn attempts_and_events_are_those_of_the_async_form() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let scripts: [&[Result<u32, DbError>]; 5] = [
        &[Ok(1)],
        &[Err(DbError::Down), Ok(2)],
        &[Err(DbError::Down), Err(DbError::NoSuchRow("key")), Ok(3)],
        &[Err(DbError::Down); 5],
        &[Err(DbError::NoSuchRow("key"))],
    ];
    for script in scripts {
        let run = |blocking: bool| {
            let recorder = Recorder::default();
            let retry = Retry::builder().idempotent().backoff(Backoff::none()).max_attempts(4);
            let pipeline = Pipeline::builder("rows")
                .timeout(Duration::from_mins(1))
                .retry(retry)
                .breaker(Breaker::builder().consecutive_failures(3))
                .attempt_timeout(Duration::from_secs(30))
                .bulkhead(1)
                .guard_panics()
                .classify(class)
                .listener(recorder.clone())
                .build()
                .unwrap();
            let mut steps = script.iter().copied().cycle();
            let outcome = if blocking {
                pipeline.call_blocking(|| steps.next().unwrap())
            } else {
                runtime.block_on(pipeline.call(|| std::future::ready(steps.next().unwrap())))
            };
            let shown = outcome.map_err(|error| (error.class(), error.gave_up().map(|it| it.why)));
            (shown, recorder.kinds())
        };
        assert_eq!(run(true), run(false), "{script:?}");
    }
}
