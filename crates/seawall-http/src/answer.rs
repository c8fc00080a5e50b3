use http::{HeaderMap, Response, StatusCode};

/// An answer of a server, as far as its class goes: the head.
pub trait Answer {
    /// Its status.
    fn status(&self) -> StatusCode;
    /// Its header fields.
    fn headers(&self) -> &HeaderMap;
}

impl<B> Answer for Response<B> {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }
}

#[cfg(feature = "reqwest")]
impl Answer for reqwest::Response {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }
}
