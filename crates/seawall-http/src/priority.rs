//! How important a request is, read from the request.

use http::{HeaderName, HeaderValue};
use seawall::limit::Priority;

use crate::RequestHead;

/// Reads how important a request is. Implemented by every `Fn(&Req) -> Priority`, and by
/// [`PriorityHeader`].
pub trait ReadPriority<Req> {
    /// The request's priority; `None` where it has none of its own.
    fn priority(&self, request: &Req) -> Option<Priority>;
}

impl<Req, F: Fn(&Req) -> Priority> ReadPriority<Req> for F {
    fn priority(&self, request: &Req) -> Option<Priority> {
        Some(self(request))
    }
}

/// All requests are of the priority that the limit's handle has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoPriority;

impl<Req> ReadPriority<Req> for NoPriority {
    fn priority(&self, _: &Req) -> Option<Priority> {
        None
    }
}

/// Reads the priority from a header: `low`, `normal`, `high` or `critical`, whatever the case. Anything
/// else, and nothing, is as if the header was not there.
///
/// Anyone who can set the header is important: remove it at the edge from what comes from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityHeader(HeaderName);

impl PriorityHeader {
    /// Reads the header of this name.
    ///
    /// # Errors
    ///
    /// Where `name` is no name of a header.
    pub fn new(name: &str) -> Result<Self, http::header::InvalidHeaderName> {
        HeaderName::try_from(name).map(Self)
    }
}

impl<Req: RequestHead> ReadPriority<Req> for PriorityHeader {
    fn priority(&self, request: &Req) -> Option<Priority> {
        request.headers().get(&self.0).and_then(word)
    }
}

fn word(value: &HeaderValue) -> Option<Priority> {
    let said = value.as_bytes().trim_ascii();
    Priority::ALL.into_iter().find(|it| said.eq_ignore_ascii_case(it.as_str().as_bytes()))
}
