//! A panic of blocking work was not reported if its caller had left, nor was a panic in dropping the
//! permit that the work held.

use std::sync::mpsc;

use seawall_core::{EventKind, Listeners};
use seawall_guard::timeout::Blocking;
use seawall_testkit::{Recorder, drop_after};

/// The panics that listeners receive of work that panics, or whose permit does, after its caller left.
async fn heard<P: Send + 'static>(permit: P, ends: fn()) -> Vec<String> {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let blocking = Blocking::builder().listeners(&listeners).build().unwrap();
    let (began, has_begun) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel::<()>();
    let work = move || {
        began.send(()).unwrap();
        told.recv().unwrap();
        ends();
        Ok::<_, ()>(())
    };
    let mut call = Box::pin(blocking.call_holding(permit, work));
    assert!(drop_after(1, call.as_mut()).await.is_none());
    has_begun.recv().unwrap();
    drop(call);
    tell.send(()).unwrap();
    while blocking.running() > 0 {
        tokio::task::yield_now().await;
    }
    recorder.pick(|kind| match kind {
        EventKind::Panicked(report) => Some(report.message.to_string()),
        _ => None,
    })
}

struct Touchy;

impl Drop for Touchy {
    fn drop(&mut self) {
        panic!("touched");
    }
}

#[tokio::test]
async fn it_is_reported_with_and_without_a_caller() {
    assert_eq!(heard((), || panic!("late")).await, ["late"]);
}

#[tokio::test]
async fn so_is_a_panic_of_the_permit() {
    assert_eq!(heard(Touchy, || ()).await, ["touched"]);
    assert_eq!(heard(Touchy, || panic!("late")).await, ["late", "touched"]);
}
