//! Figures from the ledger: latencies, and how long goodput took to recover.

use std::time::Duration;

use serde::Serialize;

use crate::ledger::{Books, Settled};
use crate::scenario::Phase;

/// Goodput is back in the first second in which it is this share of the first phase's.
pub const BACK: f64 = 0.95;
const SECOND: Duration = Duration::from_secs(1);

/// Latencies in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the unit belongs to each name in the report")]
pub struct Latency {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl Latency {
    /// The latencies of the calls that `pick` picks; `None` if there are none.
    pub fn of(books: &Books, pick: impl Fn(&Settled) -> bool) -> Option<Self> {
        let picked = books.settled.iter().filter(|call| pick(call));
        let mut latencies: Vec<_> = picked.map(|call| call.latency).collect();
        latencies.sort_unstable();
        let rank = |percent: usize| {
            // Nearest rank: the smallest latency that `percent` of all do not exceed.
            let rank = (latencies.len() * percent).div_ceil(100);
            Some(rounded(latencies.get(rank.max(1) - 1)?.as_secs_f64() * 1e3))
        };
        Some(Self { p50_ms: rank(50)?, p99_ms: rank(99)?, max_ms: rank(100)? })
    }
}

/// Rounded to a thousandth: the rest is noise.
pub fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// In seconds, to a millisecond.
pub fn seconds(duration: Duration) -> f64 {
    rounded(duration.as_secs_f64())
}

/// When the calls that succeeded were made.
///
/// Goodput counts at the moment when a call is **made**: will a caller that calls now get an answer
/// in time?
#[derive(Clone, Debug)]
pub struct Goodput(Vec<Duration>);

impl Goodput {
    pub fn of(books: &Books) -> Self {
        let successes = books.settled.iter().filter(|call| call.is_success());
        let mut made: Vec<_> = successes.map(|call| call.made).collect();
        made.sort_unstable();
        Self(made)
    }

    /// How many of the calls made in `from..to` succeeded, per second.
    pub fn between(&self, from: Duration, to: Duration) -> f64 {
        let before = |end: Duration| self.0.partition_point(|&made| made < end);
        (before(to) - before(from)) as f64 / to.saturating_sub(from).as_secs_f64()
    }

    /// How goodput recovered after the phase `index`, which must not be a healthy one.
    pub fn back_after(&self, phases: &[Phase], index: usize) -> Return {
        let end = phases[index].end;
        let next_fault = phases[index + 1..].iter().find(|phase| phase.fault.is_fault());
        let last = phases.last().map_or(end, |phase| phase.end);
        let until = next_fault.map_or(last, |phase| phase.begin);
        let enough = BACK * self.between(phases[0].begin, phases[0].end);
        let steps = (0..).map(|step| end + step * Duration::from_millis(10));
        let after = steps
            .take_while(|&from| from + SECOND <= until)
            .find(|&from| self.between(from, from + SECOND) >= enough)
            .map(|from| from.saturating_sub(end));
        Return { after, watched: until.saturating_sub(end) }
    }
}

/// How goodput recovered after a fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Return {
    /// From the end of the fault to the beginning of the first good second; `None` if there was none
    /// while it was watched.
    pub after: Option<Duration>,
    /// For how long it was watched: until the next fault, or the end of the run.
    pub watched: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Outcome;
    use crate::scenario::Fault;

    const MILLI: Duration = Duration::from_millis(1);

    /// One call every 10 ms for `seconds`, answered where `good` says so.
    fn books(seconds: u32, good: impl Fn(u32) -> bool) -> Books {
        let call = |number: u32| {
            let outcome = if good(number) { Outcome::Success } else { Outcome::Failure("x") };
            Settled { made: number * 10 * MILLI, latency: (number % 100 + 1) * MILLI, outcome }
        };
        Books { settled: (0..seconds * 100).map(call).collect(), ..Books::default() }
    }

    fn phases(lengths: &[(Fault, u64)]) -> Vec<Phase> {
        let mut begin = Duration::ZERO;
        let mut phase = |&(fault, seconds): &(Fault, u64)| {
            let end = begin + Duration::from_secs(seconds);
            let phase = Phase { name: String::new(), fault, begin, end };
            begin = end;
            phase
        };
        lengths.iter().map(&mut phase).collect()
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let latency = Latency::of(&books(1, |_| true), |_| true).unwrap();
        assert_eq!(latency, Latency { p50_ms: 50.0, p99_ms: 99.0, max_ms: 100.0 });
        assert_eq!(Latency::of(&books(1, |_| true), |_| false), None);
    }

    #[test]
    fn goodput_is_back_where_the_first_good_second_begins() {
        let phases = phases(&[(Fault::Healthy, 2), (Fault::Refused, 1), (Fault::Healthy, 5)]);
        let back =
            Goodput::of(&books(8, |number| !(200..420).contains(&number))).back_after(&phases, 1);
        let expected = Duration::from_millis(1_150);
        assert_eq!(back, Return { after: Some(expected), watched: Duration::from_secs(5) });
    }

    #[test]
    fn goodput_is_watched_until_the_next_fault_only() {
        let script = [
            (Fault::Healthy, 1),
            (Fault::Refused, 1),
            (Fault::Healthy, 2),
            (Fault::BlackHole, 1),
            (Fault::Healthy, 2),
        ];
        let phases = phases(&script);
        let goodput = Goodput::of(&books(7, |number| !(100..500).contains(&number)));
        let first = goodput.back_after(&phases, 1);
        assert_eq!(first, Return { after: None, watched: Duration::from_secs(2) });
        assert_eq!(goodput.back_after(&phases, 3).after, Some(Duration::ZERO));
    }

    #[test]
    fn between_two_faults_nothing_can_be_seen() {
        let phases = phases(&[(Fault::Healthy, 1), (Fault::Refused, 1), (Fault::BlackHole, 1)]);
        let back = Goodput::of(&books(3, |_| true)).back_after(&phases, 1);
        assert_eq!(back, Return { after: None, watched: Duration::ZERO });
    }
}
