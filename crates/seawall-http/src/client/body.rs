//! The body of an answer, which holds its place to the end.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;
use seawall::limit::StreamPermit;
use seawall::{Breaker, Health, StandardPipeline};

use super::first_frame::Peeked;
use crate::body_guard::FailedBodies;
use crate::class::of_grpc;
use crate::{BodyEnd, BodyGuard, GuardedBody, HttpOutcomes};

/// The body of an answer. It holds a place of the authority's limit until it has ended, and one that
/// breaks is a failure more of the authority; one that is dropped says nothing.
#[pin_project]
pub struct ClientBody<B: Body + Unpin>(#[pin] GuardedBody<Peeked<B>, AnswerGuard>);

/// What an answer holds to the end of its body. The class and the time of the call were recorded at the
/// head.
#[derive(Debug, Default)]
struct AnswerGuard {
    place: Option<StreamPermit>,
    breaker: Option<Breaker>,
}

impl BodyGuard for AnswerGuard {
    fn waits(&mut self, waits: bool) {
        if let Some(place) = &mut self.place {
            place.waits(waits);
        }
    }

    fn ended(self, end: BodyEnd) {
        if let Some(place) = self.place {
            match end {
                BodyEnd::Failed => place.failed(),
                BodyEnd::Complete { grpc_status: Some(code) } if is_failure(code) => place.failed(),
                BodyEnd::Complete { .. } => place.completed(),
                BodyEnd::Panicked | BodyEnd::Dropped => drop(place),
            }
        }
        if let Some(breaker) = self.breaker {
            FailedBodies(breaker).ended(end);
        }
    }
}

fn is_failure(code: u32) -> bool {
    of_grpc(code, &HeaderMap::new()).class.health() == Health::Unhealthy
}

/// The body of an answer that came through `pipeline`.
pub(super) fn guarded<B: Body + Unpin>(
    body: Peeked<B>,
    pipeline: &Arc<StandardPipeline<HttpOutcomes>>,
) -> ClientBody<B> {
    if body.is_end_stream() {
        return ClientBody(GuardedBody::new(body, AnswerGuard::default()));
    }
    let place = pipeline.congestion_control().map(seawall::CongestionControl::stream);
    let breaker = pipeline.breaker().cloned();
    ClientBody(GuardedBody::new(body, AnswerGuard { place, breaker }))
}

impl<B: Body + Unpin> Body for ClientBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Self::Error>>> {
        self.project().0.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl<B: Body + Unpin> fmt::Debug for ClientBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientBody").field(&self.0).finish()
    }
}
