//! What an answer or an error means.
//!
//! | answer | class | carried out |
//! |---|---|---|
//! | below 400 | success | |
//! | 408, 500, 502, 504, any other 5xx | transient | maybe |
//! | 429, 503 | overloaded, with its `Retry-After` | maybe: a proxy says so for a server that still works on it |
//! | 421, 425 | transient | no |
//! | 501, 505, any other 4xx | permanent | |
//!
//! An answer of gRPC whose status is in its head has the class of that: `UNAVAILABLE` and
//! `DEADLINE_EXCEEDED` are transient, `RESOURCE_EXHAUSTED` is overloaded, with its
//! `grpc-retry-pushback-ms`, and the others are permanent.
//!
//! | error | class | carried out |
//! |---|---|---|
//! | no connection: refused, unreachable, DNS, TLS | transient | no |
//! | the client gave the request back unsent; `REFUSED_STREAM`; `GOAWAY` without an error | transient | no |
//! | reset, cut off, an answer that is no HTTP | transient | maybe |
//! | the request can't be built, its own body failed | permanent | |
//! | any other | transient | maybe |

use std::error::Error;
use std::fmt;
use std::io;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};
use seawall::{Class, Classify, Failed, Verdict};
use seawall_tower::replay::ReplayError;

use crate::{Answer, retry_after};

/// Classes the outcomes of HTTP requests: see [the table](self).
///
/// An answer that is a failure is counted and repeated as one, and is the caller's answer, head and
/// body, if no attempt after it does better.
///
/// ```
/// use seawall::{Pipeline, StandardPipeline};
/// use seawall_http::HttpOutcomes;
///
/// let pipeline: StandardPipeline<HttpOutcomes> =
///     Pipeline::standard("inventory").classify(HttpOutcomes).build()?;
/// # drop(pipeline);
/// # Ok::<_, seawall::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HttpOutcomes;

impl<T, E> Classify<T, E> for HttpOutcomes
where
    T: Answer,
    E: Error + 'static,
{
    type Failure = Failed<T, E>;

    fn classify(&self, outcome: Result<&T, &E>) -> Verdict {
        match outcome {
            Ok(answer) if answer.is_broken() => Class::Transient.into(),
            Ok(answer) => of_answer(answer.status(), answer.headers()),
            Err(error) => of_error(error),
        }
    }

    /// The status, in figures and words.
    fn write_answer(answer: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", answer.status())
    }
}

/// What an answer with this head means.
pub fn of_answer(status: StatusCode, headers: &HeaderMap) -> Verdict {
    if let Some(code) = grpc_status(headers) {
        return of_grpc(code, headers);
    }
    match status.as_u16() {
        421 | 425 => Class::Transient.not_carried_out(),
        429 | 503 => {
            Class::Overloaded { retry_after: retry_after::of(headers, SystemTime::now()) }.into()
        }
        501 | 505 => Class::Permanent.into(),
        408 | 500.. => Class::Transient.into(),
        400.. => Class::Permanent.into(),
        _ => Class::Success.into(),
    }
}

/// What a status of gRPC means, with the metadata that it came with.
pub fn of_grpc(code: u32, metadata: &HeaderMap) -> Verdict {
    const OK: u32 = 0;
    const DEADLINE_EXCEEDED: u32 = 4;
    const RESOURCE_EXHAUSTED: u32 = 8;
    const UNAVAILABLE: u32 = 14;
    match code {
        OK => Class::Success.into(),
        DEADLINE_EXCEEDED | UNAVAILABLE => Class::Transient.into(),
        RESOURCE_EXHAUSTED => {
            let pushback = metadata.get("grpc-retry-pushback-ms");
            let millis = pushback.and_then(|it| it.to_str().ok()?.parse().ok());
            Class::Overloaded { retry_after: millis.map(Duration::from_millis) }.into()
        }
        _ => Class::Permanent.into(),
    }
}

/// The status of gRPC in a head or in trailers, if there is one.
pub fn grpc_status(fields: &HeaderMap) -> Option<u32> {
    let in_head = fields.get(header::CONTENT_TYPE);
    if in_head.is_some_and(|it| !it.as_bytes().starts_with(b"application/grpc")) {
        return None;
    }
    fields.get("grpc-status")?.to_str().ok()?.parse().ok()
}

