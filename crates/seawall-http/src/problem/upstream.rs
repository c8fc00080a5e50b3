//! What a caller is answered when a server behind this one failed.

use http::StatusCode;
use seawall::{Class, Error, Rejection};

use super::Problem;
use crate::{Answer, class};

impl Problem {
    /// What the error of a call to a server behind this one is to a caller: as [`of`](Self::of), but that
    /// server's own failure is 502 with the code `bad_gateway`, as it is not ours.
    ///
    /// Errors of reqwest become a problem in this way by `?`.
    pub fn of_upstream<E>(error: &Error<E>) -> Self {
        let problem = Self::of(error);
        match error.operation() {
            Some(_) if !error.is_timeout() => {
                Self { status: StatusCode::BAD_GATEWAY, code: BAD_GATEWAY, ..problem }
            }
            _ => problem,
        }
    }

    /// The answer of a server behind this one, or what a caller of ours is answered in its place:
    ///
    /// | its status | ours | code |
    /// |---|---|---|
    /// | below 400 | the answer passes | |
    /// | 429, 503 | 503, with its `Retry-After` | `upstream_busy` |
    /// | 408, 504 | 504 | `upstream_timed_out` |
    /// | any other | 502 | `bad_gateway` |
    ///
    /// A status that means something to your callers, such as 404, is for the handler to look at first.
    ///
    /// # Errors
    ///
    /// The problem.
    ///
    /// ```
    /// use http::{Response, StatusCode};
    /// use seawall_http::Problem;
    ///
    /// let busy = Response::builder().status(429).header("retry-after", "7").body(())?;
    /// let problem = Problem::unless_success(busy).unwrap_err();
    /// assert_eq!(problem.status, StatusCode::SERVICE_UNAVAILABLE);
    /// assert_eq!(problem.retry_after.unwrap().as_secs(), 7);
    /// # Ok::<_, http::Error>(())
    /// ```
    pub fn unless_success<A: Answer>(answer: A) -> Result<A, Self> {
        let status = answer.status();
        if status.as_u16() < 400 {
            return Ok(answer);
        }
        let (ours, code) = match status.as_u16() {
            429 | 503 => (StatusCode::SERVICE_UNAVAILABLE, "upstream_busy"),
            408 | 504 => (StatusCode::GATEWAY_TIMEOUT, "upstream_timed_out"),
            _ => (StatusCode::BAD_GATEWAY, BAD_GATEWAY),
        };
        let retry_after = match class::of_answer(status, answer.headers()).class {
            Class::Overloaded { retry_after } => retry_after,
            _ => None,
        };
        Err(Self { retry_after, ..Self::new(ours, code) })
    }
}

const BAD_GATEWAY: &str = "bad_gateway";

/// A refusal by a policy of ours.
impl From<Rejection> for Problem {
    fn from(refusal: Rejection) -> Self {
        Self::of(&Error::<()>::Rejected(refusal))
    }
}

/// A call to a server behind this one failed.
#[cfg(feature = "reqwest")]
impl From<Error<reqwest::Error>> for Problem {
    fn from(error: Error<reqwest::Error>) -> Self {
        Self::of_upstream(&error)
    }
}

/// The body of an answer of a server behind this one failed.
#[cfg(feature = "reqwest")]
impl From<reqwest::Error> for Problem {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::new(StatusCode::GATEWAY_TIMEOUT, "upstream_timed_out");
        }
        Self::new(StatusCode::BAD_GATEWAY, BAD_GATEWAY)
    }
}
