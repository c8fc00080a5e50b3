//! A time that can be replaced while it is read.

use std::fmt;
use std::time::Duration;

use crate::sync::{AtomicU64, Ordering};

/// A [`Duration`] that others may replace: one load, no lock. For settings of policies that run.
///
/// Up to 544 years it is exact; all that is longer is [`Duration::MAX`], which is never.
pub struct AtomicDuration(AtomicU64);

/// Seconds above, nanoseconds below, so that no division is needed.
const NANOS_BITS: u32 = 30;
const NANOS: u64 = (1 << NANOS_BITS) - 1;
/// Stands for [`Duration::MAX`]: its nanoseconds are out of range, so no other duration packs to it.
const NEVER: u64 = u64::MAX;
const MAX_SECONDS: u64 = NEVER >> NANOS_BITS;

impl AtomicDuration {
    /// Holds `duration`.
    pub fn new(duration: Duration) -> Self {
        Self(AtomicU64::new(pack(duration)))
    }

    /// The time now.
    #[inline]
    pub fn load(&self) -> Duration {
        let word = self.0.load(Ordering::Relaxed);
        if word == NEVER {
            return Duration::MAX;
        }
        Duration::new(word >> NANOS_BITS, (word & NANOS) as u32)
    }

    /// Replaces it.
    pub fn store(&self, duration: Duration) {
        self.0.store(pack(duration), Ordering::Relaxed);
    }
}

const fn pack(duration: Duration) -> u64 {
    if duration.as_secs() >= MAX_SECONDS {
        return NEVER;
    }
    (duration.as_secs() << NANOS_BITS) | duration.subsec_nanos() as u64
}

impl fmt::Debug for AtomicDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_exact_up_to_centuries_and_never_beyond() {
        let nano = Duration::from_nanos(1);
        let century = Duration::from_hours(24 * 36_525);
        let longest = Duration::new(MAX_SECONDS - 1, 999_999_999);
        for time in [Duration::ZERO, nano, Duration::new(1, 999_999_999), century, longest] {
            let held = AtomicDuration::new(Duration::from_secs(7));
            held.store(time);
            assert_eq!(held.load(), time);
        }
        for never in [longest + nano, Duration::from_secs(u64::MAX), Duration::MAX] {
            assert_eq!(AtomicDuration::new(never).load(), Duration::MAX);
        }
    }
}
