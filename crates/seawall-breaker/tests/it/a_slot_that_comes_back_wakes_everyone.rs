//! A slot that came back woke all callers that waited for the verdict, though one of them got it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use seawall_breaker::{Breaker, Permit};
use seawall_core::{CircuitState, Class, Error};
use tokio::time::advance;

const WAIT: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

type Call<'b> = Pin<Box<dyn Future<Output = Result<(), Error<()>>> + 'b>>;

struct Caller<'b> {
    woken: Arc<Woken>,
    call: Call<'b>,
}

impl<'b> Caller<'b> {
    /// A call that stays pending once it is admitted.
    fn waiting(breaker: &'b Breaker) -> Self {
        let call = Box::pin(breaker.call(std::future::pending::<Result<(), ()>>()));
        let mut caller = Self { woken: Arc::default(), call };
        assert!(caller.poll().is_pending());
        caller
    }

    fn poll(&mut self) -> Poll<Result<(), Error<()>>> {
        let waker = Waker::from(Arc::clone(&self.woken));
        self.call.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn wakes(&self) -> usize {
        self.woken.0.load(Ordering::Relaxed)
    }
}

/// A half-open breaker with one slot, which is taken until its lease ends.
async fn half_open() -> Breaker {
    let builder = Breaker::builder().consecutive_failures(1).open_wait(WAIT).probes(1);
    let breaker = builder.lease(60 * WAIT).wait_for_verdict(1_000, 600 * WAIT).build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(WAIT).await;
    breaker
}

fn wakes(callers: &[Caller<'_>]) -> usize {
    callers.iter().map(Caller::wakes).sum()
}

#[tokio::test(start_paused = true)]
async fn a_slot_wakes_the_caller_that_came_first() {
    let breaker = half_open().await;
    let probe = breaker.try_acquire().unwrap();
    let mut callers: Vec<_> = (0..100).map(|_| Caller::waiting(&breaker)).collect();
    probe.ignore();
    assert_eq!((callers[0].wakes(), wakes(&callers)), (1, 1));
    assert!(callers[0].poll().is_pending());
    assert_eq!(breaker.snapshot().probes_in_flight, 1);
    // It has its slot, so the next one watches.
    assert_eq!((callers[1].wakes(), wakes(&callers)), (1, 2));
    assert!(callers[1].poll().is_pending());
    // A caller that is dropped gives slot and turn on.
    drop(callers.remove(0));
    assert_eq!((callers[0].wakes(), wakes(&callers)), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn the_verdict_reaches_all_callers_one_after_the_other() {
    let breaker = half_open().await;
    let probe = breaker.try_acquire().unwrap();
    let mut callers: Vec<_> = (0..100).map(|_| Caller::waiting(&breaker)).collect();
    assert_eq!(Permit::success(probe), seawall_breaker::Settlement::Counted);
    assert_eq!(breaker.state(), CircuitState::Closed);
    for caller in &mut callers {
        assert_eq!(caller.wakes(), 1);
        assert!(caller.poll().is_pending());
    }
    assert_eq!(wakes(&callers), 100);
}
