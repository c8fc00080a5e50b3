//! Each algorithm against an oracle that knows nothing of how it works.

mod every;
mod fast_path;
mod gcra;
mod windows;

use std::time::Duration;

use proptest::prelude::*;

use super::machine::{Algorithm, Meter};
use super::quota::Quota;

const ALL: [Algorithm; 4] =
    [Algorithm::Gcra, Algorithm::FixedWindow, Algorithm::SlidingLog, Algorithm::SlidingCounter];

const SECOND: u64 = 1_000_000_000;
const CENTURY: u64 = 100 * 365 * 24 * 3_600 * SECOND;

fn quota(permits: u64, period: u64, burst: u64) -> Quota {
    Quota::new(permits, Duration::from_nanos(period), Some(burst)).unwrap()
}

/// A quota, and calls: how long after the one before, and for how many permits.
fn runs() -> impl Strategy<Value = (Quota, Vec<(u64, u64)>)> {
    (1_u64..20, 1_u64..50, 1_u64..8).prop_flat_map(|(permits, period, burst)| {
        let steps = proptest::collection::vec((0..period * 2, 1..=burst.min(permits)), 1..60);
        (Just(quota(permits, period, burst)), steps)
    })
}

/// When how many were admitted.
fn admitted(meter: &mut Meter, steps: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut now = 0;
    let mut admitted = Vec::new();
    for &(step, permits) in steps {
        now += step;
        match meter.take(now, permits) {
            Ok(()) => admitted.push((now, permits)),
            Err(wait) => refused_until_and_admitted_at(meter, now, wait, permits),
        }
    }
    admitted
}

fn refused_until_and_admitted_at(meter: &Meter, now: u64, wait: u64, permits: u64) {
    assert!(wait > 0);
    assert_eq!(meter.clone().due(now, 0, permits), now + wait);
    assert_eq!(meter.clone().take(now + wait - 1, permits), Err(1), "one nanosecond before");
    assert_eq!(meter.clone().take(now + wait, permits), Ok(()), "at the time that was named");
}

fn most_in_a_window(admitted: &[(u64, u64)], period: u64) -> u64 {
    let in_window_from = |start: u64| {
        let inside = admitted.iter().filter(|(at, _)| (start..start + period).contains(at));
        inside.map(|(_, permits)| permits).sum::<u64>()
    };
    admitted.iter().map(|&(at, _)| in_window_from(at)).max().unwrap_or(0)
}
