//! A client around reqwest, as pleasant as reqwest's own.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Method;
use pin_project::pin_project;
use reqwest::{Body, IntoUrl, Request, Response, ResponseBuilderExt, Url, redirect, retry};
use seawall::{Class, ConfigError, Deadline, Error, Name, PolicyKind, StandardPipeline};
use seawall_tower::replay::{ReplayBody, ReplayMemory};
use tower_layer::Layer;
use tower_service::Service;

use super::{Builder, ClientBody, ClientLayer, ClientService, RequestBuilder};
use crate::{HttpOutcomes, Idempotent};

/// A client around [`reqwest::Client`]: the standard pipeline for each authority, safe by default. See
/// [the chapter](super). Clones share everything. Needs the feature `reqwest`.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = seawall_http::Client::new("shop")?;
/// let answer = client.get("http://inventory.example/items/7").send().await?;
/// println!("{}", answer.status());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    service: ClientService<Sender>,
}

impl Client {
    /// How long a body may stand still, unless a client is [given](Builder::http): a minute. Where
    /// nothing has moved for that long, nothing will.
    pub const BODY_IDLE: Duration = Duration::from_mins(1);

    /// How long a connection may take, unless a client is given: what takes longer is lost, and is tried
    /// again within the time of the call, whatever the method.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

    /// A client with the defaults; `name` is the one of its policies.
    ///
    /// # Errors
    ///
    /// Where the name is refused, or reqwest can't be set up.
    pub fn new(name: impl Into<Name>) -> Result<Self, ConfigError> {
        Self::builder(name).build()
    }

    /// Starts a client whose policies or options are other than the defaults.
    pub fn builder(name: impl Into<Name>) -> Builder<Option<reqwest::Client>> {
        Builder::through(name.into(), None)
    }

    /// Starts a GET.
    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// Starts a HEAD.
    pub fn head(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::HEAD, url)
    }

    /// Starts a POST.
    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// Starts a PUT.
    pub fn put(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// Starts a PATCH.
    pub fn patch(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    /// Starts a DELETE.
    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }

    /// Starts a request.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder::new(self.clone(), self.http.request(method, url))
    }

    /// Sends a request through the pipeline of its authority.
    ///
    /// # Errors
    ///
    /// What the pipeline says; a failing answer is an answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the attempt under way, and nothing is repeated.
    pub async fn execute(&self, request: Request) -> Result<Response, Error<reqwest::Error>> {
        self.send(request, None, Deadline::NEVER).await
    }

    pub(super) async fn send(
        &self,
        request: Request,
        idempotent: Option<bool>,
        deadline: Deadline,
    ) -> Result<Response, Error<reqwest::Error>> {
        let mut request = http::Request::<Body>::try_from(request)
            .map_err(|error| Error::operation_failed(error, Class::Permanent))?;
        request.extensions_mut().insert(deadline);
        if let Some(idempotent) = idempotent {
            request.extensions_mut().insert(Idempotent(idempotent));
        }
        let replayed = self.service.layer().replay(request);
        Ok(response_of(self.service.send(replayed).await?))
    }

    /// The pipeline of an authority, such as `inventory.example:8080`, to look at what is in flight, or
    /// at its circuit. It is made if there was no request to it yet.
    pub fn pipeline(&self, authority: &str) -> Arc<StandardPipeline<HttpOutcomes>> {
        self.service.layer().pipeline(authority)
    }

    /// How many authorities have a pipeline now.
    pub fn authorities(&self) -> usize {
        self.service.layer().authorities()
    }
}

impl Builder<Option<reqwest::Client>> {
    /// Sends through this client. Build it with `retry(reqwest::retry::never())`: attempts multiply
    /// otherwise.
    pub fn http(self, client: reqwest::Client) -> Self {
        self.with(Some(client))
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// Those of the pipeline, `max_authorities` of 0, and `http` where reqwest can't be set up.
    pub fn build(self) -> Result<Client, ConfigError> {
        let (layer, http) = self.layer()?;
        let http = match http {
            Some(http) => Ok(http),
            None => reqwest::Client::builder()
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .connect_timeout(Client::CONNECT_TIMEOUT)
                .read_timeout(Client::BODY_IDLE)
                .build(),
        };
        let http = http.map_err(|_| {
            let allowed = "a client that reqwest can set up";
            let error =
                ConfigError::new(PolicyKind::Pipeline, "http", "refused by reqwest", allowed);
            error.of(layer.name())
        })?;
        Ok(Client { service: layer.layer(Sender(http.clone())), http })
    }
}

impl ClientLayer {
    /// The request with a body that several attempts can read. One in memory is kept whatever its size.
    pub(super) fn replay(&self, request: http::Request<Body>) -> http::Request<ReplayBody<Body>> {
        request.map(|body| {
            if body.as_bytes().is_some() {
                return ReplayBody::new(body, usize::MAX, &ReplayMemory::new(usize::MAX));
            }
            self.shared.replay.body(body)
        })
    }
}

/// The request as reqwest sends it.
pub(super) fn request_of(
    request: http::Request<ReplayBody<Body>>,
) -> Result<Request, reqwest::Error> {
    Request::try_from(request.map(Body::wrap))
}

/// Where an answer came from: in its extensions, until it is reqwest's again.
#[derive(Clone)]
struct From(Url);

/// The answer as reqwest has it.
pub(super) fn response_of(answer: http::Response<ClientBody<Body>>) -> Response {
    let (mut head, body) = answer.into_parts();
    let from = head.extensions.remove();
    let builder = http::Response::builder();
    let builder = match from {
        Some(From(url)) => builder.url(url),
        None => builder,
    };
    // Fails for a head that is wrong, and this one has nothing yet.
    let mut answer = builder.body(Body::wrap(body)).unwrap_or_default();
    *answer.status_mut() = head.status;
    *answer.version_mut() = head.version;
    *answer.headers_mut() = head.headers;
    answer.extensions_mut().extend(head.extensions);
    answer.into()
}

/// The answer, with its address in its extensions.
pub(super) fn answer_of(response: Response) -> http::Response<Body> {
    let from = From(response.url().clone());
    let mut answer = http::Response::from(response);
    answer.extensions_mut().insert(from);
    answer
}

/// Sends requests through reqwest.
#[derive(Clone, Debug)]
pub(super) struct Sender(reqwest::Client);

impl Service<http::Request<ReplayBody<Body>>> for Sender {
    type Response = http::Response<Body>;
    type Error = reqwest::Error;
    type Future = Sending;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), reqwest::Error>> {
        Service::<Request>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, request: http::Request<ReplayBody<Body>>) -> Sending {
        match request_of(request) {
            Ok(request) => Sending::Sent(self.0.call(request)),
            Err(error) => Sending::Refused(Some(error)),
        }
    }
}

#[pin_project(project = SendingProjection)]
pub(super) enum Sending {
    Sent(#[pin] <reqwest::Client as Service<Request>>::Future),
    Refused(Option<reqwest::Error>),
}

impl Future for Sending {
    type Output = Result<http::Response<Body>, reqwest::Error>;

    /// # Panics
    ///
    /// When polled after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            SendingProjection::Sent(sent) => sent.poll(cx).map_ok(answer_of),
            SendingProjection::Refused(error) => {
                Poll::Ready(Err(error.take().expect("a request was polled after it was refused")))
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("layer", self.service.layer()).finish_non_exhaustive()
    }
}
