//! Seen in resilience4j (resilience4j/resilience4j#687: a call whose last result was still not the
//! one that was waited for was counted and told as a success).

use seawall_core::{ByOutcome, Class, EventKind, PolicyExt, StopReason};
use seawall_retry::{Backoff, Retry};
use seawall_testkit::Recorder;

#[tokio::test(start_paused = true)]
async fn it_is_reported_as_given_up_and_the_last_result_comes_back() {
    let recorder = Recorder::default();
    let retry = Retry::builder().idempotent().backoff(Backoff::none());
    let retry = retry.build().unwrap();
    retry.listeners().add(recorder.clone());
    let retry = retry.classify(ByOutcome(|status: Result<&u32, &&str>| match status {
        Ok(503) | Err(_) => Class::Transient,
        Ok(_) => Class::Success,
    }));
    assert_eq!(retry.call(async || Ok::<_, &str>(503)).await.unwrap(), 503);
    let ends = recorder.pick(|kind| match kind {
        EventKind::GaveUp { attempts, why, class, .. } => Some((*attempts, *why, *class)),
        _ => None,
    });
    assert_eq!(ends, [(3, StopReason::Attempts, Class::Transient)]);
}
