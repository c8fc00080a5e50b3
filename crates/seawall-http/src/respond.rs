//! The outermost layer of a server: each failure of ours becomes an answer.

use http::{HeaderMap, StatusCode};
use seawall::policy::catch;
use seawall::{Deadline, PanicGuard, Random};
use tower_layer::Layer;

use crate::{DeadlineReader, Problem};

mod body;
mod future;
mod service;

pub use body::{AnswerBody, AnswerBodyError};
pub use future::RespondFuture;
pub use service::RespondService;

/// Answers each request, whatever happens inside: an `Err` never reaches the server, which would close
/// the connection for it. See [`Problem`] for the answers.
///
/// A panic of the handler is an answer of 500, wherever it happens: in the call, at a poll, when the
/// future is dropped. A panic of the answer's body resets the stream, since the head is out. Both are
/// reported by the [panic guard](Self::panic_guard).
///
/// With a [`DeadlineReader`] it reads the deadline of a request first. The deadline is in the request's
/// extensions, where [`RequestOptions`](crate::RequestOptions) finds it, and is the
/// [scope](Deadline::scope) in which the handler runs, so that the calls that it makes keep to it. A
/// malformed `grpc-timeout` is answered with 400.
///
/// ```
/// use std::time::Duration;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use bytes::Bytes;
/// use seawall::{Bulkhead, Pipeline};
/// use seawall_http::{DeadlineReader, RequestOptions, RespondLayer};
/// use seawall_tower::PipelineLayer;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pipeline = Pipeline::builder("shop")
///     .bulkhead(100)
///     .timeout(Duration::from_secs(10))
///     .guard_panics()
///     .build()?;
/// let service = ServiceBuilder::new()
///     .layer(RespondLayer::new().deadlines(DeadlineReader::new(Duration::from_secs(10))))
///     .layer(PipelineLayer::new(pipeline).options(RequestOptions::new()))
///     .service(service_fn(async |_: Request<Full<Bytes>>| {
///         if true {
///             panic!("a bug");
///         }
///         Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from("hello")))
///     }));
/// let answer = service.oneshot(Request::new(Full::default())).await?;
/// assert_eq!(answer.status(), 500);
/// assert_eq!(answer.headers()["content-type"], "application/problem+json");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct RespondLayer {
    random: Random,
    deadlines: Option<DeadlineReader>,
    contain: Contain,
}

impl RespondLayer {
    /// Answers failures.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the deadlines of requests.
    #[must_use]
    pub fn deadlines(mut self, reader: DeadlineReader) -> Self {
        self.deadlines = Some(reader);
        self
    }

    /// Counts and reports the panics that are caught. Without it they are caught all the same, and
    /// only the process's panic hook sees them.
    #[must_use]
    pub fn panic_guard(mut self, guard: PanicGuard) -> Self {
        self.contain = Contain(Some(guard));
        self
    }

    /// Spreads `Retry-After` by this source of chance.
    #[must_use]
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    fn read(&self, headers: &HeaderMap) -> Result<Deadline, Problem> {
        let Some(reader) = &self.deadlines else { return Ok(Deadline::NEVER) };
        let malformed = |_| Problem::new(StatusCode::BAD_REQUEST, "malformed_deadline");
        reader.read(headers).map_err(malformed)
    }
}

impl<S> Layer<S> for RespondLayer {
    type Service = RespondService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RespondService::new(inner, self.clone())
    }
}

/// Catches panics of what is inside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contain(Option<PanicGuard>);

/// A panic was caught.
#[derive(Debug)]
pub(crate) struct Caught;

impl Contain {
    pub(crate) const fn silent() -> Self {
        Self(None)
    }

    fn catch<R>(&self, work: impl FnOnce() -> R) -> Result<R, Caught> {
        match &self.0 {
            Some(guard) => guard.catch(work).map_err(|_| Caught),
            None => catch(work).map_err(|_| Caught),
        }
    }
}

impl From<Caught> for Problem {
    fn from(_: Caught) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "panicked")
    }
}
