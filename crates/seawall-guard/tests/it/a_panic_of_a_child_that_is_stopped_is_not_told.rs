//! A supervisor reported the panics by which its children ended, but not those of children that it
//! stopped, nor one that followed a failure.

use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use seawall_core::Listeners;
use seawall_guard::Supervisor;
use seawall_guard::task::{Restart, SupervisorBuilder};
use seawall_testkit::Recorder;
use tokio::time::sleep;

struct Touchy;

impl Drop for Touchy {
    fn drop(&mut self) {
        panic!("touched");
    }
}

fn heard() -> (SupervisorBuilder, Recorder) {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    (Supervisor::builder().name("top").listeners(&listeners), recorder)
}

fn lines(recorder: &Recorder) -> Vec<String> {
    let panicked = |line: &String| line.contains("panicked");
    recorder.events().iter().map(ToString::to_string).filter(panicked).collect()
}

#[tokio::test(start_paused = true)]
async fn of_children_that_are_stopped() {
    let (supervisor, recorder) = heard();
    let supervisor = supervisor.grace_period(Duration::ZERO).build().unwrap();
    let supervisor = supervisor.child("touchy", Restart::Always, || {
        let touchy = Touchy;
        async move {
            let _touchy = touchy;
            pending::<Result<(), &str>>().await
        }
    });
    assert_eq!(supervisor.run_until(sleep(Duration::from_secs(1))).await, Ok(()));
    let lines = lines(&recorder);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("supervisor 'top/touchy': panicked: touched"), "{lines:?}");
}

/// Fails, and panics when it is dropped.
struct Failing;

impl Future for Failing {
    type Output = Result<(), &'static str>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Err("down"))
    }
}

impl Drop for Failing {
    fn drop(&mut self) {
        panic!("touched");
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_child_that_failed_before() {
    let (supervisor, recorder) = heard();
    let supervisor = supervisor.max_restarts(0).build().unwrap();
    let supervisor = supervisor.child("failing", Restart::Always, || Failing);
    let error = supervisor.run().await.unwrap_err();
    assert_eq!(error.failed(), Some("down"), "its end stands");
    assert_eq!(lines(&recorder).len(), 1);
}
