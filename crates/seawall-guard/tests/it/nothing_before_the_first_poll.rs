//! A call that is made and dropped, or polled late, has done nothing: no clock runs, no work is begun,
//! no function of the caller's is asked.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use seawall_core::Listeners;
use seawall_guard::timeout::{Blocking, Detach};
use seawall_guard::{Deadline, Fallback, PanicGuard, Timeout};
use seawall_testkit::Recorder;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

type Outcome = Result<u32, &'static str>;

/// Makes a call, drops it unpolled, and gives how often its future was polled.
fn dropped<Call>(
    call: impl FnOnce(std::pin::Pin<Box<dyn Future<Output = Outcome> + Send>>) -> Call,
) -> usize {
    let polls = Arc::new(AtomicUsize::new(0));
    let polled = Arc::clone(&polls);
    drop(call(Box::pin(poll_fn(move |_| {
        polled.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(Ok(7))
    }))));
    polls.load(Ordering::SeqCst)
}

#[test]
fn a_call_that_is_dropped_unpolled_was_never_begun() {
    let asked = Arc::new(AtomicUsize::new(0));
    let limit = Arc::clone(&asked);
    let timeout = Timeout::builder()
        .limit_by(move |_| {
            limit.fetch_add(1, Ordering::SeqCst);
            SECOND
        })
        .build()
        .unwrap();
    assert_eq!(dropped(|future| timeout.call(future)), 0);
    assert_eq!(asked.load(Ordering::SeqCst), 0, "the limit is decided at the first poll");
    assert_eq!(dropped(|future| Deadline::after(SECOND).call(future)), 0);
    let guard = PanicGuard::builder().build().unwrap();
    assert_eq!(dropped(|future| guard.call(future)), 0);
    let fallback = Fallback::value(1).build().unwrap();
    assert_eq!(dropped(|future| fallback.call(future)), 0);
    let detach = Detach::builder().build().unwrap();
    assert_eq!(dropped(|future| detach.call(future)), 0);
    let blocking = Blocking::builder().build().unwrap();
    drop(blocking.call(|| Outcome::Ok(7)));
    assert_eq!(blocking.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_clock_runs_from_the_first_poll() {
    let detach = Detach::builder().limit(SECOND).max_detached(0).build().unwrap();
    let timeout = Timeout::new(SECOND);
    let by_function = Timeout::builder().limit_by(|_| SECOND).build().unwrap();
    let calls = (
        timeout.call(pending::<Outcome>()),
        by_function.call(pending::<Outcome>()),
        detach.call(pending::<Outcome>()),
    );
    sleep(10 * SECOND).await;
    for call in [
        Box::pin(calls.0) as std::pin::Pin<Box<dyn Future<Output = _>>>,
        Box::pin(calls.1),
        Box::pin(calls.2),
    ] {
        let begin = Instant::now();
        let error = call.await.unwrap_err();
        assert_eq!(begin.elapsed(), SECOND);
        assert_eq!(error.timed_out().unwrap().elapsed(), SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_deadline_counts_from_the_first_poll() {
    let call = Deadline::after(3 * SECOND).call(pending::<Outcome>());
    sleep(SECOND).await;
    let error = call.await.unwrap_err();
    assert_eq!(error.timed_out().unwrap().elapsed(), 2 * SECOND);
}

#[test]
fn a_listener_hears_nothing_of_a_call_that_is_not_polled() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let timeout = Timeout::builder().limit_by(|_| panic!("no idea")).listeners(&listeners);
    let timeout = timeout.build().unwrap();
    let blocking = Blocking::builder().max_running(1).listeners(&listeners).build().unwrap();
    drop(timeout.call(pending::<Outcome>()));
    drop((blocking.call(|| Outcome::Ok(7)), blocking.call(|| Outcome::Ok(7))));
    assert!(recorder.events().is_empty());
}
