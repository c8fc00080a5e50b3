//! A request from its permit to the head of its answer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::Body;
use pin_project::pin_project;
use seawall::policy::Admission;
use seawall::{Error, Rejection};
use tower_service::Service;

use crate::body_guard::{BodyGuard, GuardedBody};

/// A request of a [`HoldService`](super::HoldService).
///
/// # Cancel safety
///
/// Dropped at any point it gives back its permit or its place in the queue.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct HoldFuture<S: Service<Req>, Req, P, W> {
    #[pin]
    state: State<S, Req, P, W>,
}

#[pin_project(project = StateProjection, project_replace = StateOwned)]
enum State<S: Service<Req>, Req, P, W> {
    /// There is no permit yet.
    Acquiring {
        #[pin]
        wait: W,
        call: (S, Req),
    },
    /// There is a permit, and the inner service is not ready yet.
    Readying {
        permit: P,
        call: (S, Req),
    },
    /// The inner service works on it.
    Called {
        #[pin]
        future: S::Future,
        permit: P,
    },
    Refused {
        refusal: Rejection,
    },
    Over,
}

impl<S: Service<Req>, Req, P, W> HoldFuture<S, Req, P, W> {
    pub(super) fn new(inner: S, request: Req, admission: Admission<P, W>) -> Self {
        let call = (inner, request);
        let state = match admission {
            Admission::Granted(permit) => State::Readying { permit, call },
            Admission::Waiting(wait) => State::Acquiring { wait, call },
            Admission::Refused(refusal) => State::Refused { refusal },
        };
        Self { state }
    }
}

impl<S, Req, P, W, B, E> Future for HoldFuture<S, Req, P, W>
where
    S: Service<Req, Response = Response<B>, Error = Error<E>>,
    W: Future<Output = Result<P, Rejection>>,
    P: BodyGuard,
    B: Body,
{
    type Output = Result<Response<GuardedBody<B, P>>, S::Error>;

    /// # Panics
    ///
    /// When polled after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            // What the state waits for comes first; then it is left, and what it held goes on.
            let (acquired, answered) = match state.as_mut().project() {
                StateProjection::Acquiring { wait, .. } => (Some(ready!(wait.poll(cx))), None),
                StateProjection::Readying { call: (inner, _), .. } => {
                    ready!(inner.poll_ready(cx))?;
                    (None, None)
                }
                StateProjection::Called { future, .. } => (None, Some(ready!(future.poll(cx)))),
                StateProjection::Refused { .. } | StateProjection::Over => (None, None),
            };
            match (state.as_mut().project_replace(State::Over), acquired, answered) {
                (StateOwned::Acquiring { call, .. }, Some(acquired), _) => {
                    state.set(State::Readying { permit: acquired?, call });
                }
                (StateOwned::Readying { permit, call: (mut inner, request) }, ..) => {
                    state.set(State::Called { future: inner.call(request), permit });
                }
                (StateOwned::Called { permit, .. }, _, Some(answered)) => {
                    return Poll::Ready(match answered {
                        Ok(answer) => Ok(answer.map(|body| GuardedBody::new(body, permit))),
                        Err(error) => {
                            permit.unanswered(error.is_timeout());
                            Err(error)
                        }
                    });
                }
                (StateOwned::Refused { refusal }, ..) => return Poll::Ready(Err(refusal.into())),
                _ => panic!("a request was polled after it was answered"),
            }
        }
    }
}

impl<S: Service<Req>, Req, P, W> fmt::Debug for HoldFuture<S, Req, P, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Acquiring { .. } => "Acquiring",
            State::Readying { .. } => "Readying",
            State::Called { .. } => "Called",
            State::Refused { .. } => "Refused",
            State::Over => "Over",
        })
    }
}
