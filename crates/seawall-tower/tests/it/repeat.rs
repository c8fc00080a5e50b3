//! How requests are sent once more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seawall::{Attempt, Backoff, Hedge, Pipeline, Retry, StopReason};
use seawall_tower::{PipelineLayer, Repeat, RepeatBy};
use tower::{Layer, Service};

use crate::probe::{Probe, Upload};

fn retry(attempts: u32) -> seawall::retry::RetryBuilder {
    Retry::builder().idempotent().max_attempts(attempts).backoff(Backoff::none())
}

/// A request that counts its clones.
#[derive(Debug, Default)]
struct Counted(Arc<AtomicUsize>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(&self.0))
    }
}

impl From<Counted> for String {
    fn from(_: Counted) -> Self {
        "counted".to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_takes_the_request() {
    for (attempts, clones) in [(1, 0), (2, 1), (3, 2)] {
        let pipeline = Pipeline::builder("probe").retry(retry(attempts)).build().unwrap();
        let probe = Probe::new([Err("1"), Err("2"), Err("3")]);
        let log = probe.log();
        let request = Counted::default();
        let counted = Arc::clone(&request.0);
        let error = PipelineLayer::new(pipeline).layer(probe).call(request).await.unwrap_err();
        let gave_up = error.gave_up().map(|gave_up| (gave_up.attempts, gave_up.why));
        // A call that was never to be repeated ends as it is.
        let expected = (attempts > 1).then_some((attempts, StopReason::Attempts));
        assert_eq!(gave_up, expected);
        assert_eq!(counted.load(Ordering::SeqCst), clones);
        assert_eq!(log.lock().called, attempts as usize);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_does_not_repeat_takes_a_request_that_cant_be_cloned() {
    let pipeline = Pipeline::builder("probe")
        .timeout(Duration::from_secs(1))
        .breaker(seawall::Breaker::builder())
        .guard_panics()
        .build()
        .unwrap();
    let layer = PipelineLayer::new(pipeline);
    assert_eq!(layer.layer(Probe::default()).call(Upload("a")).await.unwrap(), 42);
    assert_eq!(layer.leaked().layer(Probe::default()).call(Upload("a")).await.unwrap(), 42);
}

#[tokio::test(start_paused = true)]
async fn a_function_copies_and_sees_the_attempt() {
    let numbers = Arc::new(AtomicUsize::new(0));
    let copy = {
        let numbers = Arc::clone(&numbers);
        move |upload: &Upload, attempt: &Attempt| {
            numbers.fetch_add(attempt.number() as usize, Ordering::SeqCst);
            Some(Upload(upload.0))
        }
    };
    let pipeline = Pipeline::builder("probe").retry(retry(3)).build().unwrap();
    let layer = PipelineLayer::new(pipeline).repeat(RepeatBy::new(copy));
    let probe = Probe::new([Err("1"), Err("2")]);
    assert_eq!(layer.layer(probe).call(Upload("a")).await.unwrap(), 42);
    assert_eq!(numbers.load(Ordering::SeqCst), 1 + 2);
}

#[tokio::test(start_paused = true)]
async fn what_cant_be_copied_is_sent_once() {
    let pipeline = Pipeline::builder("probe").retry(retry(3)).build().unwrap();
    let copy = RepeatBy::new(|_: &Upload, _: &Attempt| None);
    let probe = Probe::new([Err("1")]);
    let log = probe.log();
    let layer = PipelineLayer::new(pipeline).repeat(copy);
    let error = layer.layer(probe).call(Upload("a")).await.unwrap_err();
    assert_eq!(error.gave_up().map(|gave_up| gave_up.why), Some(StopReason::NotRepeatable));
    assert_eq!(log.lock().called, 1);
}

/// Says after the first attempt that nothing is left to be sent.
#[derive(Clone, Copy)]
struct Once;

impl Repeat<&'static str> for Once {
    fn copy(&self, request: &&'static str, _: &Attempt) -> Option<&'static str> {
        Some(request)
    }

    fn is_repeatable(&self, _: &&'static str) -> bool {
        false
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_whole_is_not_sent_again() {
    let pipeline = Pipeline::builder("probe").retry(retry(3)).build().unwrap();
    let probe = Probe::new([Err("1")]);
    let log = probe.log();
    let layer = PipelineLayer::new(pipeline).repeat(Once);
    let error = layer.layer(probe).call("a").await.unwrap_err();
    assert_eq!(error.gave_up().map(|gave_up| gave_up.why), Some(StopReason::NotRepeatable));
    assert_eq!(log.lock().called, 1);
}

#[tokio::test(start_paused = true)]
async fn a_hedge_sends_a_second_copy_at_the_same_time() {
    let hedge = Hedge::builder().max_attempts(2).delay(Duration::from_millis(50));
    let pipeline = Pipeline::builder("probe").hedge(hedge).build().unwrap();
    let started = Arc::new(AtomicUsize::new(0));
    let service = tower::service_fn({
        let started = Arc::clone(&started);
        move |request: String| {
            let number = started.fetch_add(1, Ordering::SeqCst);
            async move {
                if number == 0 {
                    std::future::pending::<()>().await;
                }
                Ok::<_, std::io::Error>(request)
            }
        }
    });
    let answer = PipelineLayer::new(pipeline).layer(service).call("a".to_owned()).await;
    assert_eq!(answer.unwrap(), "a");
    assert_eq!(started.load(Ordering::SeqCst), 2);
}
