//! What a run comes down to.

use serde::Serialize;

/// The figures of one stack under one seed, or the median or worst over several.
///
/// "Counted" are the calls that were made from the beginning of the first fault until ten seconds
/// after the end of the last; "health" are those that were over before it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Figures {
    /// Counted calls without an answer by their own deadline, in seconds of offered load.
    pub loss: f64,
    /// Seconds from the end of the last fault until goodput is at least 90 % for good; infinite,
    /// and `null` in JSON, where that never comes.
    pub recovery: f64,
    /// 1 where goodput was not back when the run ended, otherwise 0.
    pub metastable: f64,
    /// The share of calls that was answered while something was wrong.
    pub goodput_during: f64,
    /// The share in the ten seconds after.
    pub goodput_after: f64,
    /// Requests per counted call.
    pub amplification: f64,
    /// Requests per call made while something was wrong.
    pub amplification_during: f64,
    /// Requests per call made in the ten seconds after.
    pub amplification_after: f64,
    /// The share of the servers' work that was done for callers that had left.
    pub wasted: f64,
    /// Counted calls of which nothing was ever sent.
    pub refused: f64,
    /// The 99th percentile of how long those took, in seconds.
    pub refused_p99: f64,
    /// Calls in health.
    pub calls_in_health: f64,
    /// Calls in health of which nothing was ever sent.
    pub refused_in_health: f64,
    /// The share of calls that was lost in health.
    pub lost_in_health: f64,
    /// The share that was lost in the first second.
    pub lost_at_cold_start: f64,
    /// The median of how long counted calls took that were answered, in seconds.
    pub latency_p50: f64,
    /// The 99th percentile of the same.
    pub latency_p99: f64,
    /// Counted calls that a fallback answered. They are lost all the same.
    pub substituted: f64,
    /// Counted calls.
    pub calls: f64,
    /// The share of the time that circuits were not closed.
    pub open: f64,
}

/// What a figure is a number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Share,
    Number,
}

/// A figure by the name that promises use.
pub(crate) struct Word {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    /// Larger is worse.
    pub(crate) less_is_better: bool,
    pub(crate) get: fn(&Figures) -> f64,
    set: fn(&mut Figures, f64),
}

macro_rules! words {
    ($($name:ident $unit:ident $less:literal,)*) => {
        &[$(Word {
            name: stringify!($name),
            unit: Unit::$unit,
            less_is_better: $less,
            get: |figures| figures.$name,
            set: |figures, value| figures.$name = value,
        },)*]
    };
}

impl Figures {
    /// All figures.
    pub(crate) const WORDS: &[Word] = words![
        loss Seconds true,
        recovery Seconds true,
        metastable Number true,
        goodput_during Share false,
        goodput_after Share false,
        amplification Number true,
        amplification_during Number true,
        amplification_after Number true,
        wasted Share true,
        refused Number true,
        refused_p99 Seconds true,
        calls_in_health Number false,
        refused_in_health Number true,
        lost_in_health Share true,
        lost_at_cold_start Share true,
        latency_p50 Seconds true,
        latency_p99 Seconds true,
        substituted Number true,
        calls Number false,
        open Share true,
    ];

    pub(crate) fn word(name: &str) -> Option<&'static Word> {
        Self::WORDS.iter().find(|word| word.name == name)
    }

    /// The median of each figure.
    pub(crate) fn median(runs: &[Self]) -> Self {
        Self::of_each(runs, |values, _| {
            let middle = values.len() / 2;
            if values.len().is_multiple_of(2) && values[middle].is_finite() {
                f64::midpoint(values[middle - 1], values[middle])
            } else {
                values[middle]
            }
        })
    }

    /// The worst of each figure.
    pub(crate) fn worst(runs: &[Self]) -> Self {
        Self::of_each(
            runs,
            |values, word| {
                if word.less_is_better { values[values.len() - 1] } else { values[0] }
            },
        )
    }

    fn of_each(runs: &[Self], choose: impl Fn(&[f64], &Word) -> f64) -> Self {
        let mut figures = Self::default();
        if runs.is_empty() {
            return figures;
        }
        for word in Self::WORDS {
            let mut values: Vec<_> = runs.iter().map(word.get).collect();
            values.sort_by(f64::total_cmp);
            (word.set)(&mut figures, choose(&values, word));
        }
        figures
    }
}
