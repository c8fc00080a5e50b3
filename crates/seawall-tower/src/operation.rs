//! A service as an operation.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use seawall::policy::{Classed, Label};
use seawall::{Attempt, Call, Classify, Error, Operation, PolicyKind, Reason, Rejection};
use tower_service::Service;

use crate::{CallOptions, Repeat};

/// A request to a service, as the call or the operation that policies wrap.
///
/// As a [`Call`] it sends the request itself. As an [`Operation`] each attempt but the last sends a
/// [copy](Repeat::copy) through a clone of the service; the last one that may follow sends the request
/// itself, so a single attempt copies nothing.
pub struct ServiceCall<'c, S, Req, C, O, R> {
    // Absent once the request itself was sent.
    unsent: Option<Unsent<S, Req>>,
    // How many attempts were started.
    started: u32,
    classifier: &'c C,
    options: &'c O,
    repeat: &'c R,
}

#[derive(Clone, Debug)]
struct Unsent<S, Req> {
    service: S,
    request: Req,
}

impl<'c, S, Req, C, O, R> ServiceCall<'c, S, Req, C, O, R> {
    /// `request`, for `service`. Outcomes are classed by `classifier`, attempts are prepared by
    /// `options`, and copies are made by `repeat`.
    pub const fn new(
        service: S,
        request: Req,
        classifier: &'c C,
        options: &'c O,
        repeat: &'c R,
    ) -> Self {
        Self { unsent: Some(Unsent { service, request }), started: 0, classifier, options, repeat }
    }
}

impl<S: Service<Req>, Req, C, O, R> Classed for ServiceCall<'_, S, Req, C, O, R> {
    type Answer = S::Response;
    type Error = S::Error;
}

impl<'c, S, Req, C, O, R> Call for ServiceCall<'c, S, Req, C, O, R>
where
    S: Service<Req>,
    C: Classify<S::Response, S::Error>,
    O: CallOptions<Req>,
{
    type Output = S::Response;
    type Error = C::Failure;
    type Future = ServiceFuture<'c, S, Req, C>;

    fn start(self, attempt: Attempt) -> Self::Future {
        ServiceFuture::new(self.unsent, attempt, self.classifier, self.options)
    }
}

impl<'c, S, Req, C, O, R> Operation for ServiceCall<'c, S, Req, C, O, R>
where
    S: Service<Req> + Clone,
    C: Classify<S::Response, S::Error>,
    O: CallOptions<Req>,
    R: Repeat<Req>,
{
    type Output = S::Response;
    type Error = C::Failure;
    type Future = ServiceFuture<'c, S, Req, C>;

    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        self.started = self.started.saturating_add(1);
        // By the count of starts, not by the attempt's number: an attempt that waits for admission
        // starts after one with a higher number.
        let is_last = attempt.max().is_some_and(|max| self.started >= max);
        let copy = match &self.unsent {
            Some(Unsent { service, request }) if !is_last => self
                .repeat
                .copy(request, &attempt)
                .map(|request| Unsent { service: service.clone(), request }),
            _ => None,
        };
        let unsent = copy.or_else(|| self.unsent.take());
        ServiceFuture::new(unsent, attempt, self.classifier, self.options)
    }

    fn is_repeatable(&self) -> bool {
        self.unsent.as_ref().is_some_and(|unsent| self.repeat.is_repeatable(&unsent.request))
    }
}

/// A request under way: first until the service is ready, then until it answers.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct ServiceFuture<'c, S: Service<Req>, Req, C> {
    // Until the service is ready: this instance of it, which gets the request.
    unsent: Option<Unsent<S, Req>>,
    // From then on. Neither is there where nothing was left to be sent.
    #[pin]
    answering: Option<S::Future>,
    classifier: &'c C,
}

impl<'c, S: Service<Req>, Req, C> ServiceFuture<'c, S, Req, C> {
    fn new<O: CallOptions<Req>>(
        mut unsent: Option<Unsent<S, Req>>,
        attempt: Attempt,
        classifier: &'c C,
        options: &O,
    ) -> Self {
        if let Some(Unsent { request, .. }) = &mut unsent {
            options.prepare(request, &attempt);
        }
        Self { unsent, answering: None, classifier }
    }
}

impl<S, Req, C> Future for ServiceFuture<'_, S, Req, C>
where
    S: Service<Req>,
    C: Classify<S::Response, S::Error>,
{
    type Output = Result<S::Response, Error<C::Failure>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(unsent) = this.unsent {
            if let Err(error) = ready!(unsent.service.poll_ready(cx)) {
                *this.unsent = None;
                return Poll::Ready(this.classifier.sort(Err(error)));
            }
            if let Some(Unsent { mut service, request }) = this.unsent.take() {
                this.answering.set(Some(service.call(request)));
            }
        }
        let Some(answering) = this.answering.as_pin_mut() else {
            return Poll::Ready(Err(nothing_left()));
        };
        Poll::Ready(this.classifier.sort(ready!(answering.poll(cx))))
    }
}

/// What an attempt ends with that a policy starts though the operation is not repeatable.
fn nothing_left<E>() -> Error<E> {
    let reason = Reason::Custom(Label::new("the request was sent and can't be copied"));
    Rejection::new("service".into(), PolicyKind::Pipeline, reason).into()
}

impl<S: Clone, Req: Clone, C, O, R> Clone for ServiceCall<'_, S, Req, C, O, R> {
    fn clone(&self) -> Self {
        Self { unsent: self.unsent.clone(), ..*self }
    }
}

impl<S, Req, C, O, R> fmt::Debug for ServiceCall<'_, S, Req, C, O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceCall").field("started", &self.started).finish_non_exhaustive()
    }
}

impl<S: Service<Req>, Req, C> fmt::Debug for ServiceFuture<'_, S, Req, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceFuture")
            .field("is_sent", &self.answering.is_some())
            .finish_non_exhaustive()
    }
}
