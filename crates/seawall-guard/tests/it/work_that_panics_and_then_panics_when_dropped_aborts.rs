//! A future that is not an async block panicked in a poll, and again when it was dropped. These are two
//! panics one after the other, but an async block of ours held the future and dropped it while the first
//! panic unwound, which aborted the process.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use seawall_core::{EventKind, Listeners};
use seawall_guard::task::Restart;
use seawall_guard::timeout::Detach;
use seawall_guard::{Supervisor, Tasks};
use seawall_testkit::Recorder;
use tokio::time::sleep;

/// Panics at its second poll, and when it is dropped.
#[derive(Default)]
struct Touchy(bool);

impl Future for Touchy {
    type Output = Result<(), &'static str>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(!std::mem::replace(&mut self.0, true), "polled");
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Touchy {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

fn heard() -> (Listeners, Recorder) {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    (listeners, recorder)
}

fn panics(kind: &EventKind) -> Option<String> {
    match kind {
        EventKind::Panicked(report) => Some(report.message.to_string()),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_of_a_supervisor_does_not() {
    let (listeners, recorder) = heard();
    let supervisor = Supervisor::builder().max_restarts(0).listeners(&listeners).build().unwrap();
    let supervisor = supervisor.child("touchy", Restart::Always, Touchy::default);
    let error = supervisor.run().await.unwrap_err();
    assert_eq!(&*error.panicked().unwrap().message, "polled");
    assert_eq!(recorder.pick(panics), ["polled", "dropped"]);
}

#[tokio::test(start_paused = true)]
async fn nor_does_detached_work() {
    let (listeners, recorder) = heard();
    let detach = Detach::builder().limit(Duration::ZERO).listeners(&listeners).build().unwrap();
    let error = detach.call(Touchy::default()).await.unwrap_err();
    assert!(error.timed_out().is_some());
    sleep(Duration::from_secs(1)).await;
    assert_eq!((detach.counts().detached, detach.counts().panicked), (0, 1));
    assert_eq!(recorder.pick(panics), ["polled", "dropped"]);
}

#[tokio::test]
async fn nor_does_a_counted_task() {
    let (listeners, recorder) = heard();
    let tasks = Tasks::builder().listeners(&listeners).build().unwrap();
    assert!(tasks.spawn(Touchy::default()).await.is_err());
    assert_eq!(tasks.counts().panicked, 1);
    assert_eq!(recorder.pick(panics), ["polled", "dropped"]);
}
