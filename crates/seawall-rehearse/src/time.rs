//! Times of the simulation: whole nanoseconds since the beginning of a run.

use std::time::Duration;

/// Nanoseconds.
pub(crate) type Nanos = u64;

pub(crate) const MICROSECOND: Nanos = 1_000;
pub(crate) const MILLISECOND: Nanos = 1_000_000;
pub(crate) const SECOND: Nanos = 1_000_000_000;

/// The nearest whole nanosecond; negative and undefined times are 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
pub(crate) fn nanos(seconds: f64) -> Nanos {
    (seconds * 1e9).round() as Nanos
}

#[expect(clippy::cast_precision_loss, reason = "runs are shorter than 52 days")]
pub(crate) fn seconds(nanos: Nanos) -> f64 {
    nanos as f64 / 1e9
}

pub(crate) const fn duration(nanos: Nanos) -> Duration {
    Duration::from_nanos(nanos)
}

/// Reads "500ms", "1.5s", "2m", "1h", "300us" or "20ns".
pub(crate) fn parse(text: &str) -> Option<Nanos> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(split);
    let unit = match unit.trim() {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    Some(nanos(number * unit))
}

/// Writes what [`parse`] reads.
pub(crate) fn display(time: Nanos) -> String {
    for (unit, name) in [(SECOND, "s"), (MILLISECOND, "ms"), (MICROSECOND, "us")] {
        if time >= unit && time.is_multiple_of(unit / 1_000) {
            #[expect(clippy::cast_precision_loss, reason = "runs are shorter than 52 days")]
            return format!("{}{name}", time as f64 / unit as f64);
        }
    }
    format!("{time}ns")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (time, text) in [
            (0, "0ns"),
            (1, "1ns"),
            (1_500, "1.5us"),
            (500 * MILLISECOND, "500ms"),
            (1_500 * MILLISECOND, "1.5s"),
            (90 * SECOND, "90s"),
            (SECOND + 1, "1000000.001us"),
        ] {
            assert_eq!(display(time), text);
            assert_eq!(parse(text), Some(time));
        }
        assert_eq!(parse("2m"), Some(120 * SECOND));
        for wrong in ["", "5", "s", "5 parsecs", "-1s", "1.2.3s"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
