//! A deadline on the wire: the remaining time, never a point in time, because two clocks never agree.
//!
//! The format is that of gRPC's `grpc-timeout` header, from the [protocol over
//! HTTP/2](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): one to eight ASCII
//! digits and a unit, `H` hours, `M` minutes, `S` seconds, `m` milliseconds, `u` microseconds or
//! `n` nanoseconds. It differs in one point: zero is read and written, as that is what a call has
//! left after its deadline.

use std::time::Duration;

/// The name of the header that carries the remaining time.
pub const HEADER: &str = "grpc-timeout";

/// How many digits the format allows.
const MAX_DIGITS: usize = 8;

/// The largest value that fits.
const MAX_VALUE: u128 = 99_999_999;

/// The units with their nanoseconds, the finest first.
const UNITS: [(u8, u64); 6] = [
    (b'n', 1),
    (b'u', 1_000),
    (b'm', 1_000_000),
    (b'S', 1_000_000_000),
    (b'M', 60 * 1_000_000_000),
    (b'H', 3600 * 1_000_000_000),
];

/// A remaining time that could not be read. It quotes nothing of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The input was empty.
    #[error("the remaining time is empty")]
    Empty,
    /// More than eight digits and a unit.
    #[error("the remaining time is {length} bytes long, but 9 are allowed")]
    TooLong {
        /// The length of the input in bytes.
        length: usize,
    },
    /// A unit without a number.
    #[error("the remaining time has a unit but no digits")]
    NoDigits,
    /// A byte that is no ASCII digit: a sign, a space, a point, an exponent.
    #[error("byte {at} of the remaining time is not a digit")]
    NotADigit {
        /// The position of the byte, counted from 0.
        at: usize,
    },
    /// The last byte is not a unit.
    #[error("the remaining time does not end in one of the units H, M, S, m, u, n")]
    UnknownUnit,
}

/// Writes the remaining time in the finest unit in which it fits into eight digits, rounded down, so
/// that the called side never gets more time than there is. At most 99,999,999 hours are written.
///
/// ```
/// use std::time::Duration;
/// use seawall_guard::deadline::encode;
///
/// assert_eq!(encode(Duration::from_millis(250)), "250000u");
/// assert_eq!(encode(Duration::from_secs(1_000)), "1000000m");
/// assert_eq!(encode(Duration::MAX), "99999999H");
/// ```
pub fn encode(remaining: Duration) -> String {
    let nanos = remaining.as_nanos();
    for (unit, size) in UNITS.map(|(unit, size)| (unit, u128::from(size))) {
        if nanos / size <= MAX_VALUE {
            return format!("{}{}", nanos / size, char::from(unit));
        }
    }
    format!("{MAX_VALUE}H")
}

/// Reads a remaining time. Anything but the format is refused, whatever its length; no accepted value
/// overflows.
///
/// ```
/// use std::time::Duration;
/// use seawall_guard::deadline::{WireError, decode};
///
/// assert_eq!(decode("250m"), Ok(Duration::from_millis(250)));
/// assert_eq!(decode(b"-1S"), Err(WireError::NotADigit { at: 0 }));
/// ```
pub fn decode(text: impl AsRef<[u8]>) -> Result<Duration, WireError> {
    let text = text.as_ref();
    let Some((unit, digits)) = text.split_last() else { return Err(WireError::Empty) };
    if digits.len() > MAX_DIGITS {
        return Err(WireError::TooLong { length: text.len() });
    }
    let size = UNITS.iter().find(|(name, _)| name == unit).map(|(_, size)| *size);
    let size = size.ok_or(WireError::UnknownUnit)?;
    if digits.is_empty() {
        return Err(WireError::NoDigits);
    }
    let mut value = 0_u32;
    for (at, digit) in digits.iter().enumerate() {
        if !digit.is_ascii_digit() {
            return Err(WireError::NotADigit { at });
        }
        value = value * 10 + u32::from(digit - b'0');
    }
    // At most 99,999,999 hours.
    Ok(Duration::from_nanos(size) * value)
}
