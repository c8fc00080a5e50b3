//! A listener that calls the guard whose event it receives causes the same event again, and again.

use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use seawall_core::{Event, Listeners};
use seawall_guard::timeout::{Blocking, Detach};
use seawall_guard::{Fallback, PanicGuard, Timeout};

type Outcome = Result<u32, &'static str>;

/// Has a listener call `again`, calls it once, and gives how many events the listener received.
fn heard(listeners: &Listeners, again: impl Fn() + Send + Sync + 'static) -> usize {
    let again = Arc::new(again);
    let events = Arc::new(AtomicUsize::new(0));
    let (call, count) = (Arc::clone(&again), Arc::clone(&events));
    listeners.add(move |_: &Event| {
        assert!(count.fetch_add(1, Ordering::SeqCst) < 100, "without end");
        call();
    });
    again();
    assert_eq!(listeners.panics(), 0);
    events.load(Ordering::SeqCst)
}

/// Polls `call` once; it is over by then.
fn poll<T>(call: impl Future<Output = T>) {
    let call = std::pin::pin!(call);
    assert!(call.poll(&mut Context::from_waker(Waker::noop())).is_ready());
}

#[tokio::test]
async fn whichever_guard_it_calls() {
    let listeners = Listeners::default();
    let timeout = Timeout::builder().limit(Duration::ZERO).listeners(&listeners).build().unwrap();
    assert_eq!(heard(&listeners, move || poll(timeout.call(pending::<Outcome>()))), 1);

    let listeners = Listeners::default();
    let by_function = Timeout::builder().limit_by(|_| panic!("boom")).listeners(&listeners);
    let by_function = by_function.build().unwrap();
    let wait = move || {
        // The function is asked for calls that wait only.
        let call = std::pin::pin!(by_function.call(pending::<Outcome>()));
        assert!(call.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    };
    assert_eq!(heard(&listeners, wait), 1);

    let listeners = Listeners::default();
    let detach = Detach::builder().limit(Duration::ZERO).listeners(&listeners).build().unwrap();
    assert_eq!(heard(&listeners, move || poll(detach.call(pending::<Outcome>()))), 1);

    let listeners = Listeners::default();
    let guard = PanicGuard::builder().listeners(&listeners).build().unwrap();
    let panics = async || -> Outcome { panic!("boom") };
    assert_eq!(heard(&listeners, move || poll(guard.call(panics()))), 1);

    let listeners = Listeners::default();
    let fallback = Fallback::value(7).listeners(&listeners).build().unwrap();
    assert_eq!(heard(&listeners, move || poll(fallback.call(ready(Outcome::Err("down"))))), 1);
}

#[tokio::test]
async fn blocking_work_that_is_refused_again() {
    let listeners = Listeners::default();
    let blocking = Blocking::builder().max_running(1).listeners(&listeners).build().unwrap();
    let (tell, told) = std::sync::mpsc::channel::<()>();
    let hangs = move || told.recv().map_err(drop);
    let mut running = Box::pin(blocking.call(hangs));
    assert!(running.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let refused = blocking.clone();
    assert_eq!(heard(&listeners, move || poll(refused.call(|| Outcome::Ok(7)))), 1);
    tell.send(()).unwrap();
    running.await.unwrap();
}
