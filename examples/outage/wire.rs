//! One HTTP request over a real connection, and how it can end.

use std::error::Error as _;
use std::fmt;
use std::io::{self, ErrorKind};

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{StatusCode, Uri};
use hyper_util::client::legacy::{Client, Error, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use seawall::Class;

/// An HTTP client with a pool of connections, as any service would have.
#[derive(Clone, Debug)]
pub struct Wire {
    http: Client<HttpConnector, Empty<Bytes>>,
    url: Uri,
}

/// How a request can end without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    Status(StatusCode),
    ConnectionRefused,
    NotConnected,
    ConnectionLost,
}

impl Wire {
    pub fn to(url: Uri) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { http: Client::builder(TokioExecutor::new()).build(connector), url }
    }

    /// Sends one request.
    pub async fn get(&self) -> Result<(), Failure> {
        let response =
            self.http.get(self.url.clone()).await.map_err(|error| Failure::of(&error))?;
        let status = response.status();
        // Read to its end, so that the connection can be used again, and discarded.
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame.map_err(|_| Failure::ConnectionLost)?;
        }
        if status.is_client_error() || status.is_server_error() {
            return Err(Failure::Status(status));
        }
        Ok(())
    }
}

impl Failure {
    fn of(error: &Error) -> Self {
        if !error.is_connect() {
            return Self::ConnectionLost;
        }
        let mut source = error.source();
        while let Some(error) = source {
            if let Some(error) = error.downcast_ref::<io::Error>() {
                return match error.kind() {
                    ErrorKind::ConnectionRefused => Self::ConnectionRefused,
                    _ => Self::NotConnected,
                };
            }
            source = error.source();
        }
        Self::NotConnected
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status(StatusCode::INTERNAL_SERVER_ERROR) => "answered 500",
            Self::Status(StatusCode::SERVICE_UNAVAILABLE) => "answered 503",
            Self::Status(_) => "answered another error",
            Self::ConnectionRefused => "connection refused",
            Self::NotConnected => "not connected",
            Self::ConnectionLost => "connection lost",
        }
    }

    /// The class of a failure: the one fact that a pipeline can't know by itself.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "a classifier is given a reference")]
    pub fn class(&self) -> Class {
        match self {
            Self::Status(StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => {
                Class::Overloaded { retry_after: None }
            }
            Self::Status(status) if status.is_client_error() => Class::Permanent,
            _ => Class::Transient,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "answered {status}"),
            other => f.write_str(other.as_str()),
        }
    }
}

impl std::error::Error for Failure {}
