//! A client of HTTP gives an `Ok` for each answer. Thirty times a 503 was thirty successes: not repeated,
//! not counted, and the circuit stayed closed.

use std::cell::Cell;
use std::future::{Ready, ready};
use std::io;
use std::time::Duration;

use seawall::{
    AdaptiveLimit, Backoff, BoxPipeline, Breaker, Budget, ByOutcome, CarriedOut, CircuitState,
    Class, Classify, Error, EventKind, Failed, Hedge, Pipeline, PolicyExt, Retry, StandardPipeline,
    StopReason, Throttle, Verdict,
};
use seawall_testkit::{Recorder, Script, Step};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// As a client of HTTP has it: neither `Clone` nor `Debug`.
struct Response(u16);

fn class_of(outcome: Result<&Response, &io::Error>) -> Class {
    match outcome {
        Ok(Response(429 | 503)) => Class::Overloaded { retry_after: None },
        Ok(Response(500..)) | Err(_) => Class::Transient,
        Ok(Response(400..)) => Class::Permanent,
        Ok(_) => Class::Success,
    }
}

/// Answers with each of these, and with the last for ever; 0 is a reset connection.
fn server<const N: usize>(
    answers: &[u16; N],
) -> impl FnMut() -> Ready<Result<Response, io::Error>> + use<N> {
    let (answers, mut next) = (*answers, 0);
    move || {
        let answer = answers[next.min(N - 1)];
        next += 1;
        ready(match answer {
            0 => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
            answer => Ok(Response(answer)),
        })
    }
}

fn status(outcome: Result<Response, Error<io::Error>>) -> u16 {
    outcome.map_or_else(|error| panic!("{error}"), |response| response.0)
}

fn retry() -> seawall::retry::RetryBuilder {
    Retry::builder().idempotent().backoff(Backoff::none()).without_budget()
}

#[tokio::test(start_paused = true)]
async fn thirty_of_them_are_repeated_and_open_the_circuit() {
    let recorder = Recorder::default();
    let pipeline = Pipeline::standard("inventory")
        .idempotent()
        .classify(ByOutcome(class_of))
        .breaker(|breaker| breaker)
        .listener(recorder.clone())
        .build()
        .unwrap();
    let sent = Cell::new(0);
    let mut answered = 0;
    for _ in 0..30 {
        let outcome = pipeline.call(|| {
            sent.set(sent.get() + 1);
            ready(Ok(Response(503)))
        });
        match outcome.await {
            Ok(Response(status)) => answered += u32::from(status == 503),
            Err(error) => assert!(error.rejection().is_some(), "{error}"),
        }
    }
    assert!(answered > 0 && answered < 30, "{answered} of 30 were sent");
    let breaker = pipeline.breaker().unwrap();
    assert_eq!(breaker.state(), CircuitState::Open);
    assert!(recorder.count(|kind| matches!(kind, EventKind::Retrying { .. })) > 0);
}

#[tokio::test(start_paused = true)]
async fn it_is_repeated_until_something_better_comes() {
    let recorder = Recorder::default();
    let pipeline = Pipeline::builder("inventory")
        .retry(retry())
        .classify(ByOutcome(class_of))
        .listener(recorder.clone())
        .build()
        .unwrap();
    assert_eq!(status(pipeline.call(server(&[503, 500, 200])).await), 200);
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::Retrying { .. })), 2);
    // Nothing better: the last as it is, and the event of a call that was given up.
    assert_eq!(status(pipeline.call(server(&[500, 502, 503])).await), 503);
    let ends = recorder.pick(|kind| match kind {
        EventKind::GaveUp { attempts, why, class, .. } => Some((*attempts, *why, *class)),
        _ => None,
    });
    let overloaded = Class::Overloaded { retry_after: None };
    assert_eq!(ends, [(3, StopReason::Attempts, overloaded)]);
    // What asking again does not change is not asked again, and is an `Ok`, too.
    assert_eq!(status(pipeline.call(server(&[404, 200])).await), 404);
    assert_eq!(status(pipeline.call(server(&[500, 404, 200])).await), 404);
    // An error stays one, with the answers before it left out.
    let error = pipeline.call(server(&[503, 500, 0])).await.err().unwrap();
    assert_eq!(error.operation().unwrap().kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(error.gave_up().unwrap().attempts, 3);
}

