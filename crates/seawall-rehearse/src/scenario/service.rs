//! How long a server works on a request.

use crate::chance::{Chance, Stream, exp, ln, normal_quantile};
use crate::time::{MICROSECOND, Nanos, SECOND, nanos, seconds};

use super::reader::Reader;

/// A distribution of service times.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Service {
    Fixed(Nanos),
    Exponential {
        mean: Nanos,
    },
    /// `mu` and `sigma` of the logarithm of seconds.
    Lognormal {
        mu: f64,
        sigma: f64,
    },
    Bimodal {
        fast: Nanos,
        slow: Nanos,
        slow_share: f64,
    },
    /// Sorted.
    Measured(Vec<Nanos>),
}

/// The shortest and the longest that a service time may be said to be.
const RANGE: std::ops::RangeInclusive<Nanos> = MICROSECOND..=3_600 * SECOND;
/// ln(p99 / p50) of a standard deviation of 1.
const Z99: f64 = 2.326_347_874;

impl Service {
    /// The time that the `number`th request takes.
    pub(crate) fn draw(&self, chance: Chance, number: u64) -> Nanos {
        match self {
            Self::Fixed(time) => *time,
            Self::Exponential { mean } => {
                nanos(seconds(*mean) * chance.exponential(Stream::Service, number)).max(1)
            }
            _ => self.quantile(chance.unit(Stream::Service, number)).max(1),
        }
    }

    /// The time that a share `p` of the requests stays below.
    pub(crate) fn quantile(&self, p: f64) -> Nanos {
        match self {
            Self::Fixed(time) => *time,
            Self::Exponential { mean } => nanos(-seconds(*mean) * ln(1.0 - p.min(1.0 - 1e-12))),
            Self::Lognormal { mu, sigma } => nanos(exp(mu + sigma * normal_quantile(p))),
            Self::Bimodal { fast, slow, slow_share } => {
                if p < 1.0 - slow_share {
                    *fast
                } else {
                    *slow
                }
            }
            Self::Measured(times) => {
                #[expect(
                    clippy::cast_precision_loss,
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "an index below the length"
                )]
                let index = (p * times.len() as f64) as usize;
                times[index.min(times.len() - 1)]
            }
        }
    }

    /// The mean time, in seconds.
    #[expect(clippy::cast_precision_loss, reason = "a number of lines")]
    pub(crate) fn mean(&self) -> f64 {
        match self {
            Self::Fixed(time) | Self::Exponential { mean: time } => seconds(*time),
            Self::Lognormal { mu, sigma } => exp(mu + sigma * sigma / 2.0),
            Self::Bimodal { fast, slow, slow_share } => {
                seconds(*fast) * (1.0 - slow_share) + seconds(*slow) * slow_share
            }
            Self::Measured(times) => {
                times.iter().map(|time| seconds(*time)).sum::<f64>() / times.len() as f64
            }
        }
    }

    pub(crate) fn lognormal(p50: Nanos, p99: Nanos) -> Self {
        let mu = ln(seconds(p50));
        Self::Lognormal { mu, sigma: (ln(seconds(p99)) - mu) / Z99 }
    }

    /// Times that were measured, in any order.
    pub(crate) fn measured(mut times: Vec<Nanos>) -> Self {
        times.sort_unstable();
        Self::Measured(times)
    }
}

