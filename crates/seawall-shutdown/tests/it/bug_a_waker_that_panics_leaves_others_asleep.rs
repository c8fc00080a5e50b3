//! The last request in flight to leave woke those that waited for the drain one after the other, with nothing around it: a
//! waker that panicked left the others asleep for good, and its panic came out of the drop of a guard.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use seawall_shutdown::InFlight;

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker of the user's");
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn poll(future: std::pin::Pin<&mut impl Future<Output = ()>>, waker: &Waker) -> Poll<()> {
    future.poll(&mut Context::from_waker(waker))
}

#[test]
fn a_waker_that_panics_costs_nobody_else_its_wake() {
    let requests = InFlight::new();
    let guard = requests.try_acquire().unwrap();
    let woken = Arc::new(Woken::default());
    let wakers = [Waker::from(Arc::new(Panics)), Waker::from(Arc::clone(&woken))];
    let mut first = pin!(requests.drained());
    let mut second = pin!(requests.drained());
    assert!(poll(first.as_mut(), &wakers[0]).is_pending());
    assert!(poll(second.as_mut(), &wakers[1]).is_pending());
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(guard)));
    assert!(dropped.is_ok(), "the panic came out of the guard's drop");
    assert!(woken.0.load(Ordering::SeqCst), "the other was left asleep");
    assert!(poll(second.as_mut(), &wakers[1]).is_ready());
}
