//! Times as they are written.

use std::time::Duration;

const UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// What a time has to look like.
pub(crate) const ALLOWED: &str =
    "a time with its unit, such as \"250ms\", \"1.5s\", \"2m\", or \"never\"";

/// `"250ms"`, `"1.5s"`, `"1m30s"`, `"never"`. Exact: what is less than a nanosecond is refused.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    if text == "never" {
        return Some(Duration::MAX);
    }
    let mut rest = text.trim();
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut sum: u64 = 0;
    let mut before = u64::MAX;
    while !rest.is_empty() || before == u64::MAX {
        let digits = rest.find(|it: char| !it.is_ascii_digit() && it != '.')?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|it: char| !it.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at(letters);
        let unit = UNITS.iter().find(|it| it.0 == unit)?.1;
        // Larger units stand first, each once.
        if unit >= before {
            return None;
        }
        sum = sum.checked_add(nanos(number, unit)?)?;
        (before, rest) = (unit, next);
    }
    Some(Duration::from_nanos(sum))
}

fn nanos(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let nanos = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let digits = u32::try_from(fraction.len()).ok().filter(|digits| *digits <= 15)?;
    let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(unit);
    let scale = 10_u128.pow(digits);
    if part % scale != 0 {
        return None;
    }
    nanos.checked_add(u64::try_from(part / scale).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let ms = Duration::from_millis;
        for (text, time) in [
            ("250ms", ms(250)),
            ("1.5s", ms(1_500)),
            ("1m30s", ms(90_000)),
            ("0s", ms(0)),
            ("0", ms(0)),
            ("1d", ms(86_400_000)),
            ("never", Duration::MAX),
            ("0.000000001s", Duration::from_nanos(1)),
        ] {
            assert_eq!(parse(text), Some(time), "{text}");
        }
        for text in [
            "",
            "2",
            "s",
            "1.5",
            "1 s",
            "-1s",
            "1s1m",
            "1s1s",
            "1.5ns",
            "99999999999999999999s",
            "1e3s",
            "0.1.2s",
            "2x",
            "999999999d",
            ".s",
            "1.s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
