//! A client around reqwest that survives its servers: the standard pipeline for each authority, safe by
//! default. Needs the feature `reqwest`.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = seawall_http::Client::new("shop")?;
//! let answer = client.get("http://inventory.example/items/7").send().await?;
//! println!("{}", answer.status());
//! # Ok(())
//! # }
//! ```
//!
//! - **What is repeated** is read from the method: see [`RequestOptions`]. A POST that was sent is not
//!   repeated, one that could not be sent is.
//! - **What is a failure** says [`HttpOutcomes`]: an answer of 503 is counted, repeated where that is
//!   safe, and is the answer if nothing better comes.
//! - **Each authority** (host and port) has a pipeline of its own, so one server that is down does not
//!   keep requests from another. At most [`Builder::max_authorities`] are kept.
//! - **Underneath** reqwest's own retries and redirects are off, and a body that stands still for a
//!   minute ends. A body that moves is cut by no timeout: the pipeline's end at the head.
//!
//! A body that is a stream is sent once.

use std::fmt;
use std::sync::Arc;

use http::Method;
use reqwest::{IntoUrl, Request, Response};
use seawall::policy::Keyed;
use seawall::{Attempt, ConfigError, Error, Name, StandardPipeline};
use seawall_tower::{PipelineLayer, RepeatBy};
use tower_layer::Layer;
use tower_service::Service;

use crate::{HttpOutcomes, RequestOptions};
use authority::OfAuthority;
pub use config::Builder;
pub use request::RequestBuilder;

mod authority;
mod config;
mod request;

/// A client around [`reqwest::Client`]. See [the chapter](self). Clones share everything.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pipelines: Keyed<String, OfAuthority>,
    options: Arc<RequestOptions>,
}

impl Client {
    /// A client with the defaults; `name` is the one of its policies.
    ///
    /// # Errors
    ///
    /// Where the name is refused, or reqwest can't be set up.
    pub fn new(name: impl Into<Name>) -> Result<Self, ConfigError> {
        Self::builder(name).build()
    }

    /// Starts a client whose policies or options are other than the defaults.
    pub fn builder(name: impl Into<Name>) -> Builder {
        Builder::new(name.into())
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
        self.call(request, |attempt| attempt).await
    }

    async fn call(
        &self,
        request: Request,
        change: impl Fn(Attempt) -> Attempt + Clone + Send + Sync + 'static,
    ) -> Result<Response, Error<reqwest::Error>> {
        let pipeline = self.pipeline(request.url().authority());
        let options = request::Changed { options: Arc::clone(&self.options), change };
        let copy = RepeatBy::new(|request: &Request, _: &Attempt| request.try_clone());
        let layer = PipelineLayer::from(pipeline).options(options).repeat(copy);
        layer.layer(self.http.clone()).call(request).await
    }

    /// The pipeline of an authority, such as `inventory.example:8080`, to look at its circuit. It is
    /// made if there was no request to it yet.
    pub fn pipeline(&self, authority: &str) -> Arc<StandardPipeline<HttpOutcomes>> {
        self.pipelines.get(authority).pipeline()
    }

    /// How many authorities have a pipeline now.
    pub fn authorities(&self) -> usize {
        self.pipelines.len()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("name", self.pipelines.name())
            .field("authorities", &self.authorities())
            .finish_non_exhaustive()
    }
}
