//! Graceful shutdown: tracked tasks, their end, and requests in flight.

use std::sync::Arc;
use std::time::Duration;

use seawall_shutdown::{InFlight, Report, Shutdown};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::operation::{Failure, ready};
use crate::{Case, in_runtime, in_runtime_with, plain};

/// How many tasks are stopped and joined at once.
pub const MANY: u64 = 100_000;

/// The life of one task: spawned, run to its end or cancelled, joined, counted out.
pub const LIFE: &str = "shutdown/task-life";
/// The end of many tasks that wait for it: spawned, cancelled, joined.
pub const END: &str = "shutdown/100k-tasks";
/// A request in flight: entered and left.
pub const IN_FLIGHT: &str = "shutdown/in-flight";

/// The cases of shutdown, and the floors that it is measured against.
///
/// # Panics
///
/// When a case can't be prepared.
pub fn cases() -> Vec<Case> {
    [life(), end(), in_flight()].concat()
}

fn life() -> Vec<Case> {
    vec![
        Case::ours(LIFE, || {
            in_runtime_with(
                || {
                    fresh_heap();
                    let shutdown = Shutdown::builder().build().expect("a valid shutdown");
                    async move || {
                        let task = shutdown.spawn("benches", until).expect("not shutting down");
                        task.await
                    }
                },
                1,
                |answer| matches!(answer, Ok(Ok(_))),
            )
        }),
        Case::floor(LIFE, "TaskTracker + Notify", || {
            fresh_heap();
            let (tracker, stop) = (TaskTracker::new(), Arc::new(Notify::new()));
            in_runtime(
                async move || {
                    let stop = Arc::clone(&stop);
                    let task = async move {
                        tokio::select! {
                            biased;
                            () = stop.notified() => Err(Failure(4)),
                            outcome = ready() => outcome,
                        }
                    };
                    tracker.spawn(task).await
                },
                1,
                |answer| matches!(answer, Ok(Ok(_))),
            )
        }),
        Case::floor(LIFE, "tokio-util: TaskTracker + CancellationToken", || {
            fresh_heap();
            let (tracker, token) = (TaskTracker::new(), CancellationToken::new());
            in_runtime(
                async move || tracker.spawn(until(token.clone())).await,
                1,
                |answer| matches!(answer, Ok(Ok(_))),
            )
        }),
        Case::floor(LIFE, "tokio-util: TaskTracker + child_token", || {
            fresh_heap();
            let (tracker, token) = (TaskTracker::new(), CancellationToken::new());
            in_runtime(
                async move || tracker.spawn(until(token.child_token())).await,
                1,
                |answer| matches!(answer, Ok(Ok(_))),
            )
        }),
    ]
}

fn end() -> Vec<Case> {
    vec![
        Case::ours(END, || {
            in_runtime(
                async || {
                    let shutdown = Shutdown::builder()
                        .drain_delay(Duration::ZERO)
                        .build()
                        .expect("a valid shutdown");
                    for _ in 0..MANY {
                        let task = shutdown.spawn("benches", async |token: CancellationToken| {
                            token.cancelled().await;
                            ready().await
                        });
                        drop(task.expect("not shutting down"));
                    }
                    tokio::task::yield_now().await;
                    shutdown.trigger("benches");
                    shutdown.run().await
                },
                MANY,
                Report::is_clean,
            )
        })
        .calls(1)
        .units(MANY),
        Case::floor(END, "tokio-util: TaskTracker + CancellationToken", || {
            in_runtime(
                async || {
                    let (tracker, token) = (TaskTracker::new(), CancellationToken::new());
                    for _ in 0..MANY {
                        let token = token.clone();
                        tracker.spawn(async move {
                            token.cancelled().await;
                            ready().await
                        });
                    }
                    tokio::task::yield_now().await;
                    token.cancel();
                    tracker.close();
                    tracker.wait().await;
                },
                MANY,
                |()| true,
            )
        })
        .calls(1)
        .units(MANY),
    ]
}

fn in_flight() -> Vec<Case> {
    vec![
        Case::ours(IN_FLIGHT, || {
            let in_flight = InFlight::new();
            plain(move || in_flight.try_acquire().is_ok(), |&entered| entered)
        }),
        Case::floor(IN_FLIGHT, "Arc clone and drop", || {
            let shared = Arc::new(());
            plain(move || Arc::strong_count(&Arc::clone(&shared)), |&count| count == 2)
        }),
        Case::floor(IN_FLIGHT, "TaskTracker token", || {
            let tracker = TaskTracker::new();
            plain(move || drop(tracker.token()), |()| true)
        }),
    ]
}

/// A tracked task: its work, unless `token` is cancelled.
pub async fn until(token: CancellationToken) -> Result<u64, Failure> {
    tokio::select! {
        biased;
        () = token.cancelled() => Err(Failure(4)),
        outcome = ready() => outcome,
    }
}

/// Leaks some memory, so that what follows is allocated from fresh heap. A task has the alignment of a cache
/// line, and its cost in glibc depends on the hole that it falls into: up to 850
/// instructions more for the same task.
fn fresh_heap() {
    std::mem::forget(std::hint::black_box(vec![0_u8; 200_000]));
    std::mem::forget(std::hint::black_box(vec![0_u8; 100_000]));
}
