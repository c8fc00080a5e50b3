use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use seawall_core::{Attempt, Error, Rejection};

use super::{Settle, Start};

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
    Waiting {
        wait: W,
        start: S,
        attempt: Attempt,
    },
    Refused(Rejection),
    Over,
}

impl<P, W, S, Fut> LimitedFuture<P, W, S, Fut> {
    #[inline]
    pub(super) const fn running(permit: P, future: Fut) -> Self {
        Self { state: State::Running { future, permit: Some(permit) } }
    }

    pub(super) const fn waiting(wait: W, start: S, attempt: Attempt) -> Self {
        Self { state: State::Waiting { wait, start, attempt } }
    }

    pub(super) const fn refused(rejection: Rejection) -> Self {
        Self { state: State::Refused(rejection) }
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
        loop {
            match state.as_mut().project() {
                Projection::Running { future, permit } => {
                    // Success and failure are told apart first: a small output then stays in
                    // registers, where a whole `Result` is copied.
                    return Poll::Ready(match ready!(future.poll(cx)) {
                        Ok(output) => {
                            let permit = permit.take();
                            state.set(State::Over);
                            if let Some(permit) = permit {
                                permit.succeeded();
                            }
                            Ok(output)
                        }
                        Err(error) => Err(state.failed(error)),
                    });
                }
                Projection::Waiting { wait, .. } => {
                    let admitted = ready!(Pin::new(wait).poll(cx));
                    state.as_mut().leave_wait(admitted);
                }
                _ => return Poll::Ready(Err(state.refusal().into())),
            }
        }
    }
}

impl<P, W, S: Start<Future = Fut>, Fut> State<P, W, S, Fut> {
    #[cold]
    fn leave_wait(mut self: Pin<&mut Self>, admitted: Result<P, Rejection>) {
        let Owned::Waiting { start, attempt, .. } = self.as_mut().project_replace(Self::Over)
        else {
            unreachable!("only what waits leaves off waiting");
        };
        let next = match admitted {
            Ok(permit) => {
                // Held here meanwhile, so that a panic gives it back.
                let future = start.start(attempt.restart_clock());
                Self::Running { future, permit: Some(permit) }
            }
            Err(rejection) => Self::Refused(rejection),
        };
        self.set(next);
    }

    fn failed<E>(self: Pin<&mut Self>, error: Error<E>) -> Error<E>
    where
        P: Settle,
    {
        if let Owned::Running { permit: Some(permit), .. } = self.project_replace(Self::Over) {
            permit.failed(&error);
        }
        error
    }

    #[cold]
    fn refusal(self: Pin<&mut Self>) -> Rejection {
        match self.project_replace(Self::Over) {
            Owned::Refused(rejection) => rejection,
            _ => panic!("a call was polled after it was over"),
        }
    }
}

impl<P, W, S, Fut> fmt::Debug for LimitedFuture<P, W, S, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Running { .. } => "LimitedFuture::Running",
            State::Waiting { .. } => "LimitedFuture::Waiting",
            State::Refused(_) => "LimitedFuture::Refused",
            State::Over => "LimitedFuture::Over",
        })
    }
}
