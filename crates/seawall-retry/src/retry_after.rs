//! When a server asks to be tried again.

use std::time::{Duration, SystemTime};

/// Longer than any value that is accepted: the longest HTTP date has 33 bytes.
const MAX_LEN: usize = 64;

/// Reads the value of an HTTP `Retry-After` header (RFC 9110, section 10.2.3): a number of seconds,
/// or a date in any of the three forms of section 5.6.7, which is counted from `now`.
///
/// A date that has passed is [`Duration::ZERO`], a number of seconds that no `Duration` can hold is
/// [`Duration::MAX`]. Anything else is `None`, and the caller backs off as it would without the
/// header: signs, fractions, exponents, two values at once, and values longer than 64 bytes. Never
/// panics.
///
/// The result is a request. A retry grants it up to
/// [`max_retry_after`](crate::RetryBuilder::max_retry_after).
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use seawall_retry::parse_retry_after;
///
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_700);
/// assert_eq!(parse_retry_after("120", now), Some(Duration::from_secs(120)));
/// let date = parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now);
/// assert_eq!(date, Some(Duration::from_secs(77)));
/// assert_eq!(parse_retry_after("soon", now), None);
/// ```
pub fn parse_retry_after(value: impl AsRef<[u8]>, now: SystemTime) -> Option<Duration> {
    let value = value.as_ref();
    if value.len() > MAX_LEN {
        return None;
    }
    let text = std::str::from_utf8(value).ok()?.trim_matches([' ', '\t']);
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits alone fail to parse only by being too many.
        return Some(text.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}
