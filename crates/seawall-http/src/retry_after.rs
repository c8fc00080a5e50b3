//! When to come back: `Retry-After` of answers, and of our own refusals.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, header};
use seawall::Random;
use seawall::retry::parse_retry_after;

/// When a server asks to be tried again: `retry-after-ms` where it is there and is a number of
/// milliseconds, otherwise `Retry-After`, as seconds or as a date counted from `now`.
///
/// A retry waits that long at most up to its
/// [`max_retry_after`](seawall::retry::RetryBuilder::max_retry_after).
pub fn of(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let millis = headers.get("retry-after-ms").and_then(|value| {
        let text = value.to_str().ok()?.trim_matches([' ', '\t']);
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // Digits alone fail to parse only by being too many.
        is_number.then(|| text.parse().map_or(Duration::MAX, Duration::from_millis))
    });
    millis.or_else(|| parse_retry_after(headers.get(header::RETRY_AFTER)?, now))
}

/// The value of `Retry-After` for callers that are refused until `wait` is over: whole seconds, rounded
/// up, never 0, with up to a second more by chance, so that they don't come back together.
///
/// ```
/// use std::time::Duration;
/// use seawall::Random;
///
/// let value = seawall_http::retry_after::value(Duration::from_millis(1_200), &Random::seeded(7));
/// assert!(value == "2" || value == "3");
/// ```
pub fn value(wait: Duration, random: &Random) -> HeaderValue {
    let up = u64::from(wait.subsec_nanos() > 0);
    let seconds = wait.as_secs().saturating_add(up).max(1);
    let spread = random.below(2);
    HeaderValue::from(seconds.saturating_add(spread))
}
