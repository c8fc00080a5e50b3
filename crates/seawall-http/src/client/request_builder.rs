use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Response};
use seawall::{Class, Deadline, Error};

use super::Client;

/// A request that is being made, as with [`reqwest::RequestBuilder`].
#[must_use = "a request is sent by `send`"]
pub struct RequestBuilder {
    client: Client,
    request: reqwest::RequestBuilder,
    idempotent: Option<bool>,
    deadline: Deadline,
}

impl RequestBuilder {
    pub(super) const fn new(client: Client, request: reqwest::RequestBuilder) -> Self {
        Self { client, request, idempotent: None, deadline: Deadline::NEVER }
    }

    /// Adds a header field.
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        HeaderName: TryFrom<N>,
        <HeaderName as TryFrom<N>>::Error: Into<http::Error>,
        HeaderValue: TryFrom<V>,
        <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
    {
        self.with(|request| request.header(name, value))
    }

    /// Sets header fields.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.with(|request| request.headers(headers))
    }

    /// Adds a bearer token.
    pub fn bearer_auth(self, token: impl fmt::Display) -> Self {
        self.with(|request| request.bearer_auth(token))
    }

    /// Sets the body. One in memory can be sent again, and a stream as long as what was read of it is
    /// [kept](super::Builder::replay).
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.with(|request| request.body(body))
    }

    /// Does whatever else reqwest's builder does: `.with(|request| request.form(&order))`. JSON needs no
    /// more than the feature `json`.
    pub fn with(
        mut self,
        change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Self {
        self.request = change(self.request);
        self
    }

    /// Says that the request may be carried out more than once without harm, or may not; whatever its
    /// method.
    pub const fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// The call has to be over by `deadline`, up to the head of the answer.
    pub const fn deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sends it.
    ///
    /// # Errors
    ///
    /// What the pipeline says; a failing answer is an answer. A request that reqwest can't build is a
    /// permanent error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the attempt under way, and nothing is repeated.
    pub async fn send(self) -> Result<Response, Error<reqwest::Error>> {
        let Self { client, request, idempotent, deadline } = self;
        let request =
            request.build().map_err(|error| Error::operation_failed(error, Class::Permanent))?;
        client.send(request, idempotent, deadline).await
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder").field("request", &self.request).finish_non_exhaustive()
    }
}