/// What an error means: the first in its chain of sources that this crate knows.
pub fn of_error(error: &(dyn Error + 'static)) -> Verdict {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(verdict) = known(error) {
            return verdict;
        }
        next = error.source();
    }
    Class::Transient.into()
}

fn known(error: &(dyn Error + 'static)) -> Option<Verdict> {
    #[cfg(feature = "reqwest")]
    if let Some(error) = error.downcast_ref::<reqwest::Error>() {
        return of_reqwest(error);
    }
    #[cfg(feature = "hyper-util")]
    if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
        // Otherwise what happened is its source.
        return error.is_connect().then(|| Class::Transient.not_carried_out());
    }
    #[cfg(feature = "hyper")]
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return of_hyper(error);
    }
    #[cfg(feature = "hyper")]
    if let Some(error) = error.downcast_ref::<h2::Error>() {
        return Some(of_h2(error));
    }
    #[cfg(feature = "tonic")]
    if let Some(verdict) = of_tonic(error) {
        return Some(verdict);
    }
    #[cfg(feature = "reqwest-middleware")]
    if let Some(error) = error.downcast_ref::<reqwest_middleware::Error>() {
        return of_middleware(error);
    }
    if let Some(error) = error.downcast_ref::<ReplayError>() {
        // The request's own body: the server has nothing to do with it.
        return match error {
            ReplayError::TooLarge => None,
            _ => Some(Class::Permanent.into()),
        };
    }
    error.downcast_ref::<io::Error>().and_then(of_io)
}

fn of_io(error: &io::Error) -> Option<Verdict> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => Some(Class::Transient.not_carried_out()),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::TimedOut => Some(Class::Transient.into()),
        // Often a wrapper around what happened.
        _ => None,
    }
}

#[cfg(feature = "hyper")]
fn of_hyper(error: &hyper::Error) -> Option<Verdict> {
    if error.is_canceled() {
        // It came back from the queue of a connection that ended.
        return Some(Class::Transient.not_carried_out());
    }
    if error.is_user() {
        return Some(Class::Permanent.into());
    }
    if error.is_incomplete_message() || error.is_parse() || error.is_timeout() {
        return Some(Class::Transient.into());
    }
    None
}

#[cfg(feature = "hyper")]
fn of_h2(error: &h2::Error) -> Verdict {
    let is_refused = error.reason() == Some(h2::Reason::REFUSED_STREAM) && error.is_remote();
    // Streams up to the last that the server names go on; those above it end with this.
    let is_above_last =
        error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR);
    if is_refused || is_above_last {
        Class::Transient.not_carried_out()
    } else {
        Class::Transient.into()
    }
}

#[cfg(feature = "reqwest")]
fn of_reqwest(error: &reqwest::Error) -> Option<Verdict> {
    if error.is_connect() {
        // Names, TLS and a connection that takes too long are among them.
        return Some(Class::Transient.not_carried_out());
    }
    if error.is_builder() || error.is_redirect() {
        return Some(Class::Permanent.into());
    }
    if error.is_timeout() {
        return Some(Class::Transient.into());
    }
    None
}

/// Otherwise what happened is its source.
#[cfg(feature = "tonic")]
fn of_tonic(error: &(dyn Error + 'static)) -> Option<Verdict> {
    if error.is::<tonic::ConnectError>() {
        return Some(Class::Transient.not_carried_out());
    }
    if error.is::<tonic::TimeoutExpired>() {
        return Some(Class::Transient.into());
    }
    let status = error.downcast_ref::<tonic::Status>()?;
    let code = u32::try_from(i32::from(status.code())).ok()?;
    Some(of_grpc(code, &HeaderMap::new()))
}

/// It says nothing beyond what is inside it.
#[cfg(feature = "reqwest-middleware")]
fn of_middleware(error: &reqwest_middleware::Error) -> Option<Verdict> {
    match error {
        reqwest_middleware::Error::Reqwest(error) => Some(of_error(error)),
        reqwest_middleware::Error::Middleware(error) => error.chain().find_map(known),
    }
}
