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
/// since either may be the later one. A breaker or a rate limit does that on each call. The seconds
/// and nanoseconds of an `Instant` can also be read by hashing it, as its hash is made of nothing
/// else. How they are fed to a hasher is not promised, so a timeline checks when it is made that its
/// readings are right, and subtracts where they are not. This is the only trick of its kind.
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
#[derive(Clone, Debug)]
pub struct Timeline {
    /// The reading of the epoch, less than [`LATEST`] seconds; [`UNREAD`] where instants can't be read,
    /// so that one comparison checks both.
    start: i64,
    /// The epoch where instants can't be read.
    // In a box, as it is rarely needed.
    unread: Option<Box<Instant>>,
}

/// Sentinel epoch: no instant is later than it, so every lookup takes the slow path.
const UNREAD: i64 = i64::MAX;

const BILLION: u64 = 1_000_000_000;

/// The most seconds whose nanoseconds fit 63 bits: 292 years.
const LATEST: i64 = i64::MAX / BILLION.cast_signed();

/// The most seconds whose nanoseconds, and those of one more, fit 64 bits: 584 years.
const LONGEST: u64 = u64::MAX / BILLION - 1;

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
            read.is_some_and(|read| {
                read.is_valid() && read.nanos() == start.nanos() + i128::from(nanos)
            })
        });
        match i64::try_from(start.nanos()) {
            Ok(start_nanos) if start.is_valid() && read_right => {
                Self { start: start_nanos, unread: None }
            }
            _ => Self::unread(epoch),
        }
    }

    fn unread(epoch: Instant) -> Self {
        Self { start: UNREAD, unread: Some(Box::new(epoch)) }
    }

    /// The nanoseconds at `now`.
    #[inline]
    pub fn at(&self, now: Instant) -> u64 {
        self.read(now).unwrap_or_else(|| self.at_length(now))
    }

    /// The nanoseconds at `now`; `None` where the slow path is needed, as it is up to the epoch.
    #[inline]
    fn read(&self, now: Instant) -> Option<u64> {
        Reading::of(now).nanos_after(self.start)
    }

    /// [`at`](Self::at) for any instant.
    #[cold]
    fn at_length(&self, now: Instant) -> u64 {
        match self.unread.as_deref() {
            None => within_range(Reading::of(now).nanos() - i128::from(self.start)),
            Some(epoch) => subtract(now, epoch),
        }
    }

    /// The nanoseconds now. Reads the clock, which follows tokio's when that is paused.
    #[inline]
    pub fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    /// The nanoseconds from `earlier` to `later`: 0 if it is the later of the two, `u64::MAX` after
    /// 584 years.
    ///
    /// One conversion instead of two where only the difference counts.
    #[inline]
    pub fn between(&self, earlier: Instant, later: Instant) -> u64 {
        match self.unread {
            None => Reading::of(later).since(Reading::of(earlier)),
            Some(_) => subtract(later, &earlier),
        }
    }

    /// The instant that reads as `nanos`; `None` where the clock's range ends before it. Reads the
    /// clock.
    pub fn instant(&self, nanos: u64) -> Option<Instant> {
        match self.unread.as_deref() {
            None => instant_that_reads(within_range(i128::from(self.start) + i128::from(nanos))),
            Some(epoch) => epoch.checked_add(Duration::from_nanos(nanos)),
        }
    }
}

/// Counted from now, forwards or back: only the reading of the epoch is kept.
fn instant_that_reads(nanos: u64) -> Option<Instant> {
    let now = Instant::now();
    let read = within_range(Reading::of(now).nanos());
    let distance = Duration::from_nanos(nanos.abs_diff(read));
    if nanos < read { now.checked_sub(distance) } else { now.checked_add(distance) }
}

fn within_range(nanos: i128) -> u64 {
    u64::try_from(nanos.max(0)).unwrap_or(u64::MAX)
}

// By reference: by value, the epoch would be loaded also where it is not needed.
#[cold]
fn subtract(now: Instant, epoch: &Instant) -> u64 {
    let since = now.saturating_duration_since(*epoch);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new()
    }
}

/// The numbers that an instant feeds to a hasher.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    seconds: i64,
    fraction: u32,
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
        self.words == 2 && self.other == 0 && 0 <= self.seconds && self.seconds < LATEST
    }

    fn nanos(self) -> i128 {
        i128::from(self.seconds) * i128::from(BILLION) + i128::from(self.fraction)
    }

    /// The nanoseconds after `start`, which is not negative; `None` at it and before, and where the
    /// reading does not fit 63 bits.
    #[inline]
    fn nanos_after(self, start: i64) -> Option<u64> {
        let seconds = self.seconds.checked_mul(BILLION.cast_signed())?;
        // If it wraps, it is negative, and so before the start.
        let nanos = seconds.wrapping_add(i64::from(self.fraction));
        (nanos > start).then(|| (nanos - start).cast_unsigned())
    }

    #[inline]
    fn since(self, earlier: Self) -> u64 {
        let seconds = self.seconds.wrapping_sub(earlier.seconds).cast_unsigned();
        // One comparison finds both: a negative number, and one that does not fit.
        if seconds <= LONGEST {
            let nanos = seconds * BILLION + u64::from(self.fraction);
            nanos.saturating_sub(u64::from(earlier.fraction))
        } else if self.seconds < earlier.seconds {
            0
        } else {
            u64::MAX
        }
    }
}