#[tokio::test(start_paused = true)]
async fn a_history_has_the_errors_and_their_delays_alone() {
    let pipeline = Pipeline::builder("inventory")
        .retry(retry().max_attempts(5).backoff(Backoff::from_fn(|n| n * SECOND)).history(9))
        .classify(ByOutcome(class_of))
        .build()
        .unwrap();
    let error = pipeline.call(server(&[0, 503, 0, 500, 0])).await.err().unwrap();
    let gave_up = error.gave_up().unwrap();
    assert_eq!((gave_up.attempts, gave_up.history.len()), (5, 2));
    assert_eq!(gave_up.delays, [SECOND, 3 * SECOND]);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_counts_it() {
    let breaker = Breaker::builder().consecutive_failures(3).tally().build().unwrap();
    let pipeline = Pipeline::builder("inventory")
        .breaker(breaker.clone())
        .classify(ByOutcome(class_of))
        .build()
        .unwrap();
    for answer in [500, 404, 503, 502, 500] {
        assert_eq!(status(pipeline.call(server(&[answer])).await), answer);
    }
    assert_eq!(breaker.state(), CircuitState::Open);
    let totals = breaker.snapshot().totals;
    assert_eq!((totals.successes, totals.failures), (Some(1), 4));
    let error = pipeline.call(server(&[200])).await.err().unwrap();
    assert!(error.rejection().is_some());
    // A handle alone, with the same classifier.
    breaker.reset();
    let classified = breaker.clone().classify(ByOutcome(class_of));
    for _ in 0..3 {
        assert_eq!(status(classified.call_once(async { Ok(Response(503)) }).await), 503);
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn limits_and_throttles_count_it() {
    let adaptive = AdaptiveLimit::builder().initial(8).build().unwrap();
    let throttle = Throttle::builder().build().unwrap();
    let pipeline = Pipeline::builder("inventory")
        .throttle(throttle.clone())
        .adaptive_limit(adaptive.clone())
        .classify(ByOutcome(class_of))
        .build()
        .unwrap();
    for _ in 0..5 {
        let slow = pipeline.call(async || {
            sleep(SECOND).await;
            Ok(Response(503))
        });
        assert_eq!(status(slow.await), 503);
    }
    assert!(adaptive.snapshot().limit < 8, "{:?}", adaptive.snapshot());
    assert_eq!(throttle.snapshot().accepts, 0, "{:?}", throttle.snapshot());
}

#[tokio::test(start_paused = true)]
async fn a_hedge_goes_on_after_it_and_gives_it_back_if_all_are_bad() {
    let hedge = Hedge::builder().delay(SECOND).max_attempts(3).without_budget().build().unwrap();
    let pipeline = Pipeline::builder("inventory")
        .hedge(hedge.clone())
        .classify(ByOutcome(class_of))
        .build()
        .unwrap();
    let began = Instant::now();
    assert_eq!(status(pipeline.call(server(&[500, 200])).await), 200);
    assert_eq!(status(pipeline.call(server(&[500, 502, 504])).await), 500, "the primary's");
    assert_eq!(began.elapsed(), Duration::ZERO);
    let error = pipeline.call(server(&[0, 502, 504])).await.err().unwrap();
    assert_eq!(error.gave_up().unwrap().history.len(), 0, "only errors are history");
    assert_eq!(error.carried_out(), CarriedOut::Maybe);
    // Alone.
    let classified = hedge.classify(ByOutcome(class_of));
    assert_eq!(status(classified.call(server(&[500, 502, 204])).await), 204);
}

#[tokio::test(start_paused = true)]
async fn a_total_timeout_and_a_deadline_leave_nothing_to_give_back() {
    let pipeline = Pipeline::builder("inventory")
        .timeout(10 * SECOND)
        .retry(retry().unlimited_attempts().backoff(Backoff::from(SECOND)))
        .classify(ByOutcome(class_of))
        .build()
        .unwrap();
    // The retry begins nothing that would be late, and gives the last answer back in time.
    let began = Instant::now();
    assert_eq!(status(pipeline.call(server(&[503])).await), 503);
    assert_eq!(began.elapsed(), 9 * SECOND);
    // Cut off in an attempt.
    let script = Script::<u16, io::ErrorKind>::new([Step::ok(503), Step::never()]);
    let call = async || script.run().await.map(Response).map_err(io::Error::from);
    let error = pipeline.call(call).await.err().unwrap();
    assert!(error.is_timeout(), "{error}");
}

/// A classifier with a name, for the field of a struct.
struct ByStatus;

impl Classify<Response, io::Error> for ByStatus {
    type Failure = Failed<Response, io::Error>;

    fn classify(&self, outcome: Result<&Response, &io::Error>) -> Verdict {
        class_of(outcome).into()
    }
}

type ByPointer = ByOutcome<fn(Result<&Response, &io::Error>) -> Class>;

struct Clients {
    by_type: StandardPipeline<ByStatus>,
    by_pointer: StandardPipeline<ByPointer>,
    boxed: BoxPipeline<Response, io::Error>,
}

#[tokio::test(start_paused = true)]
async fn in_a_struct_by_a_type_a_pointer_and_a_box_and_in_a_spawned_task() {
    let standard = || Pipeline::standard("inventory").idempotent();
    let clients = Clients {
        by_type: standard().classify(ByStatus).build().unwrap(),
        by_pointer: standard()
            .classify(ByOutcome(class_of as fn(Result<&_, &_>) -> _))
            .build()
            .unwrap(),
        boxed: standard().classify(ByOutcome(class_of)).build().unwrap().boxed(),
    };
    let task = tokio::spawn(async move {
        let server = || server(&[503, 0, 200]);
        (
            status(clients.by_type.call(server()).await),
            status(clients.by_pointer.call(server()).await),
            status(clients.boxed.call(server()).await),
        )
    });
    assert_eq!(task.await.unwrap(), (200, 200, 200));
}

#[tokio::test(start_paused = true)]
async fn a_budget_pays_for_its_repetition() {
    let budget = Budget::builder().deposit(0.0).refill_per_second(0.0).reserve(1.0);
    let budget = budget.build().unwrap();
    let pipeline = Pipeline::builder("inventory")
        .retry(Retry::builder().idempotent().backoff(Backoff::none()).budget(&budget))
        .classify(ByOutcome(class_of))
        .build()
        .unwrap();
    let sent = Cell::new(0);
    let mut answers = server(&[503]);
    let call = pipeline.call(|| {
        sent.set(sent.get() + 1);
        answers()
    });
    assert_eq!((status(call.await), sent.get()), (503, 2));
}
