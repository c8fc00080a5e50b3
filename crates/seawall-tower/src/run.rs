//! A request on its way through a pipeline, which it borrows.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use seawall::policy::Failure;
use seawall::{Call, Classify, Error, Policy};
use tower_service::Service;

use crate::{CallOptions, PipelineLayer, ServiceCall};

/// What a pipeline makes of a request to a service.
// Not the facade's `PolicyCall`, whose future would be moved once more: 100 instructions a call.
pub(crate) type Wrapped<'p, S, Req, P, C, O, R> =
    <P as Policy>::Wrapped<'p, ServiceCall<'p, S, Req, C, O, R>>;

type Running<'p, S, Req, P, C, O, R> = <Wrapped<'p, S, Req, P, C, O, R> as Call>::Future;

/// A request on its way through a pipeline. It does nothing before it is first polled.
#[expect(explicit_outlives_requirements, reason = "the projections don't compile without it")]
#[pin_project(project = RunProjection, project_replace = RunOwned)]
pub(crate) enum Run<'p, S, Req, P, C, O, R>
where
    P: Policy + 'p,
    Wrapped<'p, S, Req, P, C, O, R>: Call,
{
    /// Not polled yet.
    Idle { inner: S, request: Req, layer: &'p PipelineLayer<P, C, O, R> },
    /// Started.
    Running {
        #[pin]
        future: Running<'p, S, Req, P, C, O, R>,
    },
    /// Over, or starting panicked.
    Done,
}

impl<'p, S, Req, P, C, O, R> Run<'p, S, Req, P, C, O, R>
where
    P: Policy,
    Wrapped<'p, S, Req, P, C, O, R>: Call,
{
    pub(crate) const fn new(layer: &'p PipelineLayer<P, C, O, R>, inner: S, request: Req) -> Self {
        Self::Idle { inner, request, layer }
    }
}

impl<'p, S, Req, P, C, O, R> Future for Run<'p, S, Req, P, C, O, R>
where
    S: Service<Req>,
    P: Policy,
    O: CallOptions<Req>,
    C: Classify<S::Response, S::Error>,
    Wrapped<'p, S, Req, P, C, O, R>: Call<Output = S::Response, Error = C::Failure>,
{
    type Output = Result<S::Response, Error<S::Error>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let RunProjection::Idle { .. } = self.as_mut().project()
            && let RunOwned::Idle { inner, request, layer } =
                self.as_mut().project_replace(Self::Done)
        {
            let PipelineLayer { pipeline, options, repeat } = layer;
            let first = options.first_attempt_contained(&request, pipeline.name())?;
            let call = ServiceCall::new(inner, request, pipeline.classifier(), options, repeat);
            let future = pipeline.policy().wrap(call).start(first);
            self.as_mut().project_replace(Self::Running { future });
        }
        let RunProjection::Running { future } = self.as_mut().project() else {
            panic!("a call was polled after it was over");
        };
        // All that the call holds is dropped before the caller resumes. Success and failure apart, as
        // a small output then stays in registers.
        match ready!(future.poll(cx)) {
            Ok(output) => {
                self.project_replace(Self::Done);
                Poll::Ready(Ok(output))
            }
            Err(error) => {
                self.project_replace(Self::Done);
                Poll::Ready(C::Failure::settle(error))
            }
        }
    }
}

impl<'p, S, Req, P, C, O, R> fmt::Debug for Run<'p, S, Req, P, C, O, R>
where
    P: Policy,
    Wrapped<'p, S, Req, P, C, O, R>: Call,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle { .. } => "Idle",
            Self::Running { .. } => "Running",
            Self::Done => "Done",
        })
    }
}
