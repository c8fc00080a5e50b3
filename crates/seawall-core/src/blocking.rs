//! Calls on a thread that blocks: no runtime polls them, and no runtime's timer wakes them.
//!
//! A call is a future, whoever waits for it. [`block_on`] polls it on the thread that asks, and puts that
//! thread to sleep until something wakes it or the next [`Timer`] is over. So a blocking call runs
//! through the same policies as any other.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use pin_project::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

thread_local! {
    // Both without a destructor, so that they can be used while a thread ends.
    /// The waker of the call that blocks this thread; null where none does.
    static WAKER: Cell<*const ()> = const { Cell::new(std::ptr::null()) };
    /// When the next timer of that call is over.
    static NEXT: Cell<Option<std::time::Instant>> = const { Cell::new(None) };
}

/// So far away that no process will see it, and no clock overflows.
const FAR: Duration = Duration::from_hours(24 * 365 * 30);

/// Runs `future` on this thread, which sleeps while there is nothing to do.
///
/// Needs no runtime, and ignores one that is there: in an async function it holds up whatever else
/// runs on the thread. What the future waits for besides policies must need no runtime either.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let _entered = Entered::new(&waker);
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        NEXT.set(None);
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        match NEXT.get() {
            Some(next) => {
                thread::park_timeout(next.saturating_duration_since(std::time::Instant::now()));
            }
            None => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A call that blocks this thread, until this is dropped.
struct Entered {
    // Those of a call that blocks the thread further out.
    waker: *const (),
    next: Option<std::time::Instant>,
}

impl Entered {
    fn new(waker: &Waker) -> Self {
        Self { waker: WAKER.replace(waker.data()), next: NEXT.take() }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        WAKER.set(self.waker);
        NEXT.set(self.next);
    }
}

/// Whether `waker` is that of the call that blocks this thread. A future that a runtime polls inside
/// of such a call has another.
fn blocks(waker: &Waker) -> bool {
    let blocking = WAKER.get();
    !blocking.is_null() && blocking == waker.data()
}

/// A moment to wait for: by tokio's timer, or on a thread that [blocks](block_on).
///
/// The timer is made at the first poll. Policies wait by this, so that they work on both.
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Timer(#[pin] State);

#[pin_project(project = StateProjection)]
#[derive(Debug)]
enum State {
    /// Not polled yet.
    New(Instant),
    Sleeping(#[pin] Sleep),
    /// With the same moment of the clock that a parked thread wakes by.
    Parked(Instant, std::time::Instant),
}

impl Timer {
    /// Ready at `deadline`.
    pub const fn at(deadline: Instant) -> Self {
        Self(State::New(deadline))
    }

    /// Ready after `delay`. Reads the clock.
    pub fn after(delay: Duration) -> Self {
        let now = Instant::now();
        Self::at(now.checked_add(delay).unwrap_or_else(|| now + FAR))
    }

    /// When it is ready.
    pub fn deadline(&self) -> Instant {
        match &self.0 {
            State::New(deadline) | State::Parked(deadline, _) => *deadline,
            State::Sleeping(sleep) => sleep.deadline(),
        }
    }

    /// Is ready at `deadline` instead.
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let mut state = self.project().0;
        match state.as_mut().project() {
            StateProjection::Sleeping(sleep) => sleep.reset(deadline),
            StateProjection::New(_) | StateProjection::Parked(..) => {
                state.set(State::New(deadline));
            }
        }
    }
}

impl Future for Timer {
    type Output = ();

    /// # Panics
    ///
    /// Outside of a tokio runtime with a timer, unless the thread [blocks](block_on).
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.project().0;
        if let StateProjection::New(deadline) = state.as_mut().project() {
            let deadline = *deadline;
            state.set(if blocks(cx.waker()) {
                // tokio's clock may be paused: a thread that is parked would not see it move.
                let left = deadline.saturating_duration_since(Instant::now()).min(FAR);
                State::Parked(deadline, std::time::Instant::now() + left)
            } else {
                State::Sleeping(sleep_until(deadline))
            });
        }
        match state.project() {
            StateProjection::Sleeping(sleep) => sleep.poll(cx),
            StateProjection::Parked(_, until) if *until <= std::time::Instant::now() => {
                Poll::Ready(())
            }
            StateProjection::Parked(_, until) => {
                NEXT.set(Some(NEXT.get().map_or(*until, |next| next.min(*until))));
                Poll::Pending
            }
            StateProjection::New(_) => unreachable!("a timer that is polled is set"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[test]
    fn a_timer_needs_no_runtime_on_a_thread_that_blocks() {
        let start = std::time::Instant::now();
        block_on(async {
            Timer::after(SHORT).await;
            Timer::after(SHORT).await;
        });
        assert!(start.elapsed() >= 2 * SHORT);
    }

    #[test]
    fn a_blocking_call_inside_another_leaves_its_timers_alone() {
        let outer = async {
            let mut timer = pin!(Timer::after(SHORT));
            std::future::poll_fn(|cx| {
                let polled = timer.as_mut().poll(cx);
                // In the same poll, after the timer was registered.
                block_on(Timer::after(Duration::from_millis(1)));
                polled
            })
            .await;
        };
        block_on(outer);
        assert!(WAKER.get().is_null());
    }

    #[test]
    fn a_runtime_inside_a_blocking_call_uses_its_own_timer() {
        block_on(async {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
            let start = std::time::Instant::now();
            runtime.block_on(Timer::after(Duration::from_hours(1)));
            assert!(start.elapsed() < Duration::from_mins(1));
        });
    }

    #[test]
    fn another_thread_wakes_it() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let other = thread::spawn(move || sender.send(42).unwrap());
        assert_eq!(block_on(receiver), Ok(42));
        other.join().unwrap();
    }

    #[test]
    fn a_moment_that_never_comes_is_no_overflow() {
        let far = Timer::after(Duration::MAX);
        assert!(far.deadline() > Instant::now() + FAR / 2);
        let mut far = pin!(far);
        block_on(std::future::poll_fn(|cx| {
            assert!(far.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        }));
    }
}
