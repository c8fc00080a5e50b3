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
    /// The path that it is for.
    fn path(&self) -> &str;
    /// What [`Idempotent`] in its extensions says.
    fn idempotent(&self) -> Option<bool> {
        None
    }
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

    fn path(&self) -> &str {
        self.uri().path()
    }

    fn idempotent(&self) -> Option<bool> {
        self.extensions().get().map(|&Idempotent(idempotent)| idempotent)
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

    fn path(&self) -> &str {
        self.url().path()
    }
}

/// In the extensions of a request: whether it may be carried out more than once without harm, whatever
/// its method. With `false` it is sent once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idempotent(pub bool);

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
/// | any to a [path](Self::paths) that is said to be idempotent | whatever may pass |
/// | any other with an `Idempotency-Key`, where [the server honours it](Self::honours_idempotency_key) | whatever may pass |
///
/// [`Idempotent`] in the extensions of a request goes before all of these.
///
/// The method is read before the call, so an attempt that was cut off without an answer changes nothing.
/// Of the deadlines in the request's extensions and in the header that is named here, of the
/// [scope](Deadline::scope) and of the pipeline the earliest counts. What is left of it goes out with each attempt, in [a header](Self::deadline_header)
/// if one was named.
#[derive(Clone, Debug, Default)]
pub struct RequestOptions {
    methods: Option<Vec<Method>>,
    paths: Vec<String>,
    honours_key: bool,
    header: Option<DeadlineHeader>,
    margin: Duration,
    at_most: Option<Duration>,
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

    /// Requests to these paths are safe to repeat, whatever their method: methods of gRPC that read, for
    /// instance, `/shop.Inventory/Find`.
    #[must_use]
    pub fn paths(mut self, paths: impl IntoIterator<Item: Into<String>>) -> Self {
        self.paths = paths.into_iter().map(Into::into).collect();
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

    /// Tells the server of no more time than this, however long the caller waits.
    #[must_use]
    pub const fn deadline_at_most(mut self, at_most: Duration) -> Self {
        self.at_most = Some(at_most);
        self
    }

    /// Whether the request may be repeated whatever happened to it.
    pub fn is_repeatable(&self, request: &impl RequestHead) -> bool {
        let by_method = match &self.methods {
            Some(methods) => methods.contains(request.method()),
            None => is_idempotent(request.method()),
        };
        by_method
            || self.is_listed(request)
            || self.honours_key && request.headers().contains_key("idempotency-key")
    }

    /// Whether the request reads only, so that it may be under way twice.
    pub(crate) fn is_read(&self, request: &impl RequestHead) -> bool {
        [Method::GET, Method::HEAD].contains(request.method()) || self.is_listed(request)
    }

    /// The earliest of the deadlines of a request. What its own header says counts, too.
    fn deadline_of(&self, request: &impl RequestHead) -> Deadline {
        let own = self.header.as_ref().and_then(|header| header.read(request.headers()).ok()?);
        let own = own.map_or(Deadline::NEVER, Deadline::after);
        request.deadline().min(Deadline::current()).min(own)
    }

    fn is_listed(&self, request: &impl RequestHead) -> bool {
        self.paths.iter().any(|path| path == request.path())
    }
}

impl<Req: RequestHead> CallOptions<Req> for RequestOptions {
    fn first_attempt(&self, request: &Req) -> Attempt {
        let first = self.deadline_of(request).attempt();
        match request.idempotent() {
            Some(idempotent) => first.idempotent(idempotent),
            None if self.is_repeatable(request) => first.idempotent(true),
            None => first,
        }
    }

    fn prepare(&self, request: &mut Req, attempt: &Attempt) {
        let Some(header) = &self.header else { return };
        let deadline = Deadline::of(attempt).earlier_by(self.margin);
        let left = deadline.remaining().into_iter().chain(self.at_most).min();
        if let Some(left) = left {
            header.write(left, request.headers_mut());
        }
    }
}
