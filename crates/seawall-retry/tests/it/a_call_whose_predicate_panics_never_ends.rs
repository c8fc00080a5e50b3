//! Seen in resilience4j (resilience4j/resilience4j#2198: a predicate threw, and the promise that the
//! caller waited for was never completed).

use std::time::Duration;

use seawall_core::EventKind;
use seawall_retry::Retry;
use seawall_testkit::Recorder;
use tokio::time::timeout;

#[tokio::test(start_paused = true)]
async fn it_counts_as_a_no_and_the_call_ends() {
    let recorder = Recorder::default();
    let retry = Retry::builder().idempotent().backoff(Duration::from_secs(1));
    let retry = retry.while_attempt(|_, _| panic!("no answer")).build().unwrap();
    retry.listeners().add(recorder.clone());
    let call = retry.call(async || Err::<u32, _>("down"));
    let error = timeout(Duration::from_mins(1), call).await.expect("it ends").unwrap_err();
    assert_eq!(error.operation(), Some(&"down"));
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::Panicked(_))), 1);
}
