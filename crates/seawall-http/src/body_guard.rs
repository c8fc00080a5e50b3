//! What is held to the end of a body.
//!
//! A permit in the future of a call ends with the head of the answer, and the body streams on without a
//! place. A [`GuardedBody`] holds the permit until the body has ended: read to its end, failed, or
//! dropped. [`HoldLayer`](crate::HoldLayer) takes one from a limit for each request.

use http::HeaderMap;
use seawall::{Breaker, Class, Health};

use crate::class::of_grpc;

mod body;

pub use body::GuardedBody;

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

    /// There is no answer, so no body: the call was cut off in time or failed in another way. Drops the
    /// guard by default.
    fn unanswered(self, timed_out: bool)
    where
        Self: Sized,
    {
        let _ = timed_out;
    }
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
