//! Time in nanoseconds since a limit was built, in one 64-bit number.
//!
//! Subtracting one `Instant` from another costs about as many instructions as reading the clock,
//! since the standard library has to allow for either being the later. A limiter does that on each
//! call. What an `Instant` is made of, seconds and nanoseconds, can also be seen by hashing it: a
//! hash is made of nothing else. How they are fed to a hasher is not promised, so a timeline checks
//! when it is made that what it reads is right, and subtracts where it isn't.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use tokio::time::Instant;

/// Counts from when it was made. A clock that shows a time before that shows 0; after 584 years it
/// stands still.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeline {
    epoch: Instant,
    // What the epoch reads as; `None` where instants can't be read.
    read: Option<u64>,
}

const BILLION: u64 = 1_000_000_000;

impl Timeline {
    pub(crate) fn new() -> Self {
        let epoch = Instant::now();
        let start = Reading::of(epoch);
        // Below and above a second, and across the end of one wherever the epoch lies in it.
        let read_right = [1, 999_999_999, BILLION, 123_456_789_012].iter().all(|&nanos| {
            let read = epoch.checked_add(Duration::from_nanos(nanos)).map(Reading::of);
            read.is_some_and(|read| read.is_valid() && read.nanos() == start.nanos() + nanos)
        });
        Self { epoch, read: (start.is_valid() && read_right).then(|| start.nanos()) }
    }

    /// The nanoseconds at `now`.
    #[inline]
    pub(crate) fn at(&self, now: Instant) -> u64 {
        match self.read {
            Some(start) => Reading::of(now).nanos().saturating_sub(start),
            None => self.subtract(now),
        }
    }

    /// The nanoseconds now.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    #[cold]
    fn subtract(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.epoch);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// What an instant feeds to a hasher.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    seconds: u64,
    fraction: u64,
    words: u32,
    other: u32,
}

impl Reading {
    #[inline]
    fn of(instant: Instant) -> Self {
        let mut reading = Self::default();
        instant.hash(&mut reading);
        reading
    }

    const fn is_valid(self) -> bool {
        self.words == 2 && self.other == 0 && self.seconds < u64::MAX / BILLION / 2
    }

    #[inline]
    const fn nanos(self) -> u64 {
        self.seconds.wrapping_mul(BILLION).wrapping_add(self.fraction)
    }
}

impl Hasher for Reading {
    #[inline]
    fn write_i64(&mut self, seconds: i64) {
        self.seconds = seconds.cast_unsigned();
        self.words += 1;
    }

    #[inline]
    fn write_u64(&mut self, seconds: u64) {
        self.seconds = seconds;
        self.words += 1;
    }

    #[inline]
    fn write_u32(&mut self, nanos: u32) {
        self.fraction = u64::from(nanos);
        self.words += 1;
    }

    fn write(&mut self, _: &[u8]) {
        self.other += 1;
    }

    fn finish(&self) -> u64 {
        self.nanos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_and_subtracting_agree() {
        let timeline = Timeline::new();
        let by_subtracting = Timeline { read: None, ..timeline };
        for nanos in (0..200_u64).map(|n| n * n * n * 1_234_567) {
            let now = timeline.epoch + Duration::from_nanos(nanos);
            assert_eq!(timeline.at(now), nanos);
            assert_eq!(by_subtracting.at(now), nanos);
        }
    }

    #[test]
    fn a_clock_before_the_epoch_shows_zero() {
        let now = Instant::now();
        let timeline = Timeline { epoch: now + Duration::from_secs(1), ..Timeline::new() };
        let read = Some(Reading::of(timeline.epoch).nanos());
        assert_eq!(Timeline { read: None, ..timeline }.at(now), 0);
        assert_eq!(Timeline { read, ..timeline }.at(now), 0);
    }

    #[test]
    fn what_is_fed_in_another_way_is_not_taken_for_a_time() {
        let mut reading = Reading::default();
        reading.write(&[1, 2, 3]);
        reading.write_u64(1);
        reading.write_u32(1);
        assert!(!reading.is_valid());
    }
}
