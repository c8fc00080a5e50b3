//! How long a caller waits for blocking work. Threads run on the real clock; every wait here is for
//! something that the test itself causes.

use std::sync::mpsc;
use std::time::Duration;

use seawall_core::{EventKind, Evidence, Listeners, Reason, Rule};
use seawall_guard::timeout::{Blocking, BlockingBuilder, MAX_LIMIT};
use seawall_testkit::{Alive, Recorder};

fn blocking() -> BlockingBuilder {
    Blocking::builder().limit(Duration::from_millis(1))
}

/// Lets the threads of the pool run until `is` is true.
async fn until(is: impl Fn() -> bool) {
    while !is() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn work_in_time_keeps_its_outcome() {
    let blocking = Blocking::builder().build().unwrap();
    assert_eq!(blocking.call(|| Ok::<_, ()>(7)).await.unwrap(), 7);
    let error = blocking.call(|| Err::<(), _>("down")).await.unwrap_err();
    assert_eq!(error.operation(), Some(&"down"));
    until(|| blocking.running() == 0).await;
    assert_eq!(blocking.still_running(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_caller_is_back_in_time_and_what_still_runs_keeps_its_permit_and_is_counted() {
    let blocking = blocking().build().unwrap();
    let (began, has_begun) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel::<()>();
    let permits = Alive::default();
    let mut call = Box::pin(blocking.call_holding(permits.token(), move || {
        began.send(()).ok();
        told.recv().ok();
        Ok::<_, ()>(())
    }));
    assert!(seawall_testkit::drop_after(1, call.as_mut()).await.is_none());
    has_begun.recv().unwrap();
    tokio::time::advance(Duration::from_millis(2)).await;
    let error = call.await.unwrap_err();
    assert!(error.timed_out().is_some());
    assert_eq!((blocking.running(), blocking.still_running(), permits.now()), (1, 1, 1));
    tell.send(()).unwrap();
    until(|| blocking.running() == 0).await;
    assert_eq!((blocking.still_running(), permits.now()), (0, 0));
}

#[tokio::test]
async fn no_more_than_may_run_whether_waited_for_or_not() {
    let blocking = blocking().max_running(1).build().unwrap();
    let (tell, told) = mpsc::channel::<()>();
    let hangs = move || {
        told.recv().ok();
        Ok::<_, ()>(())
    };
    assert!(blocking.call(hangs).await.unwrap_err().timed_out().is_some());
    let error = blocking.call(|| Ok::<_, ()>(())).await.unwrap_err();
    assert_eq!(error.rejection().unwrap().reason(), Reason::Full);
    assert_eq!(blocking.refused(), 1);
    drop(tell);
    until(|| blocking.running() == 0).await;
}

#[tokio::test]
async fn a_panic_comes_back_and_is_counted_out() {
    let blocking = Blocking::builder().name("parser").build().unwrap();
    let error = blocking.call(|| -> Result<(), ()> { panic!("bad input") }).await.unwrap_err();
    assert_eq!(&*error.panicked().unwrap().report.message, "bad input");
    until(|| blocking.running() == 0).await;
    assert_eq!(blocking.still_running(), 0);
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_its_work_counted() {
    let blocking = Blocking::builder().build().unwrap();
    let (tell, told) = mpsc::channel::<()>();
    let (began, has_begun) = mpsc::channel::<()>();
    let mut call = Box::pin(blocking.call(move || {
        began.send(()).ok();
        told.recv().ok();
        Ok::<_, ()>(())
    }));
    assert!(seawall_testkit::drop_after(1, call.as_mut()).await.is_none());
    has_begun.recv().unwrap();
    drop(call);
    assert_eq!((blocking.running(), blocking.still_running()), (1, 1));
    tell.send(()).unwrap();
    until(|| blocking.running() == 0).await;
    assert_eq!(blocking.still_running(), 0);
}

#[tokio::test]
async fn a_call_that_is_not_polled_begins_nothing() {
    let blocking = Blocking::builder().build().unwrap();
    drop(blocking.call(|| Ok::<_, ()>(())));
    assert_eq!(blocking.running(), 0);
}

#[test]
fn nothing_that_may_run_is_refused() {
    let error = Blocking::builder().max_running(0).build().unwrap_err();
    assert_eq!(error.to_string(), "timeout: max_running is 0, but must be at least 1");
}

#[tokio::test]
async fn boundaries_of_the_limit() {
    for limit in [Duration::ZERO, Duration::from_nanos(1)] {
        let blocking = Blocking::builder().limit(limit).build().unwrap();
        let (tell, told) = mpsc::channel::<()>();
        let hangs = move || {
            told.recv().ok();
            Ok::<_, ()>(())
        };
        let error = blocking.call(hangs).await.unwrap_err();
        assert_eq!(error.timed_out().unwrap().limit(), limit);
        drop(tell);
        until(|| blocking.running() == 0).await;
    }
    for never in [MAX_LIMIT, MAX_LIMIT + Duration::from_nanos(1), Duration::MAX] {
        let blocking = Blocking::builder().limit(never).build().unwrap();
        assert_eq!(blocking.call(|| Ok::<_, ()>(7)).await.unwrap(), 7, "{never:?}");
    }
}

#[tokio::test]
async fn a_refusal_says_why_and_is_reported() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let builder = blocking().name("resize").max_running(1).listeners(&listeners);
    let blocking = builder.build().unwrap();
    let (tell, told) = mpsc::channel::<()>();
    let hangs = move || {
        told.recv().ok();
        Ok::<_, ()>(())
    };
    assert!(blocking.call(hangs).await.is_err());
    let error = blocking.call(|| Ok::<_, ()>(())).await.unwrap_err();
    let refused = |kind: &EventKind| match kind {
        EventKind::Rejected(rejection) => Some(rejection.clone()),
        _ => None,
    };
    assert_eq!(recorder.pick(refused), [error.rejection().unwrap().clone()]);
    let evidence = error.rejection().unwrap().evidence();
    assert_eq!(evidence, Some(Evidence::new(Rule::InFlight, 1.0, 1.0, 0)));
    assert_eq!(error.policy().unwrap().as_str(), "resize");
    drop(tell);
    until(|| blocking.running() == 0).await;
}