impl Hasher for Reading {
    #[inline]
    fn write_i64(&mut self, seconds: i64) {
        self.seconds = seconds;
        self.words += 1;
    }

    #[inline]
    fn write_u64(&mut self, seconds: u64) {
        self.seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        self.words += 1;
    }

    #[inline]
    fn write_u32(&mut self, nanos: u32) {
        self.fraction = nanos;
        self.words += 1;
    }

    fn write(&mut self, _: &[u8]) {
        self.other += 1;
    }

    fn finish(&self) -> u64 {
        within_range(self.nanos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same epoch, read and unread.
    fn both(epoch: Instant) -> [Timeline; 2] {
        let timeline = Timeline::since(epoch);
        assert!(timeline.unread.is_none(), "{timeline:?}");
        [timeline, Timeline::unread(epoch)]
    }

    #[test]
    fn reading_and_subtracting_agree() {
        let epoch = Instant::now();
        for timeline in both(epoch) {
            for nanos in (0..200_u64).map(|n| n * n * n * 1_234_567) {
                let now = epoch + Duration::from_nanos(nanos);
                assert_eq!(timeline.at(now), nanos);
                assert_eq!(timeline.instant(nanos), Some(now));
            }
        }
    }

    #[test]
    fn instants_are_found_before_now_and_after() {
        let now = Instant::now();
        for timeline in both(now - Duration::from_secs(5)) {
            assert_eq!(timeline.instant(5_000_000_000), Some(now));
            assert_eq!(timeline.instant(2), Some(now - Duration::from_nanos(4_999_999_998)));
        }
    }

    #[test]
    fn what_lies_beyond_the_range_stands_still() {
        let epoch = Instant::now();
        let [read, unread] = both(epoch);
        let far = epoch + Duration::from_hours(24 * 366 * 1_000);
        assert_eq!(unread.at(far), u64::MAX);
        assert_eq!(read.at(far), u64::MAX);
    }

    #[test]
    fn nothing_is_lost_where_63_bits_end() {
        let epoch = Instant::now();
        let start = u64::try_from(Reading::of(epoch).nanos()).expect("a start that fits");
        let ends = [1 << 63, LATEST.cast_unsigned() * BILLION];
        for (timeline, end) in
            both(epoch).into_iter().flat_map(|t| ends.map(|end| (t.clone(), end)))
        {
            for near in [0, 1, 999_999_999, BILLION, BILLION + 1] {
                for nanos in [end - near - start, end + near - start] {
                    assert_eq!(timeline.at(epoch + Duration::from_nanos(nanos)), nanos);
                }
            }
        }
    }

    #[test]
    fn long_before_the_epoch_it_shows_zero() {
        let now = Instant::now();
        // Where the clock reads less than nothing, if it can.
        let uptime = Duration::from_hours(24 * 366 * 100);
        if let Some(before) = now.checked_sub(uptime) {
            for timeline in both(now) {
                assert_eq!(timeline.at(before), 0);
                assert_eq!(timeline.between(before, now), 3_162_240_000 * BILLION);
            }
        }
    }

    #[test]
    fn a_clock_before_the_epoch_shows_zero() {
        let now = Instant::now();
        for timeline in both(now + Duration::from_secs(1)) {
            assert_eq!(timeline.at(now), 0);
            assert_eq!(timeline.instant(0), Some(now + Duration::from_secs(1)));
        }
    }

    #[test]
    fn between_two_instants_lies_their_difference() {
        let epoch = Instant::now();
        let steps = [0_u64, 1, 500_000_000, 999_999_999, 1_000_000_000, 7_123_456_789];
        for timeline in both(epoch + Duration::from_millis(1)) {
            for (earlier, later) in steps.iter().flat_map(|&e| steps.map(|l| (e, l))) {
                let at = |nanos| epoch + Duration::from_nanos(nanos);
                let expected = later.saturating_sub(earlier);
                assert_eq!(timeline.between(at(earlier), at(later)), expected);
            }
            let far = epoch + Duration::from_hours(24 * 366 * 1_000);
            assert_eq!(timeline.between(epoch, far), u64::MAX);
            assert_eq!(timeline.between(far, epoch), 0);
        }
    }

    #[test]
    fn what_is_fed_in_another_way_is_not_taken_for_a_time() {
        let mut reading = Reading::default();
        reading.write(&[1, 2, 3]);
        reading.write_u64(1);
        reading.write_u32(1);
        assert!(!reading.is_valid());
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn it_takes_no_more_than_an_instant() {
        assert_eq!(size_of::<Timeline>(), size_of::<Instant>());
    }
}
