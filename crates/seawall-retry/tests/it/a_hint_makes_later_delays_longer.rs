//! Decorrelated delays grow from what was drawn before. What a server had asked for was taken for
//! drawn: the delays after it could be three times as long, and a call longer than its description
//! says.

use std::time::Duration;

use seawall_core::{Attempt, Class, Description, Error, EventKind, Lazy, Policy};
use seawall_retry::{Backoff, Jitter, Random, Retry};
use seawall_testkit::Recorder;
use tokio::time::Instant;

use crate::scripted::Scripted;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn what_was_asked_for_is_not_what_was_drawn() {
    let backoff = Backoff::from(SECOND / 100).max(60 * SECOND).jitter(Jitter::Decorrelated);
    let retry = Retry::builder().idempotent().backoff(backoff).random(Random::highest());
    let retry = retry.max_attempts(5).max_retry_after(5 * SECOND).without_budget();
    let retry = retry.build().unwrap();
    let recorder = Recorder::default();
    retry.listeners().add(recorder.clone());
    let start = Instant::now();
    let outcome = Lazy::new(retry.wrap(Scripted(|attempt: Attempt| {
        let retry_after = Some(5 * SECOND);
        let class = match attempt.number() {
            1 => Class::Overloaded { retry_after },
            _ => Class::Transient,
        };
        Err(Error::operation_failed("down", class))
    })));
    let _ = outcome.await;
    let delays = recorder.pick(|kind| match kind {
        EventKind::Retrying { delay, .. } => Some(delay.as_millis()),
        _ => None,
    });
    // Each a nanosecond short of it, for the end of what is drawn from is not drawn.
    assert_eq!(delays, [5_029, 89, 269, 809]);
    let longest = retry.describe(Description::bare().with_longest(Some(Duration::ZERO))).longest();
    assert!(start.elapsed() <= longest.unwrap(), "{:?}, not {longest:?}", start.elapsed());
}
