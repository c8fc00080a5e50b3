//! Calls and attempts by outcome.

use std::cell::Cell;
use std::future::pending;
use std::time::Duration;

use seawall::{Breaker, Class, Pipeline, Retry};
use seawall_telemetry::instrument::{ATTEMPTS, CALLS};
use seawall_telemetry::{Instrument, Metrics, Outcome, Value};
use seawall_testkit::{at_every_await, drop_after};

fn totals(metrics: &Metrics, of: &'static Instrument) -> Vec<(Outcome, u64)> {
    let reading = metrics.read();
    let total = |outcome: Outcome| match reading.get(of, &["stock", outcome.as_str()]) {
        Some(Value::Count(total)) => *total,
        other => panic!("{outcome:?}: {other:?}"),
    };
    Outcome::ALL.map(|it| (it, total(it))).into_iter().filter(|it| it.1 > 0).collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_counts_once_and_each_of_its_attempts() {
    let metrics = Metrics::default();
    let pipeline = Pipeline::builder("stock").retry(Retry::builder().idempotent().max_attempts(3));
    let pipeline = metrics.measure(pipeline.build().unwrap()).unwrap();
    let mut left = 2;
    let answer = pipeline.call(|| {
        left -= 1;
        async move { if left >= 0 { Err("busy") } else { Ok(()) } }
    });
    answer.await.unwrap();
    assert_eq!(totals(&metrics, &CALLS), [(Outcome::Success, 1)]);
    assert_eq!(totals(&metrics, &ATTEMPTS), [(Outcome::Success, 1), (Outcome::Transient, 2)]);
}

#[tokio::test(start_paused = true)]
async fn every_outcome_has_its_word() {
    let metrics = Metrics::default();
    let breaker = Breaker::builder().build().unwrap();
    let pipeline = Pipeline::builder("stock")
        .timeout(Duration::from_secs(1))
        .breaker(breaker.clone())
        .guard_panics()
        .classify(|class: &Class| *class)
        .build();
    let pipeline = metrics.measure(pipeline.unwrap()).unwrap();
    let classes = [
        Class::Transient,
        Class::Overloaded { retry_after: None },
        Class::Permanent,
        Class::Ignored,
        Class::Cancelled,
    ];
    for class in classes {
        let _ = pipeline.call(async || Err::<(), _>(class)).await;
    }
    let _ = pipeline.call(async || Ok::<_, Class>(())).await;
    let _ =
        pipeline.call(async || if true { panic!("it breaks") } else { Ok::<(), Class>(()) }).await;
    let _ = pipeline.call(async || pending::<Result<(), Class>>().await).await;
    breaker.force_open();
    let _ = pipeline.call(async || Ok::<_, Class>(())).await;
    breaker.release();
    drop_after(1, pipeline.call(async || pending::<Result<(), Class>>().await)).await;
    let all = Outcome::ALL.map(|it| (it, 1));
    assert_eq!(totals(&metrics, &CALLS), all);
    // The refused call made no attempt; the one that timed out was abandoned by the timeout.
    let attempts = totals(&metrics, &ATTEMPTS);
    let of = |outcome| attempts.iter().find(|it| it.0 == outcome).map_or(0, |it| it.1);
    assert_eq!((of(Outcome::Refused), of(Outcome::Abandoned), of(Outcome::Panicked)), (0, 2, 1));
    assert_eq!(attempts.iter().map(|it| it.1).sum::<u64>(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_dropped_at_any_await_is_counted_once_as_abandoned() {
    let metrics = Metrics::default();
    let pipeline = Pipeline::builder("stock").retry(Retry::builder().idempotent()).guard_panics();
    let pipeline = metrics.measure(pipeline.build().unwrap()).unwrap();
    let made = Cell::new(0);
    at_every_await(
        || async {
            made.set(made.get() + 1);
            let mut failures = 2;
            let call = pipeline.call(|| {
                failures -= 1;
                async move {
                    tokio::task::yield_now().await;
                    tokio::task::yield_now().await;
                    if failures >= 0 { Err("busy") } else { Ok(()) }
                }
            });
            call.await.unwrap();
        },
        |_| {},
    )
    .await;
    let calls = totals(&metrics, &CALLS);
    assert_eq!(calls.iter().map(|it| it.1).sum::<u64>(), made.get(), "{calls:?}");
    assert!(calls.iter().all(|it| matches!(it.0, Outcome::Success | Outcome::Abandoned)));
}

#[tokio::test]
async fn a_panic_without_a_guard_counts_as_one() {
    let metrics = Metrics::default();
    let pipeline = metrics.measure(Pipeline::builder("stock").build().unwrap()).unwrap();
    let task = tokio::spawn(async move {
        let _ =
            pipeline.call(async || if true { panic!("it breaks") } else { Ok::<(), ()>(()) }).await;
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(totals(&metrics, &CALLS), [(Outcome::Panicked, 1)]);
    assert_eq!(totals(&metrics, &ATTEMPTS), [(Outcome::Panicked, 1)]);
}

#[test]
fn a_call_that_blocks_its_thread_counts_too() {
    let metrics = Metrics::default();
    let pipeline = metrics.measure(Pipeline::standard("stock").build().unwrap()).unwrap();
    pipeline.call_blocking(|| Ok::<_, ()>(())).unwrap();
    assert_eq!(totals(&metrics, &CALLS), [(Outcome::Success, 1)]);
    assert_eq!(totals(&metrics, &ATTEMPTS), [(Outcome::Success, 1)]);
}
