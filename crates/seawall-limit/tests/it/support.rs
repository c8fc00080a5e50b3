//! What several test files need.
#![allow(dead_code, unreachable_pub, reason = "not every test file uses all of it")]

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// Counts how often it was woken.
#[derive(Default)]
pub struct Woken(AtomicUsize);

impl Woken {
    pub fn times(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A future that is polled by hand, and a count of its wake-ups.
pub struct Polled<Fut> {
    future: Pin<Box<Fut>>,
    woken: Arc<Woken>,
}

pub fn by_hand<Fut: Future>(future: Fut) -> Polled<Fut> {
    Polled { future: Box::pin(future), woken: Arc::default() }
}

impl<Fut: Future> Polled<Fut> {
    pub fn poll(&mut self) -> Poll<Fut::Output> {
        let waker = Waker::from(Arc::clone(&self.woken));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    pub fn is_pending(&mut self) -> bool {
        self.poll().is_pending()
    }

    pub fn woken(&self) -> usize {
        self.woken.times()
    }

    #[track_caller]
    pub fn ready(&mut self) -> Fut::Output {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("still pending"),
        }
    }
}

/// Runs `test` on a thread of its own, so that one that waits for itself is a failure.
pub fn on_a_thread_that_ends(test: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        test();
        drop(done);
    });
    let over: Result<(), _> = is_done.recv_timeout(Duration::from_secs(5));
    assert_eq!(over, Err(mpsc::RecvTimeoutError::Disconnected), "the thread waits for itself");
    thread.join().unwrap();
}
