//! The loops in which calls are made. There are three, and every case uses one of them:
//! [`plain`] for code that is no future, [`polled`] for a future that is ready when it is first polled,
//! [`in_runtime`] for one that has to wait.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::Work;
use crate::operation;

/// What one call has to result in: its outcome, and how often the operation runs for it.
struct Expected<R> {
    outcome: fn(&R) -> bool,
    operations: Operations,
}

#[derive(Clone, Copy)]
enum Operations {
    Each(u64),
    Untold,
}

impl<R> Expected<R> {
    fn check(&self, times: u64, mut call: impl FnMut() -> R) -> Result<(), String> {
        let before = operation::runs();
        for n in 1..=times {
            if !(self.outcome)(&call()) {
                return Err(format!("call {n} did not have the expected outcome"));
            }
        }
        let ran = operation::runs() - before;
        match self.operations {
            Operations::Each(each) if ran != each * times => Err(format!(
                "the operation ran {ran} times in {times} calls instead of {each} times a call"
            )),
            _ => Ok(()),
        }
    }
}

/// Polls a future that has to be ready at once.
#[expect(
    clippy::inline_always,
    reason = "out of line, the future would be moved into it, which an `.await` does not do: large \
              futures would pay for the bench"
)]
#[inline(always)]
pub fn poll<F: Future>(future: F, cx: &mut Context<'_>) -> F::Output {
    match pin!(future).poll(cx) {
        Poll::Ready(output) => output,
        Poll::Pending => not_ready(),
    }
}

#[cold]
fn not_ready() -> ! {
    panic!("a future that should be ready at once is pending")
}

/// Calls that are no futures, `operations` runs of the operation each.
pub fn plain<R: 'static>(
    mut call: impl FnMut() -> R + 'static,
    outcome: fn(&R) -> bool,
) -> Box<dyn Work> {
    let expected = Expected { outcome, operations: Operations::Untold };
    Box::new(Polled { call: move |_: &mut Context<'_>| call(), expected })
}

/// Calls that are ready when first polled: `|cx| poll(policy.call(ready()), cx)`. The waker is a
/// no-op and there is no runtime around. Every call has to satisfy `outcome` and to have run
/// the operation `operations` times.
pub fn polled<R: 'static>(
    call: impl FnMut(&mut Context<'_>) -> R + 'static,
    operations: u64,
    outcome: fn(&R) -> bool,
) -> Box<dyn Work> {
    let expected = Expected { outcome, operations: Operations::Each(operations) };
    Box::new(Polled { call, expected })
}

/// Like [`polled`], within a current-thread runtime: for futures that need its timer or its context even
/// where they are ready at once. The runtime is entered once, not for each call.
pub fn polled_in_runtime<R: 'static>(
    call: impl FnMut(&mut Context<'_>) -> R + 'static,
    operations: u64,
    outcome: fn(&R) -> bool,
) -> Box<dyn Work> {
    Box::new(Entered { runtime: runtime(), work: polled(call, operations, outcome) })
}

/// Like [`polled_in_runtime`], where also the preparation needs the runtime around it.
pub fn prepared_in_runtime(prepare: impl FnOnce() -> Box<dyn Work>) -> Box<dyn Work> {
    let runtime = runtime();
    let work = runtime.block_on(async { prepare() });
    Box::new(Entered { work, runtime })
}

struct Entered {
    // Dropped first: it may hold values that must be dropped before the runtime.
    work: Box<dyn Work>,
    runtime: tokio::runtime::Runtime,
}

impl Work for Entered {
    fn check(&mut self, times: u64) -> Result<(), String> {
        self.runtime.block_on(async { self.work.check(times) })
    }

    fn run(&mut self, calls: u64) {
        // All calls are made within one poll: the budget that makes a task give way to others would
        // run out after the first hundred.
        self.runtime.block_on(tokio::task::unconstrained(async { self.work.run(calls) }));
    }
}

/// The runtime of all cases that need one: current-thread, with a timer.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a current-thread runtime")
}

struct Polled<F, R> {
    call: F,
    expected: Expected<R>,
}

impl<F: FnMut(&mut Context<'_>) -> R, R> Work for Polled<F, R> {
    fn check(&mut self, times: u64) -> Result<(), String> {
        let mut cx = Context::from_waker(Waker::noop());
        let (outcome, operations) = (self.expected.outcome, self.expected.operations);
        Expected { outcome: |well| *well, operations }
            .check(times, || self.one(&mut cx, Some(outcome)))
    }

    #[inline(never)]
    fn run(&mut self, calls: u64) {
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..calls {
            self.one(&mut cx, None);
        }
    }
}

impl<F: FnMut(&mut Context<'_>) -> R, R> Polled<F, R> {
    // A call of its own, as it is one in a program: without this a loop lets the optimiser carry
    // its knowledge of one call into the next, and lift work out. The outcome is checked in place:
    // moving it is no cost of the call. This is the only place that makes the
    // call, or it would not be inlined here.
    #[inline(never)]
    fn one(&mut self, cx: &mut Context<'_>, outcome: Option<fn(&R) -> bool>) -> bool {
        let came_to = (self.call)(cx);
        if let Some(well) = outcome {
            return well(&came_to);
        }
        black_box(&came_to);
        true
    }
}

/// The loop alone.
pub fn empty() -> Box<dyn Work> {
    Box::new(Empty)
}

struct Empty;

impl Work for Empty {
    fn check(&mut self, _: u64) -> Result<(), String> {
        Ok(())
    }

    #[inline(never)]
    fn run(&mut self, calls: u64) {
        for call in 0..calls {
            black_box(call);
        }
    }
}

/// Calls that wait, on a current-thread runtime with a timer: `async || policy.call(..).await`.
///
/// # Panics
///
/// When the system gives no runtime.
pub fn in_runtime<R: 'static>(
    call: impl AsyncFnMut() -> R + 'static,
    operations: u64,
    outcome: fn(&R) -> bool,
) -> Box<dyn Work> {
    in_runtime_with(|| call, operations, outcome)
}

/// Like [`in_runtime`], where also the preparation needs the runtime around it.
///
/// # Panics
///
/// When the system gives no runtime.
pub fn in_runtime_with<F, R>(
    prepare: impl FnOnce() -> F,
    operations: u64,
    outcome: fn(&R) -> bool,
) -> Box<dyn Work>
where
    F: AsyncFnMut() -> R + 'static,
    R: 'static,
{
    let expected = Expected { outcome, operations: Operations::Each(operations) };
    let runtime = runtime();
    let call = runtime.block_on(async { prepare() });
    Box::new(InRuntime { call, runtime, expected })
}

struct InRuntime<F, R> {
    // Dropped first: it may hold values that must be dropped before the runtime.
    call: F,
    runtime: tokio::runtime::Runtime,
    expected: Expected<R>,
}

impl<F: AsyncFnMut() -> R, R> Work for InRuntime<F, R> {
    fn check(&mut self, times: u64) -> Result<(), String> {
        let Self { runtime, call, expected } = self;
        expected.check(times, || runtime.block_on(call()))
    }

    #[inline(never)]
    fn run(&mut self, calls: u64) {
        self.runtime.block_on(async {
            for _ in 0..calls {
                black_box(&(self.call)().await);
            }
        });
    }
}
