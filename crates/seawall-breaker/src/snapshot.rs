//! A breaker at one moment.

use std::time::Duration;

use seawall_core::{CircuitState, Evidence, Reason};

use crate::WindowCounts;
use crate::machine::Machine;
use crate::shared::{REASONS, Tallies};
use crate::time::{Nanos, finite};

/// A breaker at one moment, taken under its lock.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The state.
    pub state: CircuitState,
    /// Its number: each transition begins a new one.
    pub generation: u64,
    /// How long the state has been in force.
    pub since: Duration,
    /// The time until the open state lets a probe through: zero when it is due, `None` in any other
    /// state and where only the operator can end it.
    pub retry_after: Option<Duration>,
    /// Whether the open wait is over, so that the next call is a probe. The state stays open until
    /// that call comes.
    pub due: bool,
    /// Why the circuit opened last.
    pub evidence: Option<Evidence>,
    /// The window of the closed state. In any other state, the window that the circuit opened with.
    pub window: WindowCounts,
    /// Probes in flight.
    pub probes_in_flight: u32,
    /// The stage of the ramp, counting from 1; `None` if it is not ramping.
    pub ramp_stage: Option<usize>,
    /// Calls in flight. May include calls that began while the snapshot was taken. `None` unless
    /// [`tally`](crate::BreakerBuilder::tally) is on.
    pub in_flight: Option<u64>,
    /// Successes since the last failure. `None` unless [`tally`](crate::BreakerBuilder::tally) is on.
    pub consecutive_successes: Option<u64>,
    /// The mean time of recent successes, of which a recent one has an eighth of the weight. `None`
    /// unless [`tally`](crate::BreakerBuilder::tally) is on, or a caller's deadline passed within the
    /// last ten seconds; and before the first.
    pub mean_time: Option<Duration>,
    /// Openings without a closed state of [`forget_after`](crate::BreakerBuilder::forget_after)
    /// between them.
    pub openings_in_a_row: u32,
    /// The time spent in each state since the breaker was made, the current one included, in the
    /// order of [`CircuitState::ALL`]. A restored state counts from its beginning.
    pub time_in_states: [(CircuitState, Duration); CircuitState::ALL.len()],
    /// The part of the time in the open state after its wait was over, when the next call would have
    /// been a probe and none came.
    pub time_due: Duration,
    /// What was counted since the breaker was made.
    pub totals: Totals,
}

/// What was counted since a breaker was made.
///
/// With [`tally`](crate::BreakerBuilder::tally) on, every admission is counted exactly once:
/// admitted = successes + failures + ignored + abandoned + stale + unmeasured + in flight. A probe
/// whose lease expired stays in flight until its permit is settled or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Calls let through; `None` unless tally is on.
    pub admitted: Option<u64>,
    /// Successes; `None` unless tally is on, as healthy traffic is not counted otherwise.
    pub successes: Option<u64>,
    /// Failures: the sum of transient, overloaded and panicked.
    pub failures: u64,
    /// Failures of class [`Transient`](seawall_core::Class::Transient).
    pub transient: u64,
    /// Failures of class [`Overloaded`](seawall_core::Class::Overloaded).
    pub overloaded: u64,
    /// Failures of class [`Panicked`](seawall_core::Class::Panicked).
    pub panicked: u64,
    /// Failures that were timeouts. They are among those of their class.
    pub timed_out: u64,
    /// Errors of class [`Permanent`](seawall_core::Class::Permanent). The dependency answered: they
    /// are among the successes.
    pub permanent: u64,
    /// Slow calls.
    pub slow: u64,
    /// Calls refused; in shadow, calls that would have been refused.
    pub refused: u64,
    /// The same by reason, in this order: open, probes in flight, ramping, forced open.
    pub refused_by_reason: [(Reason, u64); 4],
    /// Outcomes of generations that were over, and failures of probes whose lease had ended.
    pub stale: u64,
    /// Calls dropped before they had an outcome.
    pub abandoned: u64,
    /// Calls whose outcome says nothing about the dependency.
    pub ignored: u64,
    /// Finished calls that a circuit in shadow would have refused.
    pub unmeasured: u64,
    /// Probes whose lease ended before they were settled.
    pub expired: u64,
    /// The number of openings.
    pub openings: u64,
    /// The openings that followed an earlier one within
    /// [`forget_after`](crate::BreakerBuilder::forget_after).
    pub reopenings: u64,
}

impl Snapshot {
    pub(crate) fn of(machine: &Machine, tallies: Tallies, now: Nanos) -> Self {
        let totals = Totals::of(machine, tallies);
        let tally = machine.settings().tally;
        Self {
            state: machine.state(),
            generation: machine.generation(),
            since: Duration::from_nanos(now.saturating_sub(machine.since())),
            retry_after: machine
                .open_until()
                .and_then(|(until, _)| finite(until))
                .map(|until| until.saturating_sub(Duration::from_nanos(now))),
            due: machine.open_until().is_some_and(|(until, _)| now >= until),
            evidence: machine.evidence(),
            window: machine.counts(),
            probes_in_flight: machine.probes_in_flight(),
            ramp_stage: machine.ramp_stage(),
            in_flight: totals.in_flight(),
            consecutive_successes: tally.then(|| machine.successes_in_a_row()),
            mean_time: machine.mean_time(),
            openings_in_a_row: machine.openings(),
            time_in_states: time_in_states(machine, now),
            time_due: Duration::from_nanos(machine.due_time(now)),
            totals,
        }
    }
}

fn time_in_states(
    machine: &Machine,
    now: Nanos,
) -> [(CircuitState, Duration); CircuitState::ALL.len()] {
    let spent = machine.spent(now);
    std::array::from_fn(|it| (CircuitState::ALL[it], Duration::from_nanos(spent[it])))
}

impl Totals {
    fn of(machine: &Machine, tallies: Tallies) -> Self {
        let tally = |count: u64| machine.settings().tally.then_some(count);
        let totals = machine.totals();
        let Tallies { overloaded, panicked, timed_out, .. } = tallies;
        Self {
            admitted: tally(tallies.admitted),
            successes: tally(totals.successes),
            failures: totals.failures,
            // Saturating: a class may be counted between the two readings.
            transient: totals.failures.saturating_sub(overloaded + panicked),
            overloaded,
            panicked,
            timed_out,
            permanent: tallies.permanent,
            slow: totals.slow,
            refused: tallies.refused.iter().sum(),
            refused_by_reason: std::array::from_fn(|it| (REASONS[it], tallies.refused[it])),
            stale: totals.stale,
            abandoned: tallies.abandoned,
            ignored: tallies.ignored,
            unmeasured: totals.unmeasured,
            expired: totals.expired,
            openings: totals.openings,
            reopenings: totals.reopenings,
        }
    }

    fn in_flight(&self) -> Option<u64> {
        let settled = self.successes?
            + self.failures
            + self.ignored
            + self.abandoned
            + self.stale
            + self.unmeasured;
        Some(self.admitted?.saturating_sub(settled))
    }
}
