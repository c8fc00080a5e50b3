//! Seen in resilience4j (resilience4j/resilience4j#978 and #1761: retries that followed from a result
//! instead of an error were told by the blocking form only).

use std::time::Duration;

use seawall_core::{ByOutcome, Class, EventKind, PolicyExt};
use seawall_retry::Retry;
use seawall_testkit::Recorder;

#[tokio::test(start_paused = true)]
async fn both_forms_tell_of_it() {
    let recorder = Recorder::default();
    let retry = Retry::builder().idempotent().max_attempts(5).backoff(Duration::from_millis(1));
    let retry = retry.build().unwrap();
    retry.listeners().add(recorder.clone());
    let classifier = ByOutcome(|answer: Result<&u32, &&str>| match answer {
        Ok(3..) => Class::Success,
        _ => Class::Transient,
    });
    let told = || {
        let told = recorder.pick(|kind| match kind {
            EventKind::Retrying { attempt, .. } => Some(*attempt),
            _ => None,
        });
        recorder.take();
        told
    };
    let mut answers = 1..;
    let call = || std::future::ready(answers.next().ok_or("no more"));
    let answer = retry.clone().classify(classifier).call(call).await;
    assert_eq!((answer.unwrap(), told()), (3, vec![1, 2]));
    let mut answers = 1..;
    let call = |_| answers.next().ok_or("no more");
    let answer = (&retry).classify(classifier).call_blocking_with(call);
    assert_eq!((answer.unwrap(), told()), (3, vec![1, 2]));
}
