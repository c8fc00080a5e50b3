//! An attempt that may have a fault.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::{Attempt, Error, Timer};

use crate::Chaos;
use crate::held::Later;
use crate::machine::Fault;
use crate::shared::InFlight;

/// An attempt with [`Chaos`](crate::Chaos) around it.
///
/// Dropping it at any point gives its place back; where a delay is not over, the operation was never
/// started.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct ChaosFuture<'p, S, Fut, T, E, F, G, C> {
    chaos: &'p Chaos<F, G, C>,
    /// Whether the outcome counts.
    counted: bool,
    #[pin]
    state: State<'p, S, Fut, T, E>,
}

#[pin_project(project = StateProjection)]
enum State<'p, S, Fut, T, E> {
    Running(#[pin] Fut, Option<InFlight<'p>>),
    Delayed(Pin<Box<Timer>>, Option<(S, Attempt, InFlight<'p>)>),
    /// The outcome is there.
    Made(Option<(Result<T, Error<E>>, InFlight<'p>)>),
    Panics(InFlight<'p>),
    Never(InFlight<'p>),
}

impl<'p, S, Fut, T, E, F, G, C> ChaosFuture<'p, S, Fut, T, E, F, G, C> {
    pub(crate) fn passing(chaos: &'p Chaos<F, G, C>, counted: bool, inner: Fut) -> Self {
        Self { chaos, counted, state: State::Running(inner, None) }
    }

    pub(crate) fn with_fault(
        chaos: &'p Chaos<F, G, C>,
        fault: Fault,
        made: Option<Result<T, Error<E>>>,
        in_flight: InFlight<'p>,
        attempt: Attempt,
        later: impl FnOnce() -> S,
    ) -> Self {
        let delayed = |delay: Duration, in_flight| {
            let start = (later(), attempt.restart_clock(), in_flight);
            State::Delayed(Box::pin(Timer::after(delay)), Some(start))
        };
        let state = match (fault, made) {
            (_, Some(result)) => State::Made(Some((result, in_flight))),
            (Fault::Latency(delay), None) => delayed(delay, in_flight),
            (Fault::Panic, None) => State::Panics(in_flight),
            (Fault::Never, None) => State::Never(in_flight),
            // A share was given, but nothing that makes it: can't be built.
            (Fault::Error | Fault::Outcome, None) => delayed(Duration::ZERO, in_flight),
        };
        Self { chaos, counted: true, state }
    }
}

impl<S, Fut, T, E, F, G, C> Future for ChaosFuture<'_, S, Fut, T, E, F, G, C>
where
    S: Later<Future = Fut>,
    Fut: Future<Output = Result<T, Error<E>>>,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// Where that is the fault that was drawn, and when polled after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let result = loop {
            match this.state.as_mut().project() {
                StateProjection::Running(inner, _) => break ready!(inner.poll(cx)),
                StateProjection::Delayed(sleep, start) => {
                    ready!(sleep.as_mut().poll(cx));
                    let (start, attempt, in_flight) =
                        start.take().expect("an attempt was polled after starting it panicked");
                    let inner = start.begin(attempt);
                    this.state.set(State::Running(inner, Some(in_flight)));
                }
                StateProjection::Made(result) => {
                    let made = result.take();
                    break made.expect("an attempt was polled after it was over").0;
                }
                StateProjection::Panics(_) => {
                    this.chaos.shared.ended(false);
                    panic!("injected by chaos '{}'", this.chaos.name());
                }
                StateProjection::Never(_) => return Poll::Pending,
            }
        };
        if *this.counted {
            this.chaos.shared.ended(result.is_ok());
        }
        Poll::Ready(result)
    }
}

impl<S, Fut, T, E, F, G, C> fmt::Debug for ChaosFuture<'_, S, Fut, T, E, F, G, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChaosFuture").field("chaos", self.chaos.name()).finish_non_exhaustive()
    }
}
