//! Seen in resilience4j (resilience4j/resilience4j#1855 and #2368: interrupted while it waited because
//! of a result, with no error before it, the retry failed with a null pointer of its own).

use std::time::Duration;

use seawall_core::{ByOutcome, Class, EventKind, PolicyExt, StopReason};
use seawall_retry::Retry;
use seawall_testkit::Recorder;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

#[tokio::test(start_paused = true)]
async fn the_result_that_was_not_good_enough_comes_back_at_once() {
    let (recorder, token) = (Recorder::default(), CancellationToken::new());
    let retry = Retry::builder().idempotent().backoff(Duration::from_hours(1));
    let retry = retry.shutdown(token.clone()).build().unwrap();
    retry.listeners().add(recorder.clone());
    let retry = retry.classify(ByOutcome(|files: Result<&Vec<u32>, &&str>| match files {
        Ok(files) if !files.is_empty() => Class::Success,
        _ => Class::Transient,
    }));
    let start = Instant::now();
    let stop = async {
        sleep(Duration::from_secs(1)).await;
        token.cancel();
    };
    let call = retry.call(async || Ok::<Vec<u32>, &str>(Vec::new()));
    let (files, ()) = tokio::join!(call, stop);
    assert_eq!((files.unwrap(), start.elapsed()), (Vec::new(), Duration::from_secs(1)));
    let shutdown =
        |kind: &EventKind| matches!(kind, EventKind::GaveUp { why: StopReason::Shutdown, .. });
    assert_eq!(recorder.count(shutdown), 1);
}
