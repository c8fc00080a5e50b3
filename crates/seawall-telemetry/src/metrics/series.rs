//! What one reading gives: families of series.

use std::collections::BTreeMap;

use seawall::Name;

use crate::instrument::{INSTRUMENTS, Instrument};

/// One reading of all instruments, sorted by instrument and labels.
#[derive(Clone, Debug, Default)]
pub struct Reading(pub(super) BTreeMap<Key, Value>);

/// One series: an instrument, and the values of its labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The place of the instrument in [`INSTRUMENTS`].
    instrument: usize,
    /// The value of the first label, where that is a name.
    pub(super) name: Option<Name>,
    /// The values of the others.
    words: [&'static str; 2],
}

/// The value of a series.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A number of things.
    Count(u64),
    /// A time, in nanoseconds.
    Nanos(u64),
    /// A value that rises and falls.
    Gauge(f64),
    /// Times by their length.
    Histogram(Buckets),
}

/// Times by their length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Buckets {
    /// How many times were at most as long as the bound of the same place in [`Buckets::BOUNDS`], and
    /// longer than the one before; last, those longer than all.
    pub counts: [u64; Self::BOUNDS.len() + 1],
    /// Their sum in nanoseconds.
    pub sum_nanos: u64,
}

impl Buckets {
    /// The upper bounds of the buckets in nanoseconds: 1 ms to 30 s.
    pub const BOUNDS: [u64; 14] = {
        const MS: u64 = 1_000_000;
        [
            MS,
            5 * MS / 2,
            5 * MS,
            10 * MS,
            25 * MS,
            50 * MS,
            100 * MS,
            250 * MS,
            500 * MS,
            1_000 * MS,
            2_500 * MS,
            5_000 * MS,
            10_000 * MS,
            30_000 * MS,
        ]
    };

    /// How many times there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.saturating_add(more);
        }
        self.sum_nanos = self.sum_nanos.saturating_add(other.sum_nanos);
    }
}

/// One series of a [`Reading`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Series<'r> {
    /// Its instrument.
    pub instrument: &'static Instrument,
    /// Its value.
    pub value: &'r Value,
    key: &'r Key,
}

impl<'r> Series<'r> {
    /// The names and values of its labels.
    pub fn labels(&self) -> impl Iterator<Item = (&'static str, &'r str)> {
        let name = self.key.name.as_ref().map(Name::as_str);
        self.instrument.labels.iter().copied().zip(name.into_iter().chain(self.key.words))
    }
}

impl Reading {
    /// All series, those of one instrument one after the other.
    pub fn series(&self) -> impl Iterator<Item = Series<'_>> {
        self.0.iter().filter_map(|(key, value)| {
            let instrument = *INSTRUMENTS.get(key.instrument)?;
            Some(Series { instrument, value, key })
        })
    }

    /// The value of one series.
    ///
    /// ```
    /// use seawall_telemetry::{Metrics, Value, instrument};
    ///
    /// let reading = Metrics::default().read();
    /// let version = env!("CARGO_PKG_VERSION");
    /// assert_eq!(reading.get(&instrument::INFO, &[version]), Some(&Value::Gauge(1.0)));
    /// ```
    pub fn get(&self, instrument: &Instrument, labels: &[&str]) -> Option<&Value> {
        let place = INSTRUMENTS.iter().position(|it| std::ptr::eq(*it, instrument))?;
        let of_it = self.0.iter().filter(|(key, _)| key.instrument == place);
        let mut series =
            of_it.map(|(key, value)| Series { instrument: INSTRUMENTS[place], value, key });
        let wanted =
            series.find(|it| it.labels().map(|(_, value)| value).eq(labels.iter().copied()));
        wanted.map(|it| it.value)
    }

    /// Adds to a series, which then exists.
    pub(super) fn add(&mut self, key: Key, value: Value) {
        match self.0.get_mut(&key) {
            Some(known) => known.add(value),
            None => drop(self.0.insert(key, value)),
        }
    }
}

impl Key {
    pub(super) fn new(
        instrument: &'static Instrument,
        name: &Name,
        words: [&'static str; 2],
    ) -> Self {
        Self { instrument: place_of(instrument), name: Some(name.clone()), words }
    }

    /// A series without a name among its labels.
    pub(super) fn unnamed(instrument: &'static Instrument, word: &'static str) -> Self {
        Self { instrument: place_of(instrument), name: None, words: [word, ""] }
    }
}

fn place_of(instrument: &'static Instrument) -> usize {
    INSTRUMENTS.iter().position(|it| std::ptr::eq(*it, instrument)).unwrap_or(usize::MAX)
}

impl Value {
    pub(super) fn add(&mut self, more: Self) {
        match (self, more) {
            (Self::Count(total) | Self::Nanos(total), Self::Count(more) | Self::Nanos(more)) => {
                *total = total.saturating_add(more);
            }
            (Self::Gauge(total), Self::Gauge(more)) => *total += more,
            (Self::Histogram(total), Self::Histogram(more)) => total.add(&more),
            (known, more) => *known = more,
        }
    }

    /// What came since `before`; all of it where it has fallen, as it then began anew. `None` for what
    /// is no total.
    pub(super) fn since(&self, before: Option<&Self>) -> Option<Self> {
        let rest = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now);
        match (self, before) {
            (Self::Gauge(_), _) => None,
            (Self::Count(now), Some(Self::Count(before))) => Some(Self::Count(rest(*now, *before))),
            (Self::Nanos(now), Some(Self::Nanos(before))) => Some(Self::Nanos(rest(*now, *before))),
            (now, _) => Some(now.clone()),
        }
    }
}
