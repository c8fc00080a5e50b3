//! Time in nanoseconds since an instant, in one 64-bit number.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use tokio::time::Instant;

/// Turns instants into nanoseconds since its epoch, so that a moment fits one atomic word and sums
/// of moments and lengths can't panic.
///
/// An instant before the epoch reads as 0; after 584 years it stands still at `u64::MAX`.
///
/// Subtracting one `Instant` from another costs about as many instructions as reading the clock,
/// since the standard library has to allow for either being the later. A breaker or a rate limit
/// does that on each call. What an `Instant` is made of, seconds and nanoseconds, can also be seen
/// by hashing it: a hash is made of nothing else. How they are fed to a hasher is not promised, so
/// a timeline checks when it is made that what it reads is right, and subtracts where it isn't.
///
/// ```
/// use std::time::Duration;
/// use seawall_core::Timeline;
/// use tokio::time::Instant;
///
/// let epoch = Instant::now();
/// let timeline = Timeline::since(epoch);
/// assert_eq!(timeline.at(epoch + Duration::from_micros(3)), 3_000);
/// assert_eq!(timeline.instant(3_000), Some(epoch + Duration::from_micros(3)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    epoch: Instant,
    // What the epoch reads as; `None` where instants can't be read.
    read: Option<u64>,
}

const BILLION: u64 = 1_000_000_000;

impl Timeline {
    /// Counts from now.
    pub fn new() -> Self {
        Self::since(Instant::now())
    }

    /// Counts from `epoch`.
    pub fn since(epoch: Instant) -> Self {
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
    pub fn at(&self, now: Instant) -> u64 {
        match self.read {
            Some(start) => Reading::of(now).nanos().saturating_sub(start),
            None => self.subtract(now),
        }
    }

    /// The nanoseconds now. Reads the clock, which follows tokio's when that is paused.
    #[inline]
    pub fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    /// The instant that reads as `nanos`; `None` where the clock's range ends before it.
    pub fn instant(&self, nanos: u64) -> Option<Instant> {
        self.epoch.checked_add(Duration::from_nanos(nanos))
    }

    #[cold]
    fn subtract(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.epoch);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new()
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
        self.seconds.saturating_mul(BILLION).saturating_add(self.fraction)
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
    fn what_lies_beyond_the_range_stands_still() {
        let timeline = Timeline::new();
        let by_subtracting = Timeline { read: None, ..timeline };
        let far = timeline.epoch + Duration::from_hours(24 * 366 * 1_000);
        assert_eq!(by_subtracting.at(far), u64::MAX);
        assert!(timeline.at(far) >= u64::MAX - timeline.read.unwrap_or_default());
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
