//! Critical tasks, critical guards and hooks.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use seawall_shutdown::{Shutdown, ShutdownReason};
use tokio::time::sleep;

async fn end_of(shutdown: &Shutdown) -> (String, u8) {
    let report = shutdown.run().await;
    (report.reason.to_string(), report.exit_code())
}

fn new() -> Shutdown {
    Shutdown::builder().build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_critical_task_that_ends_begins_the_shutdown() {
    let shutdown = new();
    shutdown.spawn_critical("poller", |_| sleep(Duration::from_secs(1))).unwrap();
    assert_eq!(end_of(&shutdown).await, ("critical task 'poller' ended".into(), 1));
}

#[tokio::test(start_paused = true)]
async fn a_critical_task_that_fails_begins_the_shutdown() {
    let shutdown = new();
    shutdown.spawn_critical("poller", async |_| Err("no such host")).unwrap();
    let why = "critical task 'poller' failed: no such host";
    assert_eq!(end_of(&shutdown).await, (why.into(), 1));
}

#[expect(clippy::unused_async, reason = "a step gives a future")]
async fn panics() {
    panic!("index out of range")
}

#[tokio::test(start_paused = true)]
async fn a_critical_task_that_panics_begins_the_shutdown() {
    let shutdown = new();
    let task = shutdown.spawn_critical("poller", |_| panics()).unwrap();
    let why = "critical task 'poller' failed: panicked: index out of range";
    assert_eq!(end_of(&shutdown).await, (why.into(), 1));
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(shutdown.report().unwrap().tasks.panicked, 1);
}

#[tokio::test(start_paused = true)]
async fn a_critical_task_that_is_aborted_begins_the_shutdown() {
    let shutdown = new();
    let task = shutdown.spawn_critical("poller", |_| pending::<()>()).unwrap();
    tokio::task::yield_now().await;
    task.abort();
    let why = "critical task 'poller' failed: aborted";
    assert_eq!(end_of(&shutdown).await, (why.into(), 1));
    assert_eq!(shutdown.report().unwrap().tasks.aborted, 1);
}

#[tokio::test(start_paused = true)]
async fn a_critical_task_that_fails_during_the_shutdown_is_listed() {
    let shutdown = new();
    shutdown
        .spawn_critical("poller", |token| async move {
            token.cancelled().await;
            Err("could not say goodbye")
        })
        .unwrap();
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert_eq!(report.failed_tasks[0].name, "poller");
    assert_eq!(report.failed_tasks[0].error, "could not say goodbye");
    assert_eq!(report.exit_code(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_critical_guard_begins_the_shutdown_unless_released() {
    let shutdown = new();
    shutdown.critical_guard("cache").release();
    assert!(!shutdown.is_shutting_down());
    let guard = shutdown.critical_guard("consumer");
    drop(guard);
    assert_eq!(end_of(&shutdown).await.1, 1);
    drop(shutdown.critical_guard("too late to matter"));
}

#[tokio::test(start_paused = true)]
async fn hooks_run_once_each_also_those_that_come_late_and_after_one_that_panics() {
    let shutdown = new();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hook = |which| {
        let heard = Arc::clone(&heard);
        move |reason: &ShutdownReason| heard.lock().push(format!("{which}: {reason}"))
    };
    shutdown.on_shutdown(|_| panic!("bad hook"));
    shutdown.on_shutdown(hook("early"));
    shutdown.trigger("first");
    shutdown.trigger("second");
    shutdown.on_shutdown(hook("late"));
    assert_eq!(*heard.lock(), ["early: first", "late: first"]);
    assert_eq!(shutdown.run().await.panicked_hooks, 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_coordinator_is_harmless() {
    let shutdown = new();
    let token = shutdown.token();
    let task = shutdown
        .spawn("worker", |token| async move {
            sleep(Duration::from_secs(1)).await;
            token.is_cancelled()
        })
        .unwrap();
    drop(shutdown);
    assert!(!task.await.unwrap());
    assert!(!token.is_cancelled());
}
