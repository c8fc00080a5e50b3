//! What a caller over HTTP is answered when a call of ours failed: problem details (RFC 9457), or a
//! status of gRPC.

use std::fmt;
use std::time::Duration;

use http::{HeaderValue, Response, StatusCode, header};
use seawall::{Error, Random, Reason, Rejection};

use crate::retry_after;

mod upstream;

/// Client closed request: for logs, as nobody is there to read it.
pub const CLIENT_CLOSED: u16 = 499;

/// A failure as a caller is answered. It has words of this crate and numbers, so it gives away no
/// address, no name and no message of an error.
///
/// | failure | status | code | gRPC |
/// |---|---|---|---|
/// | out of time | 504 | `timed_out` | `DEADLINE_EXCEEDED` |
/// | over the rate | 429 | `rate_limited` | `RESOURCE_EXHAUSTED` |
/// | refused by any other policy | 503 | the reason: `open`, `full`, `shutting_down`, .. | `UNAVAILABLE` |
/// | a panic | 500 | `panicked` | `INTERNAL` |
/// | cancelled, so that nobody waits | 499 | `cancelled` | `CANCELLED` |
/// | the operation's own error | 500 | `failed` | `INTERNAL` |
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The status.
    pub status: StatusCode,
    /// What happened, as a word for programs.
    pub code: &'static str,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// How many attempts were made, where a policy that repeats gave up.
    pub attempts: Option<u32>,
}

impl Problem {
    /// A problem without further details.
    pub const fn new(status: StatusCode, code: &'static str) -> Self {
        Self { status, code, retry_after: None, attempts: None }
    }

    /// What `error` is to a caller.
    pub fn of<E>(error: &Error<E>) -> Self {
        let attempts = error.gave_up().map(|gave_up| gave_up.attempts);
        let retry_after = error.rejection().and_then(Rejection::retry_after);
        Self { retry_after, attempts, ..Self::kind_of(error) }
    }

    fn kind_of<E>(error: &Error<E>) -> Self {
        if error.is_timeout() {
            return Self::new(StatusCode::GATEWAY_TIMEOUT, "timed_out");
        }
        match error.last() {
            Error::Rejected(refusal) if refusal.reason() == Reason::RateLimited => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited")
            }
            Error::Rejected(refusal) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, refusal.reason().as_str())
            }
            Error::Panicked(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "panicked"),
            Error::Cancelled(_) => {
                let closed = StatusCode::from_u16(CLIENT_CLOSED);
                Self::new(closed.unwrap_or(StatusCode::SERVICE_UNAVAILABLE), "cancelled")
            }
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed"),
        }
    }

    /// The status of gRPC that says the same.
    pub const fn grpc_status(&self) -> u32 {
        match self.status.as_u16() {
            400 => 3,
            429 => 8,
            503 => 14,
            504 => 4,
            CLIENT_CLOSED => 1,
            _ => 13,
        }
    }

    /// The answer with problem details. Refusals have a `Retry-After`, spread by `random`.
    pub fn to_response<B: From<String>>(&self, random: &Random) -> Response<B> {
        let mut response = Response::new(B::from(self.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if let Some(wait) = self.wait() {
            headers.insert(header::RETRY_AFTER, retry_after::value(wait, random));
        }
        response
    }

    /// The answer to a call of gRPC: the status in the head, and no message.
    pub fn to_grpc<B: From<String>>(&self) -> Response<B> {
        let mut response = Response::new(B::from(String::new()));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", HeaderValue::from(self.grpc_status()));
        headers.insert("grpc-message", HeaderValue::from_static(self.code));
        if let Some(wait) = self.wait() {
            let millis = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
            headers.insert("grpc-retry-pushback-ms", HeaderValue::from(millis));
        }
        response
    }

    /// How long a caller is asked to stay away: what the policy said, or a second.
    fn wait(&self) -> Option<Duration> {
        let is_refusal = matches!(self.status.as_u16(), 429 | 503);
        is_refusal.then(|| self.retry_after.unwrap_or(Duration::from_secs(1)))
    }
}

impl fmt::Display for Problem {
    /// As JSON. Nothing in it needs escaping.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = match self.code {
            "cancelled" => "Client Closed Request",
            _ => self.status.canonical_reason().unwrap_or("Error"),
        };
        let (status, code) = (self.status.as_u16(), self.code);
        write!(f, r#"{{"type":"about:blank","title":"{title}","status":{status},"code":"{code}""#)?;
        if let Some(attempts) = self.attempts {
            write!(f, r#","attempts":{attempts}"#)?;
        }
        f.write_str("}")
    }
}
