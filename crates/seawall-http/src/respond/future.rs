//! A request that is answered, whatever becomes of its future.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project::{pin_project, pinned_drop};
use seawall::guard::deadline::Scoped;
use seawall::{Error, Random};

use super::{AnswerBody, Contain};
use crate::Problem;

/// A request of a [`RespondService`](super::RespondService).
#[pin_project(PinnedDrop)]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct RespondFuture<Fut> {
    #[pin]
    state: State<Fut>,
    as_answer: AsAnswer,
}

#[pin_project(project = StateProjection)]
#[derive(Debug)]
enum State<Fut> {
    Called(#[pin] Scoped<Fut>),
    Failed(Problem),
    Over,
}

#[derive(Debug)]
pub(super) struct AsAnswer {
    pub(super) is_grpc: bool,
    pub(super) random: Random,
    pub(super) contain: Contain,
}

impl AsAnswer {
    fn of<B>(&self, problem: &Problem) -> Response<AnswerBody<B>> {
        let answer =
            if self.is_grpc { problem.to_grpc() } else { problem.to_response(&self.random) };
        answer.map(AnswerBody::text)
    }
}

impl<Fut> RespondFuture<Fut> {
    pub(super) fn new(called: Result<Scoped<Fut>, Problem>, as_answer: AsAnswer) -> Self {
        Self { state: called.map_or_else(State::Failed, State::Called), as_answer }
    }
}

impl<Fut, E, B> Future for RespondFuture<Fut>
where
    Fut: Future<Output = Result<Response<B>, Error<E>>>,
{
    type Output = Result<Response<AnswerBody<B>>, Infallible>;

    /// # Panics
    ///
    /// When polled after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let as_answer = &*this.as_answer;
        let answer = match this.state.as_mut().project() {
            StateProjection::Called(future) => match as_answer.contain.catch(|| future.poll(cx)) {
                Ok(polled) => match ready!(polled) {
                    Ok(answer) => answer.map(|it| AnswerBody::new(it, as_answer.contain.clone())),
                    Err(error) => as_answer.of(&Problem::of(&error)),
                },
                Err(caught) => as_answer.of(&caught.into()),
            },
            StateProjection::Failed(problem) => as_answer.of(problem),
            StateProjection::Over => panic!("a request was polled after it was answered"),
        };
        // What the request held is free before the answer goes out. A panic of that changes nothing.
        drop(as_answer.contain.catch(|| this.state.set(State::Over)));
        Poll::Ready(Ok(answer))
    }
}

#[pinned_drop]
impl<Fut> PinnedDrop for RespondFuture<Fut> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        drop(this.as_answer.contain.catch(|| this.state.set(State::Over)));
    }
}
