//! The instruments: every name, label and unit that this crate exports.
//!
//! Dashboards and alerts are written against these names, so they stay. A test holds them to
//! `tests/it/instruments.golden`.

mod table;

pub use table::*;

/// What is exported under one name.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instrument {
    /// The name for Prometheus. That of a counter ends in `_total`.
    pub name: &'static str,
    /// The name for OpenTelemetry, whose unit is a field of its own.
    pub otel_name: &'static str,
    /// How its values behave.
    pub kind: InstrumentKind,
    /// The unit as `OpenMetrics` writes it: `seconds`, or nothing for a number of things.
    pub unit: &'static str,
    /// The names of its labels. Their values are words of this crate, or names of policies, pipelines
    /// and phases: never anything of a request.
    pub labels: &'static [&'static str],
    /// What it measures.
    pub help: &'static str,
}

/// How the values of an [`Instrument`] behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstrumentKind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts values by their size.
    Histogram,
}

impl InstrumentKind {
    /// The word of the exposition format.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}
