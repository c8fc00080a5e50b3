//! Tasks that are counted.

use std::future::pending;

use seawall_core::{Error, EventKind, Listeners, PolicyKind};
use seawall_guard::Tasks;
use seawall_guard::task::{TaskCounts, TaskError};
use seawall_testkit::{Alive, Recorder};
use tokio::task::yield_now;

fn counts(tasks: &Tasks) -> (u64, u64, u64, u64, u64) {
    let TaskCounts { started, running, finished, panicked, cancelled, .. } = tasks.counts();
    assert_eq!(started, running + finished + panicked + cancelled);
    (started, running, finished, panicked, cancelled)
}

#[tokio::test]
async fn a_panic_is_reported_when_it_happens_and_is_not_a_cancellation() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let tasks = Tasks::builder().name("uploads").listeners(&listeners).build().unwrap();

    let panics = tasks.spawn(async { assert_eq!(1, 2, "disk full") });
    let hangs = tasks.spawn(pending::<()>());
    let good = tasks.spawn(async { 7 });
    yield_now().await;
    assert_eq!(counts(&tasks), (3, 1, 1, 1, 0));
    let events = recorder.take();
    assert_eq!(events.len(), 1, "though nobody has joined it");
    assert_eq!((events[0].policy_kind, events[0].policy.as_str()), (PolicyKind::Tasks, "uploads"));
    assert!(
        matches!(&events[0].kind, EventKind::Panicked(report) if report.message.contains("disk full"))
    );

    hangs.abort();
    assert!(matches!(panics.await, Err(TaskError::Panicked(_))));
    assert!(matches!(hangs.await, Err(TaskError::Cancelled(_))));
    assert_eq!(good.await.unwrap(), 7);
    assert_eq!(counts(&tasks), (3, 0, 1, 1, 1));
}

#[tokio::test]
async fn waiting_ends_when_all_are_over_and_gone() {
    let tasks = Tasks::builder().build().unwrap();
    tasks.wait().await;
    let alive = Alive::default();
    for n in 0..20_u32 {
        let token = alive.token();
        drop(tasks.spawn(async move {
            let _token = token;
            for _ in 0..n {
                yield_now().await;
            }
            assert!(!n.is_multiple_of(3), "every third");
        }));
    }
    tasks.wait().await;
    assert_eq!(alive.now(), 0);
    assert_eq!(counts(&tasks), (20, 0, 13, 7, 0));
}

#[test]
fn tasks_are_counted_out_with_their_runtime() {
    let tasks = Tasks::builder().build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        drop(tasks.spawn(pending::<()>()));
        yield_now().await;
    });
    assert_eq!(counts(&tasks), (1, 1, 0, 0, 0));
    drop(runtime);
    assert_eq!(counts(&tasks), (1, 0, 0, 0, 1));
}

#[tokio::test]
async fn a_panic_while_a_cancelled_task_is_dropped_is_contained_and_reported() {
    struct Touchy;
    impl Drop for Touchy {
        fn drop(&mut self) {
            panic!("touched");
        }
    }
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let tasks = Tasks::builder().listeners(&listeners).build().unwrap();
    let touchy = Touchy;
    let task = tasks.spawn(async move {
        let _touchy = touchy;
        pending::<()>().await;
    });
    yield_now().await;
    task.abort();
    assert!(matches!(task.await, Err(TaskError::Cancelled(_))));
    assert_eq!(recorder.events().len(), 1);
    assert_eq!(counts(&tasks), (1, 0, 0, 0, 1));
}

#[tokio::test]
async fn a_handle_says_whether_its_task_is_over() {
    let tasks = Tasks::builder().build().unwrap();
    let task = tasks.spawn(yield_now());
    assert!(!task.is_finished());
    tasks.wait().await;
    yield_now().await;
    assert!(task.is_finished());
}

#[tokio::test]
async fn why_there_is_no_output_can_be_read_and_handed_on() {
    let tasks = Tasks::builder().name("uploads").build().unwrap();
    let panicked = || tasks.spawn(async { assert_eq!(1, 2, "disk full") });
    let cancelled = || {
        let task = tasks.spawn(pending::<()>());
        task.abort();
        task
    };
    let error = panicked().await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("'uploads': panicked: ") && text.contains("disk full"), "{text}");
    let error = error.into_error::<()>();
    assert!(error.panicked().unwrap().report.message.contains("disk full"));
    let error = cancelled().await.unwrap_err();
    assert!(error.to_string().contains("uploads"), "{error}");
    assert!(matches!(error.into_error::<()>(), Error::Cancelled(_)));
}
