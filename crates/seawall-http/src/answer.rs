use http::{HeaderMap, Response, StatusCode};

/// An answer of a server, as far as its class goes: the head.
pub trait Answer {
    /// Its status.
    fn status(&self) -> StatusCode;
    /// Its header fields.
    fn headers(&self) -> &HeaderMap;
    /// Whether its body broke before anything of it came, where a client
    /// [waits](crate::client::Builder::wait_for_body) for that.
    fn is_broken(&self) -> bool {
        false
    }
}

/// In the extensions of an answer whose body broke before anything of it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Broken;

impl<B> Answer for Response<B> {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn is_broken(&self) -> bool {
        self.extensions().get::<Broken>().is_some()
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
