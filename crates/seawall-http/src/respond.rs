//! The outermost layer of a server: each failure of ours becomes an answer.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Request, Response, StatusCode, header};
use pin_project::pin_project;
use seawall::{Deadline, Error, Random};
use tower_layer::Layer;
use tower_service::Service;

use crate::{DeadlineReader, Problem};

/// Answers each request, whatever the policies inside do: an `Err` never reaches the server, which
/// would close the connection for it. See [`Problem`] for the answers.
///
/// With a [`DeadlineReader`] it reads the deadline of a request first. The deadline is in the request's
/// extensions, where [`RequestOptions`](crate::RequestOptions) finds it; a malformed `grpc-timeout` is
/// answered with 400.
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
}

/// A service that answers each request, made by [`RespondLayer`].
#[derive(Debug)]
pub struct RespondService<S> {
    inner: S,
    layer: RespondLayer,
    /// Of the inner service's readiness: the answer to the next request.
    failed: Option<Problem>,
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

    /// Spreads `Retry-After` by this source of chance.
    #[must_use]
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    fn read(&self, headers: &HeaderMap) -> Result<Option<Deadline>, Problem> {
        let Some(reader) = &self.deadlines else { return Ok(None) };
        let malformed = || Problem::new(StatusCode::BAD_REQUEST, "malformed_deadline");
        reader.read(headers).map(Some).map_err(|_| malformed())
    }
}

impl<S> Layer<S> for RespondLayer {
    type Service = RespondService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RespondService { inner, layer: self.clone(), failed: None }
    }
}

impl<S, E, B, Body> Service<Request<B>> for RespondService<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Error<E>>,
    Body: From<String>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = RespondFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.failed.is_none()
            && let Err(error) = ready!(self.inner.poll_ready(cx))
        {
            self.failed = Some(Problem::of(&error));
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let content = request.headers().get(header::CONTENT_TYPE);
        let is_grpc = content.is_some_and(|it| it.as_bytes().starts_with(b"application/grpc"));
        let as_answer = AsAnswer { is_grpc, random: self.layer.random.clone() };
        let failed = match self.failed.take() {
            Some(problem) => Err(problem),
            None => self.layer.read(request.headers()),
        };
        let state = match failed {
            Ok(deadline) => {
                if let Some(deadline) = deadline {
                    request.extensions_mut().insert(deadline);
                }
                State::Called { future: self.inner.call(request) }
            }
            Err(problem) => State::Failed { problem },
        };
        RespondFuture { state, as_answer }
    }
}

/// A request of a [`RespondService`].
#[pin_project]
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
    Called {
        #[pin]
        future: Fut,
    },
    Failed {
        problem: Problem,
    },
}

#[derive(Debug)]
struct AsAnswer {
    is_grpc: bool,
    random: Random,
}

impl AsAnswer {
    fn of<B: From<String>>(&self, problem: &Problem) -> Response<B> {
        if self.is_grpc { problem.to_grpc() } else { problem.to_response(&self.random) }
    }
}

impl<Fut, E, B> Future for RespondFuture<Fut>
where
    Fut: Future<Output = Result<Response<B>, Error<E>>>,
    B: From<String>,
{
    type Output = Result<Response<B>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        Poll::Ready(Ok(match this.state.project() {
            StateProjection::Called { future } => match ready!(future.poll(cx)) {
                Ok(answer) => answer,
                Err(error) => this.as_answer.of(&Problem::of(&error)),
            },
            StateProjection::Failed { problem } => this.as_answer.of(problem),
        }))
    }
}

impl<S: Clone> Clone for RespondService<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone(), failed: None }
    }
}
