use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use seawall_core::{Attempt, Error, Rare, Rejection};

use super::{Admission, Said, Settle, Start};

/// A call behind a limit: it waits for its permit, if it has to, and then runs.
///
/// # Cancel safety
///
/// Dropped while it waits, it gives up its place; dropped while it runs, it gives its permit back.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct LimitedFuture<P, W, S, Fut> {
    #[pin]
    state: State<P, W, S, Fut>,
}

#[pin_project(project = Projection, project_replace = Owned)]
enum State<P, W, S, Fut> {
    Running {
        // Before the permit: what is inside ends before its permit goes to the next.
        #[pin]
        future: Fut,
        // Taken out when the call is over.
        permit: Option<P>,
    },
    /// Not let in at once, or over. Moved in and out of calls instead of lent to them, and dropped out
    /// of line: what no call can reach stays in registers while nobody waits.
    Out(Rare<Out<P, W, S, Fut>>),
}

enum Out<P, W, S, Fut> {
    Refused(Rejection),
    Late(Pin<Box<Late<P, W, S, Fut>>>),
}

/// A call that was not let in at once.
// What is taken when it starts is an `Option`.
#[pin_project(project = LateProjection)]
enum Late<P, W, S, Fut> {
    Waiting { wait: W, start: Option<S>, attempt: Attempt },
    Granted { permit: Option<P>, start: Option<S>, attempt: Attempt },
    Started(#[pin] LimitedFuture<P, W, S, Fut>),
}

impl<P, W, S, Fut> LimitedFuture<P, W, S, Fut> {
    #[inline]
    pub(super) const fn running(permit: P, future: Fut) -> Self {
        Self { state: State::Running { future, permit: Some(permit) } }
    }

    /// What was not let in at once.
    #[inline]
    pub(super) fn late((said, attempt): Said<P, W>, start: impl FnOnce() -> S) -> Self {
        let late = |late| Out::Late(Box::pin(late));
        let out = match said {
            Admission::Granted(permit) => {
                let (permit, start) = (Some(permit), Some(start()));
                late(Late::Granted { permit, start, attempt })
            }
            Admission::Waiting(wait) => late(Late::Waiting { wait, start: Some(start()), attempt }),
            Admission::Refused(rejection) => Out::Refused(rejection),
        };
        Self { state: State::Out(Rare::some(out)) }
    }
}

impl<P, W, S, Fut, T, E> Future for LimitedFuture<P, W, S, Fut>
where
    P: Settle,
    W: Future<Output = Result<P, Rejection>> + Unpin,
    S: Start<Future = Fut>,
    Fut: Future<Output = Result<T, Error<E>>>,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        match state.as_mut().project() {
            // Success and failure are told apart first: a small output then stays in registers,
            // where a whole `Result` is copied.
            Projection::Running { future, permit } => match ready!(future.poll(cx)) {
                Ok(output) => {
                    let permit = permit.take();
                    state.project_replace(State::Out(Rare::none()));
                    if let Some(permit) = permit {
                        permit.succeeded();
                    }
                    Poll::Ready(Ok(output))
                }
                Err(error) => {
                    let permit = permit.take();
                    state.project_replace(State::Out(Rare::none()));
                    if let Some(permit) = permit {
                        permit.failed(&error);
                    }
                    Poll::Ready(Err(error))
                }
            },
            Projection::Out(out) => match out.take() {
                Some(Out::Refused(rejection)) => Poll::Ready(Err(rejection.into())),
                Some(Out::Late(late)) => match late.go_on(cx) {
                    Ok(outcome) => Poll::Ready(outcome),
                    Err(late) => {
                        out.put(Out::Late(late));
                        Poll::Pending
                    }
                },
                None => over(),
            },
        }
    }
}

impl<P, W, S, Fut, T, E> Late<P, W, S, Fut>
where
    P: Settle,
    W: Future<Output = Result<P, Rejection>> + Unpin,
    S: Start<Future = Fut>,
    Fut: Future<Output = Result<T, Error<E>>>,
{
    /// The outcome, or itself, if there is none yet.
    #[cold]
    #[inline(never)]
    fn go_on(
        mut self: Pin<Box<Self>>,
        cx: &mut Context<'_>,
    ) -> Result<Fut::Output, Pin<Box<Self>>> {
        match self.as_mut().project() {
            LateProjection::Waiting { wait, start, attempt } => match Pin::new(wait).poll(cx) {
                Poll::Pending => return Err(self),
                Poll::Ready(Err(rejection)) => return Ok(Err(rejection.into())),
                Poll::Ready(Ok(permit)) => {
                    // Held here while the call is started, so that a panic gives it back.
                    let start = start.take().unwrap_or_else(|| over());
                    let future = start.start(attempt.restart_clock());
                    self.set(Self::Started(LimitedFuture::running(permit, future)));
                }
            },
            LateProjection::Granted { permit, start, attempt } => {
                let permit = permit.take().unwrap_or_else(|| over());
                let start = start.take().unwrap_or_else(|| over());
                let future = start.start(*attempt);
                self.set(Self::Started(LimitedFuture::running(permit, future)));
            }
            LateProjection::Started(_) => {}
        }
        let LateProjection::Started(started) = self.as_mut().project() else { over() };
        match started.poll(cx) {
            Poll::Ready(outcome) => Ok(outcome),
            Poll::Pending => Err(self),
        }
    }
}

#[cold]
fn over() -> ! {
    panic!("a call was polled after it was over")
}

impl<P, W, S, Fut> fmt::Debug for LimitedFuture<P, W, S, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.state {
            State::Running { .. } => "LimitedFuture::Running",
            State::Out(out) => match out.as_ref() {
                Some(Out::Refused(_)) => "LimitedFuture::Refused",
                Some(Out::Late(_)) => "LimitedFuture::Late",
                None => "LimitedFuture::Over",
            },
        })
    }
}
