//! Deadlines in headers: how long a caller still waits, in and out.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use seawall::Deadline;
use seawall::guard::deadline::{self, WireError};

/// A header that says how long its sender still waits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeadlineHeader {
    /// `grpc-timeout`, with a unit: `250m`.
    Grpc,
    /// `x-envoy-expected-rq-timeout-ms`, in whole milliseconds.
    Envoy,
    /// A header of your own, in whole milliseconds.
    Millis(HeaderName),
}

impl DeadlineHeader {
    fn name(&self) -> HeaderName {
        match self {
            Self::Grpc => HeaderName::from_static(deadline::HEADER),
            Self::Envoy => HeaderName::from_static("x-envoy-expected-rq-timeout-ms"),
            Self::Millis(name) => name.clone(),
        }
    }

    /// Writes the time left, in place of what is there. Rounded down, so that the other side never
    /// believes to have more than there is.
    pub fn write(&self, left: Duration, headers: &mut HeaderMap) {
        let value = match self {
            Self::Grpc => HeaderValue::try_from(deadline::encode(left)).ok(),
            Self::Envoy | Self::Millis(_) => {
                Some(HeaderValue::from(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)))
            }
        };
        // The encoding has digits and a letter only.
        if let Some(value) = value {
            headers.insert(self.name(), value);
        }
    }

    /// Reads the time left. What is no number of milliseconds is ignored, a malformed `grpc-timeout` is
    /// an error.
    pub(crate) fn read(&self, headers: &HeaderMap) -> Result<Option<Duration>, WireError> {
        let Some(value) = headers.get(self.name()) else { return Ok(None) };
        if *self == Self::Grpc {
            return deadline::decode(value).map(Some);
        }
        let text = value.to_str().unwrap_or_default();
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        Ok(is_number.then(|| text.parse().map_or(Duration::MAX, Duration::from_millis)))
    }
}

/// Reads the deadlines of incoming requests.
///
/// ```
/// use std::time::Duration;
/// use http::HeaderMap;
/// use seawall_http::DeadlineReader;
///
/// let reader = DeadlineReader::new(Duration::from_secs(10));
/// let mut headers = HeaderMap::new();
/// headers.insert("grpc-timeout", "250m".parse()?);
/// let left = reader.read(&headers)?.remaining().unwrap();
/// assert!(left <= Duration::from_millis(250));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct DeadlineReader {
    at_most: Duration,
    headers: Vec<DeadlineHeader>,
}

impl DeadlineReader {
    /// Reads `grpc-timeout` and `x-envoy-expected-rq-timeout-ms`. This side works `at_most` that long
    /// for any caller, those that say nothing included; `Duration::MAX` is without a limit.
    pub fn new(at_most: Duration) -> Self {
        Self { at_most, headers: vec![DeadlineHeader::Grpc, DeadlineHeader::Envoy] }
    }

    /// Reads another header, too. Of several in a request the earliest deadline counts.
    #[must_use]
    pub fn header(mut self, header: DeadlineHeader) -> Self {
        self.headers.push(header);
        self
    }

    /// The deadline of a request with these headers, counted from now.
    ///
    /// # Errors
    ///
    /// Where `grpc-timeout` is malformed. What is wrong with the others is ignored.
    pub fn read(&self, headers: &HeaderMap) -> Result<Deadline, WireError> {
        let mut left = self.at_most;
        for header in &self.headers {
            if let Some(said) = header.read(headers)? {
                left = left.min(said);
            }
        }
        Ok(Deadline::after(left))
    }
}
