//! A future of `drained` that is polled and dropped, as each turn of a `select!` in a loop does, left its waker behind
//! until everything had drained: a service that asked a thousand times kept a thousand wakers, and their tasks.

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use seawall_shutdown::InFlight;

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_future_that_goes_takes_its_waker_along() -> Result<(), Box<dyn Error>> {
    let requests = InFlight::new();
    let guard = requests.try_acquire()?;
    let tasks: Vec<Arc<Woken>> = (0..1_000).map(|_| Arc::default()).collect();
    for task in &tasks {
        let waker = Waker::from(Arc::clone(task));
        assert!(pin!(requests.drained()).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert!(tasks.iter().all(|task| Arc::strong_count(task) == 1));
    drop(guard);
    assert!(tasks.iter().all(|task| task.0.load(Ordering::Relaxed) == 0));
    Ok(())
}

#[test]
fn a_future_that_moved_to_another_task_keeps_the_latest_waker() -> Result<(), Box<dyn Error>> {
    let requests = InFlight::new();
    let guard = requests.try_acquire()?;
    let (first, second) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
    let mut drained = pin!(requests.drained());
    for task in [&first, &second] {
        let waker = Waker::from(Arc::clone(task));
        assert!(drained.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(Arc::strong_count(&first), 1);
    drop(guard);
    let woken = [&first, &second].map(|task| task.0.load(Ordering::Relaxed));
    assert_eq!(woken, [0, 1]);
    let waker = Waker::noop();
    assert!(drained.as_mut().poll(&mut Context::from_waker(waker)).is_ready());
    Ok(())
}

#[test]
fn each_of_many_futures_is_woken() -> Result<(), Box<dyn Error>> {
    let requests = InFlight::new();
    let guard = requests.try_acquire()?;
    let tasks: [Arc<Woken>; 3] = Default::default();
    let mut waiting: Vec<_> = tasks.iter().map(|_| Box::pin(requests.drained())).collect();
    for (task, future) in tasks.iter().zip(&mut waiting) {
        let waker = Waker::from(Arc::clone(task));
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    // One goes while the others wait.
    drop(waiting.remove(1));
    drop(guard);
    let woken = tasks.each_ref().map(|task| task.0.load(Ordering::Relaxed));
    assert_eq!(woken, [1, 0, 1]);
    Ok(())
}
