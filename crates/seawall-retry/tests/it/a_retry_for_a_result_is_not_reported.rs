//! Seen in resilience4j (resilience4j/resilience4j#978 and #1761: retries that followed from a result
//! instead of an error were told by the blocking form only).

use std::time::Duration;

use seawall_core::EventKind;
use seawall_retry::Retry;
use seawall_testkit::Recorder;

#[tokio::test(start_paused = true)]
async fn both_forms_tell_of_it() {
    let recorder = Recorder::default();
    let retry = Retry::builder().idempotent().max_attempts(5).backoff(Duration::from_millis(1));
    let retry = retry.when_ok(|answer: &u32| *answer < 3).build().unwrap();
    retry.listeners().add(recorder.clone());
    let told = || {
        let told = recorder.pick(|kind| match kind {
            EventKind::Retrying { attempt, .. } => Some(*attempt),
            _ => None,
        });
        recorder.take();
        told
    };
    let mut answers = 1..;
    let answer = retry.call(|| std::future::ready(answers.next().ok_or("no more"))).await;
    assert_eq!((answer.unwrap(), told()), (3, vec![1, 2]));
    let mut answers = 1..;
    let answer = retry.call_blocking(|| answers.next().ok_or("no more"));
    assert_eq!((answer.unwrap(), told()), (3, vec![1, 2]));
}
