//! What a call is given with its request, and what its attempts are given.

use std::fmt::Write;
use std::time::Duration;

use parking_lot::Mutex;
use seawall::{Attempt, Backoff, Deadline, Pipeline, PolicyKind, Retry};
use seawall_tower::{CallOptions, PipelineLayer};
use tower::{Layer, Service};

use crate::probe::Probe;

/// Takes the deadline from outside and writes the attempt's number and time into the request.
#[derive(Clone)]
struct Headers(Deadline);

impl CallOptions<String> for Headers {
    fn first_attempt(&self, _: &String) -> Attempt {
        self.0.attempt().idempotent(true)
    }

    fn prepare(&self, request: &mut String, attempt: &Attempt) {
        let left = attempt.time_left().unwrap();
        write!(request, " {} {left:?}", attempt.number()).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_prepared_when_it_starts() {
    let retry = Retry::builder().backoff(Backoff::constant(Duration::from_secs(1)));
    let pipeline = Pipeline::builder("probe").retry(retry).build().unwrap();
    let probe = Probe::new([Err("first"), Err("second")]);
    let log = probe.log();
    let options = Headers(Deadline::after(Duration::from_secs(10)));
    let layer = PipelineLayer::new(pipeline).options(options);
    layer.layer(probe).call("a".to_owned()).await.unwrap();
    // Each from the request itself, not from what an attempt before it made of it.
    assert_eq!(log.lock().requests, ["a 1 10s", "a 2 9s", "a 3 8s"]);
}

#[tokio::test(start_paused = true)]
async fn options_that_panic_are_an_error_and_nothing_is_sent() {
    fn broken(_: &&str) -> Attempt {
        panic!("planned: in the options")
    }
    let pipeline = || Pipeline::builder("probe").build().unwrap();
    let probe = Probe::default();
    let log = probe.log();
    let layer = PipelineLayer::new(pipeline()).options(broken);
    let boxed = layer.layer(probe.clone()).call("a").await.unwrap_err();
    let leaked = layer.leaked().layer(probe).call("a").await.unwrap_err();
    for error in [boxed, leaked] {
        let panicked = error.panicked().unwrap();
        assert_eq!((panicked.kind, panicked.policy.as_str()), (PolicyKind::Pipeline, "probe"));
    }
    assert_eq!(log.lock().called, 0);
}

#[tokio::test(start_paused = true)]
async fn options_are_read_once_a_call_when_it_is_first_polled() {
    static ASKED: Mutex<u32> = Mutex::new(0);
    let pipeline = Pipeline::builder("probe").build().unwrap();
    let layer = PipelineLayer::new(pipeline).options(|_: &&str| {
        *ASKED.lock() += 1;
        Attempt::first()
    });
    let call = layer.layer(Probe::default()).call("a");
    assert_eq!(*ASKED.lock(), 0);
    call.await.unwrap();
    assert_eq!(*ASKED.lock(), 1);
}
