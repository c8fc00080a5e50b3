//! What a call is given with its request: whether it may be repeated, and by when it has to be over.

use std::time::Duration;

use http::{HeaderMap, Method, Request};
use seawall::{Attempt, Deadline};
use seawall_tower::CallOptions;

use crate::DeadlineHeader;

/// The head of a request, as far as it decides how the request is called.
pub trait RequestHead {
    /// Its method.
    fn method(&self) -> &Method;
    /// Its header fields.
    fn headers(&self) -> &HeaderMap;
    /// Its header fields, to be changed.
    fn headers_mut(&mut self) -> &mut HeaderMap;
    /// The deadline that was put into its extensions.
    fn deadline(&self) -> Deadline {
        Deadline::NEVER
    }
}

impl<B> RequestHead for Request<B> {
    fn method(&self) -> &Method {
        self.method()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }

    fn deadline(&self) -> Deadline {
        self.extensions().get().copied().unwrap_or(Deadline::NEVER)
    }
}

#[cfg(feature = "reqwest")]
impl RequestHead for reqwest::Request {
    fn method(&self) -> &Method {
        self.method()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }
}

/// Whether a request of this method may be carried out more than once without harm: GET, HEAD,
/// OPTIONS, TRACE, PUT and DELETE (RFC 9110, section 9.2.2).
pub fn is_idempotent(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE, Method::PUT, Method::DELETE]
        .contains(method)
}

/// The options of outgoing requests.
///
/// | request | repeated |
/// |---|---|
/// | GET, HEAD, OPTIONS, TRACE, PUT, DELETE | whatever may pass |
/// | any other, and no word of the caller | only what was certainly not carried out: no connection, given back unsent |
/// | any other with an `Idempotency-Key`, where [the server honours it](Self::honours_idempotency_key) | whatever may pass |
///
/// The method is read before the call, so an attempt that was cut off without an answer changes nothing.
/// Of the deadlines in the request's extensions, of the [scope](Deadline::scope) and of the pipeline the
/// earliest counts. What is left of it goes out with each attempt, in [a header](Self::deadline_header)
/// if one was named.
#[derive(Clone, Debug, Default)]
pub struct RequestOptions {
    methods: Option<Vec<Method>>,
    honours_key: bool,
    header: Option<DeadlineHeader>,
    margin: Duration,
}

impl RequestOptions {
    /// Idempotent by method, no header for the deadline.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only requests of these methods are taken for safe to repeat, in place of those that are
    /// [idempotent](is_idempotent).
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = Some(methods.into_iter().collect());
        self
    }

    /// The server carries out requests with the same `Idempotency-Key` once, so that a request that has
    /// one may be repeated whatever its method.
    #[must_use]
    pub const fn honours_idempotency_key(mut self) -> Self {
        self.honours_key = true;
        self
    }

    /// Writes what is left of the deadline into this header of each attempt.
    #[must_use]
    pub fn deadline_header(mut self, header: DeadlineHeader) -> Self {
        self.header = Some(header);
        self
    }

    /// Keeps this back of the time that is passed on, for the way back and for what is done with the
    /// answer. Zero by default.
    #[must_use]
    pub const fn margin(mut self, margin: Duration) -> Self {
        self.margin = margin;
        self
    }

    /// Whether the request may be repeated whatever happened to it.
    pub fn is_repeatable(&self, request: &impl RequestHead) -> bool {
        let by_method = match &self.methods {
            Some(methods) => methods.contains(request.method()),
            None => is_idempotent(request.method()),
        };
        by_method || self.honours_key && request.headers().contains_key("idempotency-key")
    }
}

impl<Req: RequestHead> CallOptions<Req> for RequestOptions {
    fn first_attempt(&self, request: &Req) -> Attempt {
        let first = request.deadline().min(Deadline::current()).attempt();
        if self.is_repeatable(request) { first.idempotent(true) } else { first }
    }

    fn prepare(&self, request: &mut Req, attempt: &Attempt) {
        let Some(header) = &self.header else { return };
        let deadline = Deadline::of(attempt).earlier_by(self.margin);
        if let Some(left) = deadline.remaining() {
            header.write(left, request.headers_mut());
        }
    }
}
