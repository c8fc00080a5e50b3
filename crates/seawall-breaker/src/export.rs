//! The state that survives a restart.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use seawall_core::{Check, CircuitState, ConfigError, Evidence, Rule};

use crate::machine::{Machine, OpenWait, Restored};
use crate::time::{NEVER, Nanos, finite};

/// A breaker's state in a form that can be stored, so that a restart does not forget an open circuit.
///
/// Serialisable with the feature `serde`. It has a version:
/// [`build()`](crate::BreakerBuilder::build) refuses to restore an unknown one. The window is not
/// part of it, as its outcomes are those of a process that has ended.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
// Missing fields have defaults, so that at least the version of a foreign export is read.
#[cfg_attr(feature = "serde", serde(default))]
pub struct Export {
    version: u32,
    /// Milliseconds since 1970.
    taken_at: u64,
    state: String,
    generation: u64,
    /// Nanoseconds.
    age: u64,
    /// How long the open state refuses in all, in nanoseconds; absent where it does not end.
    wait: Option<u64>,
    /// How much of that is left.
    left: Option<u64>,
    openings: u32,
    evidence: Option<Why>,
}

#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
struct Why {
    rule: String,
    observed: f64,
    limit: f64,
    samples: u32,
}

const RULES: [Rule; 5] = [
    Rule::ConsecutiveFailures,
    Rule::FailureRate,
    Rule::SlowRate,
    Rule::Predicate,
    Rule::ProbeFailures,
];

impl Export {
    /// The version that this release writes and reads.
    pub const VERSION: u32 = 1;

    /// No breaker makes this many transitions, and a restored one must have room for more.
    const GENERATIONS: u64 = 1 << 48;

    pub(crate) fn of(machine: &Machine, now: Nanos) -> Self {
        let open = machine.open_until().filter(|(until, _)| *until != NEVER);
        Self {
            version: Self::VERSION,
            taken_at: unix_millis(),
            state: machine.state().as_str().into(),
            generation: machine.generation(),
            age: now.saturating_sub(machine.since()),
            wait: open.map(|(_, wait)| wait),
            left: open.map(|(until, _)| until.saturating_sub(now)),
            openings: machine.openings(),
            evidence: machine.evidence().map(Why::of),
        }
    }

    /// The version of the release that wrote it.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The state that was exported; `None` if this release does not know it.
    pub fn state(&self) -> Option<CircuitState> {
        CircuitState::ALL.into_iter().find(|state| state.as_str() == self.state)
    }

    pub(crate) fn check(&self, check: Check) -> Result<(), ConfigError> {
        let found = format_args!("of version {}", self.version);
        check.that(self.version == Self::VERSION, "restore", found, "of version 1")?;
        let state = format_args!("in state '{}'", self.state);
        check.that(self.state().is_some(), "restore", state, "in a state that exists")?;
        let generation = format_args!("of generation {}", self.generation);
        let known = self.generation < Self::GENERATIONS;
        check.that(known, "restore", generation, "of a generation below 2⁴⁸")
    }

    /// The state after `elapsed`, or after the time that the system clock shows. A clock that was set
    /// back shows no time.
    ///
    /// An open state lasts no longer than the configured `wait` allows, whatever the export says.
    pub(crate) fn after(&self, elapsed: Option<Duration>, wait: &OpenWait) -> Restored {
        let elapsed = elapsed.map_or_else(
            || unix_millis().saturating_sub(self.taken_at).saturating_mul(1_000_000),
            crate::time::nanos,
        );
        let state = self.state().unwrap_or(CircuitState::Closed);
        let longest = wait.longest(self.openings);
        let left = match state {
            CircuitState::Open => {
                Some(self.left.unwrap_or(NEVER).min(longest).saturating_sub(elapsed))
            }
            // Its probes are gone; the next call is the first new one.
            CircuitState::HalfOpen | CircuitState::Ramping => Some(0),
            _ => None,
        };
        Restored {
            state,
            generation: self.generation,
            age: finite(self.age.saturating_add(elapsed)).unwrap_or_default(),
            wait: self.wait.filter(|_| state == CircuitState::Open).map(|wait| wait.min(longest)),
            left,
            openings: self.openings,
            evidence: self.evidence.as_ref().and_then(Why::evidence),
        }
    }
}

impl Why {
    fn of(evidence: Evidence) -> Self {
        let Evidence { rule, observed, limit, samples, .. } = evidence;
        Self { rule: rule.as_str().into(), observed, limit, samples }
    }

    fn evidence(&self) -> Option<Evidence> {
        let rule = RULES.into_iter().find(|rule| rule.as_str() == self.rule)?;
        Some(Evidence::new(rule, self.observed, self.limit, self.samples))
    }
}

fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
