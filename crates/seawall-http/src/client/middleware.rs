//! The client as a middleware of reqwest-middleware.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use http::Extensions;
use parking_lot::Mutex;
use reqwest::{Body, Request, Response};
use reqwest_middleware::{Error, Middleware, Next};
use seawall::Deadline;
use seawall_tower::replay::ReplayBody;
use tower_service::Service;

use super::first_frame::FirstFrame;
use super::reqwest_client::{answer_of, request_of, response_of};
use super::{ClientLayer, body};
use crate::Idempotent;

/// Each request goes through the pipeline of its authority. An attempt is all that comes after this
/// middleware, so those that log or trace attempts go behind it, and those that log requests before.
///
/// [`Idempotent`] and [`Deadline`] in the extensions of a request are those of its call. Needs the feature
/// `reqwest-middleware`.
///
/// ```
/// use reqwest_middleware::ClientBuilder;
/// use seawall_http::ClientLayer;
///
/// let http = reqwest::Client::builder().retry(reqwest::retry::never()).build()?;
/// let client = ClientBuilder::new(http).with(ClientLayer::new("shop")?).build();
/// # drop(client);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The error of the last attempt, where that failed, otherwise the pipeline's as
/// [`Error::Middleware`]: `downcast_ref::<seawall::Error<reqwest_middleware::Error>>()` finds it.
#[async_trait]
impl Middleware for ClientLayer {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response, Error> {
        let mut request = http::Request::<Body>::try_from(request)?;
        if let Some(deadline) = extensions.get::<Deadline>() {
            request.extensions_mut().insert(*deadline);
        }
        if let Some(idempotent) = extensions.get::<Idempotent>() {
            request.extensions_mut().insert(*idempotent);
        }
        let request = self.replay(request);
        let pipeline = self.route(&request);
        let shared = Arc::new(Mutex::new(std::mem::take(extensions)));
        let service = Attempts { next, extensions: Arc::clone(&shared) };
        let service = FirstFrame::new(service, self.shared.waits_for_body);
        let outcome = self.through(&pipeline).call(service, request).await;
        *extensions = std::mem::take(&mut *shared.lock());
        let answer = outcome.map_err(|error| {
            error.into_operation().unwrap_or_else(|error| Error::Middleware(error.into()))
        })?;
        Ok(response_of(answer.map(|body| body::guarded(body, &pipeline))))
    }
}

/// All that comes after this middleware, once for each attempt.
#[derive(Clone)]
struct Attempts<'a> {
    next: Next<'a>,
    /// Those of the attempt that ended last.
    extensions: Arc<Mutex<Extensions>>,
}

type Attempt<'a> = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Error>> + Send + 'a>>;

impl<'a> Service<http::Request<ReplayBody<Body>>> for Attempts<'a> {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = Attempt<'a>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<ReplayBody<Body>>) -> Attempt<'a> {
        let Self { next, extensions } = self.clone();
        Box::pin(async move {
            let mut own = extensions.lock().clone();
            let response = next.run(request_of(request)?, &mut own).await;
            *extensions.lock() = own;
            response.map(answer_of)
        })
    }
}
