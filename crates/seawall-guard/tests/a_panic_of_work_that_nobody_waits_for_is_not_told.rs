//! Blocking work that panicked after its caller had gone vanished without a word to the listeners,
//! and so did a panic in dropping what the work held.

use std::sync::mpsc;
use std::time::Duration;

use seawall_core::{Listeners, What};
use seawall_guard::timeout::Blocking;
use seawall_testkit::Recorder;

fn heard() -> (Blocking, Recorder) {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let blocking = Blocking::builder().limit(Duration::from_millis(1)).listeners(&listeners);
    (blocking.build().unwrap(), recorder)
}

async fn until_none_runs(blocking: &Blocking) {
    while blocking.running() > 0 {
        tokio::task::yield_now().await;
    }
}

fn panics(what: &What) -> Option<String> {
    match what {
        What::Panicked(report) => Some(report.message.to_string()),
        _ => None,
    }
}

#[tokio::test]
async fn it_is_told_whether_anybody_waits_or_not() {
    let (blocking, recorder) = heard();
    let (tell, told) = mpsc::channel::<()>();
    let late = blocking.call(move || -> Result<(), ()> {
        told.recv().ok();
        panic!("late")
    });
    assert!(late.await.unwrap_err().timed_out().is_some());
    tell.send(()).unwrap();
    until_none_runs(&blocking).await;
    assert_eq!(recorder.pick(panics), ["late"]);
}

struct Touchy;

impl Drop for Touchy {
    fn drop(&mut self) {
        panic!("touched");
    }
}

#[tokio::test]
async fn so_is_a_panic_of_the_permit() {
    let (blocking, recorder) = heard();
    let (tell, told) = mpsc::channel::<()>();
    let late = blocking.call_holding(Touchy, move || {
        told.recv().ok();
        Ok::<_, ()>(())
    });
    assert!(late.await.is_err());
    tell.send(()).unwrap();
    until_none_runs(&blocking).await;
    assert_eq!(recorder.pick(panics), ["touched"]);
}
