//! What is held to the end of a body.
//!
//! A permit in the future of a call ends with the head of the answer, and the body streams on without a
//! place. A [`GuardedBody`] holds the permit until the body has ended: read to its end, failed, or
//! dropped. [`HoldLayer`] takes one from a limit for each request.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project::{pin_project, pinned_drop};
use seawall::limit::adaptive::OwnedAdaptivePermit;
use seawall::limit::bulkhead::OwnedPermit;
use seawall::policy::catch;
use seawall::shutdown::{InFlight, OwnedInFlightGuard};
use seawall::{AdaptiveLimit, Breaker, Bulkhead, Class, Health, PolicyKind, Reason, Rejection};
use tower_layer::Layer;
use tower_service::Service;

use crate::class::{grpc_status, of_grpc};

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyEnd {
    /// It was read to its end.
    Complete {
        /// The status of gRPC in its trailers.
        grpc_status: Option<u32>,
    },
    /// It broke.
    Failed,
    /// It panicked.
    Panicked,
    /// It was dropped before its end. That says nothing about the side that it is from.
    Dropped,
}

/// Is held to the end of a body. Implemented by every `FnOnce(BodyEnd)`, and by [`Hold`].
pub trait BodyGuard {
    /// Whether the reader of the body waits for more from now on. Does nothing by default.
    fn waits(&mut self, waits: bool) {
        let _ = waits;
    }

    /// The body has ended.
    fn ended(self, end: BodyEnd);
}

impl<F: FnOnce(BodyEnd)> BodyGuard for F {
    fn ended(self, end: BodyEnd) {
        self(end);
    }
}

/// Holds a permit to the end of a body, whatever that is.
#[derive(Clone, Copy, Debug)]
pub struct Hold<P>(pub P);

impl<P> BodyGuard for Hold<P> {
    fn ended(self, _: BodyEnd) {}
}

/// Records a body that fails after its head was a success as one failure more of a circuit: one that
/// breaks, or whose trailers have a status of gRPC that is one. A body that is dropped says nothing.
///
/// The head's success comes before it, so it counts for a share of failures, not for failures in a row.
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use seawall::Breaker;
/// use seawall_http::{GuardedBody, body_guard::FailedBodies};
///
/// let breaker = Breaker::builder().build()?;
/// let body = GuardedBody::new(Full::<Bytes>::from("answer"), FailedBodies(breaker));
/// # drop(body);
/// # Ok::<_, seawall::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FailedBodies(pub Breaker);

impl BodyGuard for FailedBodies {
    fn ended(self, end: BodyEnd) {
        let class = match end {
            BodyEnd::Failed => Class::Transient,
            BodyEnd::Complete { grpc_status: Some(code) } => of_grpc(code, &HeaderMap::new()).class,
            BodyEnd::Complete { grpc_status: None } | BodyEnd::Panicked | BodyEnd::Dropped => {
                return;
            }
        };
        if class.health() == Health::Unhealthy {
            // The call was admitted for its head: this is no other call.
            self.0.acquire_regardless().failure(class);
        }
    }
}

/// A body that holds a guard until it has ended.
#[pin_project(PinnedDrop)]
pub struct GuardedBody<B, G: BodyGuard> {
    #[pin]
    body: B,
    // Absent once the body has ended.
    guard: Option<G>,
    has_panicked: bool,
}

/// A [`GuardedBody`] failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum GuardedBodyError<E> {
    /// The body's own error.
    Body(E),
    /// The body panicked, and the panic was caught: the stream is reset.
    Panicked,
}

impl<B: Body, G: BodyGuard> GuardedBody<B, G> {
    /// `body`, which holds `guard` until it has ended. A body that is over already ends at once.
    pub fn new(body: B, guard: G) -> Self {
        let mut guarded = Self { body, guard: Some(guard), has_panicked: false };
        if guarded.body.is_end_stream() {
            end(&mut guarded.guard, BodyEnd::Complete { grpc_status: None });
        }
        guarded
    }
}

/// A body that holds nothing: that of a refusal.
impl<B: From<String>, G: BodyGuard> From<String> for GuardedBody<B, G> {
    fn from(text: String) -> Self {
        Self { body: B::from(text), guard: None, has_panicked: false }
    }
}

fn end<G: BodyGuard>(guard: &mut Option<G>, how: BodyEnd) {
    if let Some(guard) = guard.take() {
        // A guard that panics must not take a stream with it that has ended well.
        drop(catch(|| guard.ended(how)));
    }
}

impl<B: Body, G: BodyGuard> Body for GuardedBody<B, G> {
    type Data = B::Data;
    type Error = GuardedBodyError<B::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Self::Error>>> {
        let mut this = self.project();
        if *this.has_panicked {
            return Poll::Ready(None);
        }
        let polled = catch(|| {
            let frame = this.body.as_mut().poll_frame(cx);
            frame.map(|frame| (frame, this.body.is_end_stream()))
        });
        let Ok(polled) = polled else {
            *this.has_panicked = true;
            end(this.guard, BodyEnd::Panicked);
            return Poll::Ready(Some(Err(GuardedBodyError::Panicked)));
        };
        if let Some(guard) = this.guard.as_mut() {
            guard.waits(polled.is_pending());
        }
        let (frame, is_last) = ready!(polled);
        match &frame {
            Some(Ok(frame)) if is_last || frame.is_trailers() => {
                let grpc_status = frame.trailers_ref().and_then(grpc_status);
                end(this.guard, BodyEnd::Complete { grpc_status });
            }
            Some(Ok(_)) => {}
            Some(Err(_)) => end(this.guard, BodyEnd::Failed),
            None => end(this.guard, BodyEnd::Complete { grpc_status: None }),
        }
        Poll::Ready(frame.map(|frame| frame.map_err(GuardedBodyError::Body)))
    }