/// Reads `service = "10ms"` or `service = { kind = .., .. }`.
pub(super) fn read(
    from: &Reader<'_>,
    key: &'static str,
    folder: &std::path::Path,
) -> Option<Service> {
    if from.raw(key).is_some_and(toml::Value::is_str) {
        return from.time(key, &RANGE).map(Service::Fixed);
    }
    let table = from.table(key)?;
    let kinds = ["fixed", "exponential", "lognormal", "bimodal", "measured"];
    let kind = table.word("kind", &kinds);
    if kind.is_none() {
        table.missing("kind", format_args!("one of: {}", kinds.join(", ")));
        return None;
    }
    let time = |key| {
        let time = table.time(key, &RANGE);
        if time.is_none() {
            table.missing(key, "a time");
        }
        time
    };
    let service = match kind? {
        "fixed" => time("time").map(Service::Fixed),
        "exponential" => time("mean").map(|mean| Service::Exponential { mean }),
        "lognormal" => match (time("p50"), time("p99")) {
            (Some(p50), Some(p99)) if p99 >= p50 => Some(Service::lognormal(p50, p99)),
            (Some(_), Some(_)) => {
                table.refuse("p99", "below p50", "at least p50");
                None
            }
            _ => None,
        },
        "bimodal" => {
            let share = table.number("slow_share", &(0.0..=1.0));
            if share.is_none() {
                table.missing("slow_share", "a number between 0 and 1");
            }
            match (time("fast"), time("slow"), share) {
                (Some(fast), Some(slow), Some(slow_share)) => {
                    Some(Service::Bimodal { fast, slow, slow_share })
                }
                _ => None,
            }
        }
        _ => measured(&table, folder).map(Service::measured),
    };
    table.finish();
    service
}

fn measured(table: &Reader<'_>, folder: &std::path::Path) -> Option<Vec<Nanos>> {
    let allowed = "times such as \"12ms\" in `times`, or the name of a text file with one in each line in `file`";
    let inside = table.raw("times");
    let times: Option<Vec<Nanos>> = match (inside, table.text("file")) {
        (Some(times), None) => times.as_array().and_then(|times| {
            times.iter().map(|time| time.as_str().and_then(crate::time::parse)).collect()
        }),
        (None, Some(file)) => match super::read_text(&folder.join(file)) {
            Ok(text) => lines(&text),
            Err(error) => {
                table.refuse("file", format_args!("{file:?} ({error})"), "a file that can be read");
                return None;
            }
        },
        _ => None,
    };
    let times = times.filter(|times| {
        (1..=1_000_000).contains(&times.len()) && times.iter().all(|time| RANGE.contains(time))
    });
    if times.is_none() {
        table.refuse("kind", "\"measured\"", format_args!("with 1 to 1,000,000 {allowed}"));
    }
    times
}

/// Replaces the name of a file in `table`, at `path`, by the times that stand in it.
pub(super) fn write_out(table: &mut toml::Table, path: &[&str], service: &Service) {
    let (Service::Measured(times), [first, rest @ ..]) = (service, path) else { return };
    let Some(toml::Value::Table(inner)) = table.get_mut(*first) else { return };
    if !rest.is_empty() {
        write_out(inner, rest, service);
    } else if inner.remove("file").is_some() {
        let times = times.iter().map(|time| toml::Value::from(crate::time::display(*time)));
        inner.insert("times".to_owned(), toml::Value::Array(times.collect()));
    }
}

/// One time in each line; a number without a unit is milliseconds.
fn lines(text: &str) -> Option<Vec<Nanos>> {
    let line = |line: &str| {
        crate::time::parse(line).or_else(|| line.parse().ok().map(|ms: f64| nanos(ms / 1e3)))
    };
    text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_quantiles_are_those_of_the_draws() {
        let chance = Chance::new(3);
        let ms = 1_000 * MICROSECOND;
        let measured: Vec<_> = lines("# a log\n3\n1ms\n\n2.0\n").unwrap();
        for service in [
            Service::Fixed(10 * ms),
            Service::Exponential { mean: 10 * ms },
            Service::lognormal(8 * ms, 40 * ms),
            Service::Bimodal { fast: ms, slow: 50 * ms, slow_share: 0.2 },
            Service::measured(measured),
        ] {
            let count = 200_000;
            let mut drawn: Vec<_> = (0..count).map(|n| service.draw(chance, n)).collect();
            let mean = drawn.iter().map(|time| seconds(*time)).sum::<f64>() / 2e5;
            assert!((mean / service.mean() - 1.0).abs() < 0.01, "{service:?} {mean}");
            drawn.sort_unstable();
            let p90 = seconds(drawn[180_000]);
            assert!((p90 / seconds(service.quantile(0.9)) - 1.0).abs() < 0.02, "{service:?}");
        }
    }
}
