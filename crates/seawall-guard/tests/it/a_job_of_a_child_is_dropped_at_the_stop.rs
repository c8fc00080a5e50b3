//! A supervisor that was stopped dropped its children wherever they were, a job in flight with them, and ended without an
//! error.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seawall_core::{EventKind, Listeners, StopReason};
use seawall_guard::task::{Restart, Supervisor, SupervisorBuilder};
use seawall_testkit::Recorder;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

const SECOND: Duration = Duration::from_secs(1);

fn supervisor() -> SupervisorBuilder {
    Supervisor::builder().name("top")
}

#[tokio::test(start_paused = true)]
async fn a_child_that_ends_within_its_grace_period_finishes_its_job_and_is_not_restarted() {
    let (started, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let stop = CancellationToken::new();
    let child = {
        let (started, done, stop) = (Arc::clone(&started), Arc::clone(&done), stop.clone());
        move || {
            let (started, done, stop) = (Arc::clone(&started), Arc::clone(&done), stop.clone());
            async move {
                while !stop.is_cancelled() {
                    started.fetch_add(1, Ordering::SeqCst);
                    sleep(2 * SECOND).await;
                    done.fetch_add(1, Ordering::SeqCst);
                }
                Ok::<_, &str>(())
            }
        }
    };
    let supervisor = supervisor().build().unwrap().child("mail", Restart::Always, child);
    let stopping = async {
        sleep(3 * SECOND).await;
        stop.cancel();
    };
    let began = Instant::now();
    let (outcome, ()) = tokio::join!(supervisor.run_until(stop.cancelled()), stopping);
    assert_eq!(outcome, Ok(()));
    assert_eq!(began.elapsed(), 4 * SECOND, "it waits no longer than it has to");
    assert_eq!((started.load(Ordering::SeqCst), done.load(Ordering::SeqCst)), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn children_that_run_on_are_dropped_counted_and_named() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let hangs = || pending::<Result<(), &str>>();
    let supervisor = supervisor()
        .listeners(&listeners)
        .grace_period(3 * SECOND)
        .build()
        .unwrap()
        .child("one", Restart::Always, hangs)
        .child("two", Restart::Never, async || Ok::<_, &str>(()))
        .child("three", Restart::OnFailure, hangs);
    let began = Instant::now();
    let error = supervisor.run_until(sleep(SECOND)).await.unwrap_err();
    assert_eq!(began.elapsed(), 4 * SECOND);
    assert_eq!(
        error.to_string(),
        "supervisor 'top': stopped; dropped 2 running children: top/one, top/three"
    );
    let gave_up =
        |kind: &EventKind| matches!(kind, EventKind::GaveUp { why: StopReason::Shutdown, .. });
    assert_eq!(recorder.count(gave_up), 2);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_waits_to_be_restarted_is_not_started_again_and_not_lost() {
    let started = Arc::new(AtomicUsize::new(0));
    let making = Arc::clone(&started);
    let supervisor = supervisor()
        .backoff(seawall_core::Backoff::constant(10 * SECOND).jitter(seawall_core::Jitter::None))
        .build()
        .unwrap()
        .child("failing", Restart::Always, move || {
            making.fetch_add(1, Ordering::SeqCst);
            async { Err("down") }
        });
    let began = Instant::now();
    assert_eq!(supervisor.run_until(sleep(SECOND)).await, Ok(()));
    assert_eq!(began.elapsed(), SECOND);
    assert_eq!(started.load(Ordering::SeqCst), 1);
}