    fn is_end_stream(&self) -> bool {
        self.has_panicked || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[pinned_drop]
impl<B, G: BodyGuard> PinnedDrop for GuardedBody<B, G> {
    fn drop(self: Pin<&mut Self>) {
        end(self.project().guard, BodyEnd::Dropped);
    }
}

impl<B, G: BodyGuard> fmt::Debug for GuardedBody<B, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody")
            .field("has_ended", &self.guard.is_none())
            .finish_non_exhaustive()
    }
}

impl<E: fmt::Display> fmt::Display for GuardedBodyError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(error) => error.fmt(f),
            Self::Panicked => f.write_str("the body panicked"),
        }
    }
}

impl<E: Error> Error for GuardedBodyError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Body(error) => error.source(),
            Self::Panicked => None,
        }
    }
}

/// What [`HoldLayer`] takes a permit from.
pub trait Acquire {
    /// What a request holds to the end of its answer's body.
    type Permit: BodyGuard;

    /// A permit, or why there is none.
    ///
    /// # Errors
    ///
    /// The refusal.
    fn try_acquire(&self) -> Result<Self::Permit, Rejection>;
}

impl Acquire for Bulkhead {
    type Permit = Hold<OwnedPermit>;

    fn try_acquire(&self) -> Result<Self::Permit, Rejection> {
        self.try_acquire_owned().map(Hold)
    }
}

/// An adaptive limit's permit at the end of a body. The time that the limit learns from is that of the
/// place, so that it compares like with like.
#[derive(Debug)]
pub struct AdaptiveHold(OwnedAdaptivePermit);

impl BodyGuard for AdaptiveHold {
    fn ended(mut self, end: BodyEnd) {
        // Given up otherwise: the place lingers, as the other side may go on.
        if end != BodyEnd::Dropped {
            self.0.sampled();
        }
    }
}

impl Acquire for AdaptiveLimit {
    type Permit = AdaptiveHold;

    fn try_acquire(&self) -> Result<Self::Permit, Rejection> {
        self.try_acquire_owned().map(AdaptiveHold)
    }
}

/// Counts what is in flight, so that a shutdown waits for the bodies too.
impl Acquire for InFlight {
    type Permit = Hold<OwnedInFlightGuard>;

    fn try_acquire(&self) -> Result<Self::Permit, Rejection> {
        let refused =
            |_| Rejection::new("in flight".into(), PolicyKind::Shutdown, Reason::ShuttingDown);
        self.try_acquire_owned().map(Hold).map_err(refused)
    }
}

/// Holds a permit of a limit for each request, to the end of the answer's body.
#[derive(Clone, Debug)]
pub struct HoldLayer<A> {
    from: A,
}

/// A service whose answers hold a permit, made by [`HoldLayer`].
#[derive(Clone, Debug)]
pub struct HoldService<S, A> {
    inner: S,
    from: A,
}

impl<A: Acquire + Clone> HoldLayer<A> {
    /// Takes permits from `from`: a [`Bulkhead`], an [`AdaptiveLimit`], or what a shutdown
    /// [waits for](InFlight).
    pub const fn new(from: A) -> Self {
        Self { from }
    }
}

impl<S, A: Clone> Layer<S> for HoldLayer<A> {
    type Service = HoldService<S, A>;

    fn layer(&self, inner: S) -> Self::Service {
        HoldService { inner, from: self.from.clone() }
    }
}

impl<S, A, B, Bo> Service<Request<B>> for HoldService<S, A>
where
    S: Service<Request<B>, Response = Response<Bo>, Error: From<Rejection>>,
    A: Acquire,
    Bo: Body,
{
    type Response = Response<GuardedBody<Bo, A::Permit>>;
    type Error = S::Error;
    type Future = HoldFuture<S::Future, A::Permit>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let state = match self.from.try_acquire() {
            Ok(permit) => State::Called { future: self.inner.call(request), permit: Some(permit) },
            Err(refusal) => State::Refused { refusal: Some(refusal) },
        };
        HoldFuture { state }
    }
}

/// A request of a [`HoldService`].
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct HoldFuture<Fut, P> {
    #[pin]
    state: State<Fut, P>,
}

#[pin_project(project = StateProjection)]
#[derive(Debug)]
enum State<Fut, P> {
    Called {
        #[pin]
        future: Fut,
        permit: Option<P>,
    },
    Refused {
        refusal: Option<Rejection>,
    },
}

impl<Fut, P, B, E> Future for HoldFuture<Fut, P>
where
    Fut: Future<Output = Result<Response<B>, E>>,
    P: BodyGuard,
    B: Body,
    E: From<Rejection>,
{
    type Output = Result<Response<GuardedBody<B, P>>, E>;

    /// # Panics
    ///
    /// When polled after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Called { future, permit } => {
                let answer = ready!(future.poll(cx))?;
                let permit = permit.take().expect("a request was polled after it was answered");
                Poll::Ready(Ok(answer.map(|body| GuardedBody::new(body, permit))))
            }
            StateProjection::Refused { refusal } => {
                let refusal = refusal.take().expect("a request was polled after it was refused");
                Poll::Ready(Err(refusal.into()))
            }
        }
    }
}
