//! Time inside the breaker: nanoseconds since it was made, in 64 bits, so that a moment fits an
//! atomic and no sum of a moment and a wait can panic.

use std::time::Duration;

/// Nanoseconds: a moment (since the breaker was made) or a length.
pub(crate) type Nanos = u64;

/// The moment that never comes, and the length that never ends.
pub(crate) const NEVER: Nanos = Nanos::MAX;

/// `duration` in nanoseconds; what is longer than 584 years never ends.
#[inline]
pub(crate) fn nanos(duration: Duration) -> Nanos {
    // Multiplied in 64 bits: the 128-bit way costs a dozen instructions on the path of refusal.
    duration
        .as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::from(duration.subsec_nanos()))
}

/// `length` as a duration; `None` where it never ends.
pub(crate) fn finite(length: Nanos) -> Option<Duration> {
    (length != NEVER).then(|| Duration::from_nanos(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_duration_never_ends() {
        assert_eq!(nanos(Duration::MAX), NEVER);
        assert_eq!(finite(nanos(Duration::MAX)), None);
        assert_eq!(nanos(Duration::new(2, 3)), 2_000_000_003);
        assert_eq!(finite(5), Some(Duration::from_nanos(5)));
    }
}
