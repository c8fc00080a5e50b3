//! The text that Prometheus reads.

use std::fmt::Write;

use crate::instrument::{Instrument, InstrumentKind};
use crate::metrics::{Buckets, Metrics, Reading, Series, Value};

/// A format of the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Prometheus text, version 0.0.4.
    #[default]
    Prometheus,
    /// `OpenMetrics`, version 1.0.
    OpenMetrics,
}

impl Format {
    /// The format that a scraper asks for by its header `accept`: `OpenMetrics` where it says so.
    ///
    /// ```
    /// use seawall_telemetry::Format;
    ///
    /// let accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
    /// assert_eq!(Format::accepted(accept), Format::OpenMetrics);
    /// assert_eq!(Format::accepted("*/*"), Format::Prometheus);
    /// ```
    pub fn accepted(accept: &str) -> Self {
        let asks = |part: &str| part.trim_start().starts_with("application/openmetrics-text");
        if accept.split(',').any(asks) { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// The value of the header `content-type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl Metrics {
    /// A [reading](Self::read) as text, for the answer to a scrape.
    pub fn text(&self, format: Format) -> String {
        self.read().text(format)
    }
}

impl Reading {
    /// The reading as text.
    pub fn text(&self, format: Format) -> String {
        let mut text = String::new();
        let mut of: Option<&Instrument> = None;
        for series in self.series() {
            if of != Some(series.instrument) {
                head(&mut text, format, series.instrument);
                of = Some(series.instrument);
            }
            write_series(&mut text, &series);
        }
        if format == Format::OpenMetrics {
            text.push_str("# EOF\n");
        }
        text
    }
}

/// Writing to a `String` never fails.
macro_rules! put {
    ($text:expr, $($part:tt)*) => { let _ = write!($text, $($part)*); };
}

fn head(text: &mut String, format: Format, instrument: &Instrument) {
    let Instrument { name, kind, help, .. } = *instrument;
    // The family of a counter has a name without the suffix there.
    let name = match (format, kind) {
        (Format::OpenMetrics, InstrumentKind::Counter) => {
            name.strip_suffix("_total").unwrap_or(name)
        }
        _ => name,
    };
    put!(text, "# HELP {name} {help}\n# TYPE {name} {}\n", kind.as_str());
    if format == Format::OpenMetrics && !instrument.unit.is_empty() {
        put!(text, "# UNIT {name} {}\n", instrument.unit);
    }
}

fn write_series(text: &mut String, series: &Series<'_>) {
    let name = series.instrument.name;
    match series.value {
        Value::Count(total) => {
            line(text, name, series, None);
            put!(text, "{total}\n");
        }
        Value::Nanos(nanos) => {
            line(text, name, series, None);
            seconds(text, *nanos);
            text.push('\n');
        }
        Value::Gauge(value) => {
            line(text, name, series, None);
            number(text, *value);
            text.push('\n');
        }
        Value::Histogram(buckets) => histogram(text, series, buckets),
    }
}

fn histogram(text: &mut String, series: &Series<'_>, buckets: &Buckets) {
    let name = series.instrument.name;
    let mut total = 0;
    let bounds = Buckets::BOUNDS.map(Some).into_iter().chain([None]);
    for (bound, count) in bounds.zip(buckets.counts) {
        total += count;
        let mut le = String::new();
        match bound {
            Some(nanos) => seconds(&mut le, nanos),
            None => le.push_str("+Inf"),
        }
        line(text, &format!("{name}_bucket"), series, Some(&le));
        put!(text, "{total}\n");
    }
    line(text, &format!("{name}_sum"), series, None);
    seconds(text, buckets.sum_nanos);
    text.push('\n');
    line(text, &format!("{name}_count"), series, None);
    put!(text, "{total}\n");
}

/// The name and the labels, and a blank after them.
fn line(text: &mut String, name: &str, series: &Series<'_>, le: Option<&str>) {
    text.push_str(name);
    let mut before = '{';
    for (label, value) in series.labels().chain(le.map(|le| ("le", le))) {
        put!(text, "{before}{label}=\"");
        for c in value.chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                c => text.push(c),
            }
        }
        text.push('"');
        before = ',';
    }
    text.push_str(if before == ',' { "} " } else { " " });
}

/// Exact, and always with a decimal point, as `OpenMetrics` writes bounds.
fn seconds(text: &mut String, nanos: u64) {
    let (whole, part) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let digits = format!("{part:09}");
    let digits = digits.trim_end_matches('0');
    put!(text, "{whole}.{}", if digits.is_empty() { "0" } else { digits });
}

fn number(text: &mut String, value: f64) {
    if value.is_infinite() {
        text.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else if value.is_nan() {
        text.push_str("NaN");
    } else {
        put!(text, "{value}");
    }
}
