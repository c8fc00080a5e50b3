//! What time it is, in UTC.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC, to the millisecond.
///
/// `Display`, serde and `FromStr` speak RFC 3339 with milliseconds and `Z`. Years before 0 and
/// after 9999 can't be written that way; such moments are the first or the last that can.
///
/// ```
/// use seawall_capture::Timestamp;
///
/// let moment = Timestamp::from_millis(1_700_000_000_123);
/// assert_eq!(moment.to_string(), "2023-11-14T22:13:20.123Z");
/// assert_eq!("2023-11-14T22:13:20.123Z".parse(), Ok(moment));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const DAY: i64 = 86_400_000;

impl Timestamp {
    /// The first moment of the year 0.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// The last millisecond of the year 9999.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// The moment `millis` milliseconds after 1970-01-01T00:00:00Z, or the nearest that can be
    /// written.
    pub const fn from_millis(millis: i64) -> Self {
        if millis < Self::MIN.0 {
            Self::MIN
        } else if millis > Self::MAX.0 {
            Self::MAX
        } else {
            Self(millis)
        }
    }

    /// Milliseconds after 1970-01-01T00:00:00Z.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This moment and `time` on top of it; [`MAX`](Self::MAX) if that is too late to be written.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(millis(time)))
    }

    /// This moment less `time`; [`MIN`](Self::MIN) if that is too early to be written.
    #[must_use]
    pub fn before(self, time: Duration) -> Self {
        Self::from_millis(self.0.saturating_sub(millis(time)))
    }

    /// How long after `earlier` this is; zero if it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self::from_millis(match time.duration_since(UNIX_EPOCH) {
            Ok(after) => millis(after),
            Err(before) => millis(before.duration()).saturating_neg(),
        })
    }
}

/// The civil date of a day counted from 1970-01-01, and back: Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms".
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0.div_euclid(DAY));
        let rest = self.0.rem_euclid(DAY);
        let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
        let (second, milli) = (rest / 1_000 % 60, rest % 1_000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }
}

/// The text is not a time of the form `2023-11-14T22:13:20.123Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseTimestampError;

impl fmt::Display for ParseTimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a time of the form 2023-11-14T22:13:20.123Z")
    }
}

impl std::error::Error for ParseTimestampError {}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    /// Reads `YYYY-MM-DDTHH:MM:SS`, up to three decimals of a second, and `Z`.
    fn from_str(text: &str) -> Result<Self, ParseTimestampError> {
        parse(text).ok_or(ParseTimestampError)
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z')?;
    let (text, milli) = match text.split_once('.') {
        Some((text, decimals)) if (1..=3).contains(&decimals.len()) => {
            (text, number(decimals)? * [100, 10, 1][decimals.len() - 1])
        }
        Some(_) => return None,
        None => (text, 0),
    };
    let bytes = text.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if bytes.len() != 19 || separators.iter().any(|(at, is)| bytes[*at] != *is) {
        return None;
    }
    let part = |from: usize, to: usize| text.get(from..to).and_then(number);
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    let moment = days(year, month, day);
    if hour > 23 || minute > 59 || second > 59 || civil(moment) != (year, month, day) {
        return None;
    }
    Some(Timestamp(moment * DAY + ((hour * 60 + minute) * 60 + second) * 1_000 + milli))
}

fn number(digits: &str) -> Option<i64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The time by the system's clock, and a [steady](Clock::steady) one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Now {
    /// What is shown, and what is written down for the next process.
    pub(crate) wall: Timestamp,
    /// What waiting goes by.
    pub(crate) steady: Timestamp,
}

/// Where timestamps come from: the system's clock, or one that a test moves by hand.
///
/// Clones share it. Timestamps are for showing; what waits for something to be over goes by the
/// monotonic clock, so a system clock that is set back or forward makes nothing late or early. What
/// is written down for the next process, such as [retention](crate::store::Retention), goes by the
/// system's clock.
#[derive(Clone, Default)]
pub struct Clock(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<Manual>),
}

struct Manual {
    now: AtomicI64,
    steady: AtomicI64,
}

/// When the process first asked for a steady time, by both clocks.
static ORIGIN: OnceLock<(Instant, Timestamp)> = OnceLock::new();

impl Clock {
    /// The system's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `now` until it is [advanced](Self::advance) or [set](Self::set).
    pub fn manual(now: Timestamp) -> Self {
        let millis = || AtomicI64::new(now.as_millis());
        Self(Source::Manual(Arc::new(Manual { now: millis(), steady: millis() })))
    }

    /// What time it is.
    #[inline]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => SystemTime::now().into(),
            Source::Manual(clock) => Timestamp::from_millis(clock.now.load(Ordering::Relaxed)),
        }
    }

    /// A time that goes on as the monotonic clock does, whatever the system's clock is set to: what
    /// the latter would say, had nobody set it since the process began.
    pub(crate) fn steady(&self) -> Timestamp {
        match &self.0 {
            Source::System => {
                let now = Instant::now();
                let (began, origin) = ORIGIN.get_or_init(|| (now, SystemTime::now().into()));
                origin.after(now.saturating_duration_since(*began))
            }
            Source::Manual(clock) => Timestamp::from_millis(clock.steady.load(Ordering::Relaxed)),
        }
    }

    /// The time, by both clocks.
    #[inline]
    pub(crate) fn both(&self) -> Now {
        Now { wall: self.now(), steady: self.steady() }
    }

    /// Moves the clock on by `time`. Does nothing to the system's clock.
    pub fn advance(&self, time: Duration) {
        if let Source::Manual(clock) = &self.0 {
            for clock in [&clock.now, &clock.steady] {
                let later = |now| Some(Timestamp::from_millis(now).after(time).as_millis());
                // The update is never refused.
                let _ = clock.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
            }
        }
    }

    /// Sets the clock, as an administrator does: no time passes by that. Does nothing to the
    /// system's clock.
    pub fn set(&self, time: Timestamp) {
        if let Source::Manual(clock) = &self.0 {
            clock.now.store(time.as_millis(), Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Source::System => f.write_str("Clock::system"),
            Source::Manual(_) => write!(f, "Clock::manual({})", self.now()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_written_and_read() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (Timestamp::MIN.0, "0000-01-01T00:00:00.000Z"),
            (Timestamp::MAX.0, "9999-12-31T23:59:59.999Z"),
        ] {
            let moment = Timestamp::from_millis(millis);
            assert_eq!(moment.to_string(), text);
            assert_eq!(text.parse(), Ok(moment));
        }
        assert_eq!("1970-01-01T00:00:01Z".parse(), Ok(Timestamp(1_000)));
        assert_eq!("1970-01-01T00:00:01.5Z".parse(), Ok(Timestamp(1_500)));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "Z",
            "1970-01-01",
            "1970-02-30T00:00:00Z",
            "1970-13-01T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:60Z",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00:00+00:00",
            "1970-01-01T00:00:00.1234Z",
            "1970-01-01T00:00:0éZ",
            "+970-01-01T00:00:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(ParseTimestampError), "{text}");
        }
    }

    #[test]
    fn every_day_of_eight_centuries_survives_the_round_trip() {
        for day in -146_097..146_097 {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), day);
        }
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp::MAX.after(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.before(Duration::MAX), Timestamp::MIN);
        assert_eq!(Timestamp(0).since(Timestamp(5)), Duration::ZERO);
    }
}
