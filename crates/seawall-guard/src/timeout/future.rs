//! A call that is cut off in time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::{Attempt, Error, Panicked, PolicyKind, TimedOut, TimedOutBy};
use tokio::time::Instant;

use super::expiry::Expiry;
use super::plan::{Due, by};
use super::policy::Identity;
use super::{Limit, Timeout, event};

/// A call with a [`Timeout`] around it.
///
/// The call is polled first, so an outcome that is there when the time runs out wins. The timer
/// is made when the call was pending for the first time. When the time runs out, the call is
/// dropped before the error is returned.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct TimeoutFuture<'p, Fut, L: Limit = Duration> {
    #[pin]
    state: State<Fut>,
    #[pin]
    expiry: Expiry,
    timeout: &'p Timeout<L>,
    decided: L::Decided,
    began: Option<Instant>,
    told: Told,
}

/// What came from further out, and is not needed again unless the call is pending.
struct Told {
    number: u32,
    max: u32,
    deadline: Option<Instant>,
}

#[pin_project(project = StateProjection)]
enum State<Fut> {
    Running(#[pin] Fut),
    /// Over, or never started because deciding how long it may take panicked.
    Over,
}

impl<'p, Fut, L: Limit> TimeoutFuture<'p, Fut, L> {
    /// A call that begins when it is first polled.
    #[inline]
    pub(super) fn lazy(timeout: &'p Timeout<L>, call: Option<Fut>, decided: L::Decided) -> Self {
        let state = call.map_or(State::Over, State::Running);
        let told = Told::new(&Attempt::first());
        Self { state, expiry: Expiry::Unset, timeout, decided, began: None, told }
    }

    /// A call that begins with `attempt`.
    #[inline]
    pub(super) fn begun(
        timeout: &'p Timeout<L>,
        call: Option<Fut>,
        decided: L::Decided,
        mut attempt: Attempt,
    ) -> Self {
        let began = Some(attempt.began());
        let told = Told::new(&attempt);
        Self { began, told, ..Self::lazy(timeout, call, decided) }
    }
}

impl Told {
    #[inline]
    fn new(attempt: &Attempt) -> Self {
        Self {
            number: attempt.number(),
            max: attempt.max().unwrap_or(0),
            deadline: attempt.deadline(),
        }
    }
}

impl<Fut, T, E, L> Future for TimeoutFuture<'_, Fut, L>
where
    Fut: Future<Output = Result<T, Error<E>>>,
    L: Limit,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let StateProjection::Running(call) = this.state.project() else { return self.refuse() };
        this.began.get_or_insert_with(Instant::now);
        match call.poll(cx) {
            Poll::Ready(Ok(output)) => {
                // What the call holds goes back before the caller resumes.
                self.project().state.set(State::Over);
                Poll::Ready(Ok(output))
            }
            Poll::Ready(Err(error)) => self.fail(error),
            Poll::Pending => {
                ready!(self.as_mut().poll_expiry(cx));
                self.cut_off(cx)
            }
        }
    }
}

// What a call which succeeds at once does not need is out of line, so that `poll` is small enough
// to disappear into its caller, and writes nothing but the output.
impl<Fut, L: Limit> TimeoutFuture<'_, Fut, L> {
    #[cold]
    #[inline(never)]
    fn fail<T, E>(self: Pin<&mut Self>, error: Error<E>) -> Poll<Result<T, Error<E>>> {
        self.project().state.set(State::Over);
        Poll::Ready(Err(error))
    }

    /// When the call began, how long it may take, and the deadline from further out.
    #[inline]
    fn times(&self) -> Option<(Instant, Duration, Option<Instant>)> {
        Some((self.began?, self.timeout.limit.of(&self.decided)?, self.told.deadline))
    }

    /// Ready once the time is up. To be polled after the call was pending.
    #[inline(never)]
    fn poll_expiry(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some((began, limit, outer)) = self.times() else { return Poll::Pending };
        self.project().expiry.poll_at(|| Due::of(began, limit, outer), cx)
    }

    #[cold]
    #[inline(never)]
    fn cut_off<T, E>(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Error<E>>> {
        let Some((began, limit, outer)) = self.times() else { return Poll::Pending };
        let this = self.as_mut().project();
        ready!(this.expiry.poll_last_chance(Due::of(began, limit, outer), cx));
        // What the call holds goes back before the caller resumes.
        self.as_mut().project().state.set(State::Over);
        let by = by(began, limit, outer);
        let attempt = Attempt::first().numbered(self.told.number, self.told.max);
        let error = cut_off(&self.timeout.identity, began, by, limit, attempt);
        Poll::Ready(Err(Error::TimedOut(error)))
    }

    /// The panic in deciding how long the call may take, once.
    #[cold]
    #[inline(never)]
    fn refuse<T, E>(self: Pin<&mut Self>) -> Poll<Result<T, Error<E>>> {
        let this = self.project();
        let identity = &this.timeout.identity;
        let Some(report) = L::take_panic(this.decided) else {
            panic!("a call with a timeout was polled after it was over");
        };
        event::panicked(identity, &report);
        let panicked = Panicked::in_callback(identity.name.clone(), PolicyKind::Timeout, report);
        Poll::Ready(Err(Error::from(panicked)))
    }
}

#[cold]
pub(super) fn cut_off(
    identity: &Identity,
    began: Instant,
    by: TimedOutBy,
    limit: Duration,
    attempt: Attempt,
) -> TimedOut {
    let now = Instant::now();
    let elapsed = now.saturating_duration_since(began);
    let name = identity.name.clone();
    let error = TimedOut::new(name, identity.scope, by, limit, elapsed, attempt);
    event::timed_out(identity, now, &error);
    error
}

impl<Fut, L: Limit> fmt::Debug for TimeoutFuture<'_, Fut, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutFuture")
            .field("timeout", self.timeout.name())
            .field("running", &matches!(self.state, State::Running(_)))
            .finish_non_exhaustive()
    }
}
