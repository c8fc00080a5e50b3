//! The figures of each client: the content of `report.json`, of the table and of the picture.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;

use crate::diary::Change;
use crate::ledger::{Books, Outcome, Settled};
use crate::measure::{Goodput, Latency, rounded, seconds};
use crate::scenario::{Fault, Phase, Scenario};
use crate::workshop::Tally;

/// The length of a slice of time in the report.
pub const SLICE: Duration = Duration::from_millis(200);

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Whether the script ran to its end.
    pub complete: bool,
    /// The reason of its end.
    pub ended_by: String,
    pub seed: u64,
    /// The server that was driven, if it was not the built-in one.
    pub target: Option<String>,
    /// How long the load lasted.
    pub seconds: f64,
    pub calls_per_second: u32,
    pub call_timeout_ms: f64,
    pub attempt_timeout_ms: f64,
    /// How late this program was at worst, compared with the script. More than a few milliseconds mean
    /// that the machine was too busy for the figures to be trusted.
    pub late_ms: f64,
    pub phases: Vec<PhaseReport>,
    pub clients: Vec<ClientReport>,
    pub pipeline: PipelineReport,
}

/// A phase of the script.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseReport {
    pub name: String,
    pub kind: &'static str,
    pub begin_s: f64,
    pub end_s: f64,
}

/// The outcomes of one client's calls.
#[derive(Clone, Debug, Serialize)]
pub struct ClientReport {
    pub name: &'static str,
    pub calls: u64,
    pub successes: u64,
    pub failures: u64,
    pub refusals: u64,
    /// Calls without an outcome. There must be none.
    pub vanished: u64,
    pub failures_by_cause: BTreeMap<&'static str, u64>,
    pub refusals_by_reason: BTreeMap<&'static str, u64>,
    /// Attempts that left the client, including those whose connection was refused.
    pub attempts: u64,
    pub success_latency: Option<Latency>,
    pub failure_latency: Option<Latency>,
    pub refusal_latency: Option<Latency>,
    /// In the order of the report's phases.
    pub phases: Vec<ClientPhase>,
    pub timeline: Vec<Slice>,
    /// The counts of the client's server, if it is the built-in one.
    pub server: Option<ServerReport>,
}

/// The outcomes of the calls that a client made in one phase.
#[derive(Clone, Debug, Serialize)]
pub struct ClientPhase {
    pub calls: u64,
    pub successes: u64,
    pub failures: u64,
    pub refusals: u64,
    /// Attempts that were sent in the phase.
    pub attempts: u64,
    /// Calls that were made in the phase and succeeded, per second.
    pub goodput_per_s: f64,
    /// From the end of a fault until goodput was back; absent if it did not come back while it was watched.
    pub goodput_back_after_s: Option<f64>,
    /// How long it was watched: until the next fault. Absent after healthy phases.
    pub watched_for_s: Option<f64>,
}

/// The outcomes of the calls that were made within one slice of time.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Slice {
    pub at_s: f64,
    pub successes: u64,
    pub failures: u64,
    pub refusals: u64,
}

/// The counts of a server.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ServerReport {
    pub requests: u64,
    pub answered: u64,
    /// Requests that it worked on though their caller had gone.
    pub for_nobody: u64,
    /// Requests that found its queue full.
    pub turned_away: u64,
}

/// The pipeline of the seawall client, and its breaker's transitions.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PipelineReport {
    /// The pipeline's description of itself.
    pub description: Vec<String>,
    /// The number of events of each kind.
    pub events: BTreeMap<String, u64>,
    pub transitions: Vec<Change>,
    /// Transitions that exceeded the bound.
    pub transitions_dropped: u64,
}

/// The script as far as it ran.
pub fn played(scenario: &Scenario, until: Duration) -> Vec<Phase> {
    let begun = scenario.phases.iter().take_while(|phase| phase.begin < until);
    begun.map(|phase| Phase { end: phase.end.min(until), ..phase.clone() }).collect()
}

impl PhaseReport {
    pub fn new(phase: &Phase) -> Self {
        Self {
            name: phase.name.clone(),
            kind: phase.fault.as_str(),
            begin_s: seconds(phase.begin),
            end_s: seconds(phase.end),
        }
    }
}

impl ClientReport {
    pub fn new(name: &'static str, books: &Books, tally: Option<&Tally>, phases: &[Phase]) -> Self {
        let (failures_by_cause, refusals_by_reason) = (books.failures(), books.refusals());
        let latency = |pick: fn(Outcome) -> bool| Latency::of(books, |call| pick(call.outcome));
        Self {
            name,
            calls: books.opened.iter().sum(),
            successes: books.settled.iter().filter(|call| call.is_success()).count() as u64,
            failures: failures_by_cause.values().sum(),
            refusals: refusals_by_reason.values().sum(),
            vanished: books.vanished,
            failures_by_cause,
            refusals_by_reason,
            attempts: books.attempts.iter().sum(),
            success_latency: latency(|outcome| outcome == Outcome::Success),
            failure_latency: latency(|outcome| matches!(outcome, Outcome::Failure(_))),
            refusal_latency: latency(|outcome| matches!(outcome, Outcome::Refusal(_))),
            phases: client_phases(books, phases),
            timeline: timeline(books, phases),
            server: tally.map(ServerReport::new),
        }
    }

    /// The share of the calls that succeeded.
    pub fn share(&self) -> f64 {
        self.successes as f64 / self.calls.max(1) as f64
    }

    /// Attempts that were sent while no request could be answered, and the calls of that time.
    pub fn sent_in_vain(&self, phases: &[PhaseReport]) -> (u64, u64) {
        let total = [Fault::Refused.as_str(), Fault::BlackHole.as_str()];
        let dark = self.phases.iter().zip(phases).filter(|(_, phase)| total.contains(&phase.kind));
        dark.fold((0, 0), |(attempts, calls), (counts, _)| {
            (attempts + counts.attempts, calls + counts.calls)
        })
    }
}

fn client_phases(books: &Books, phases: &[Phase]) -> Vec<ClientPhase> {
    let goodput = Goodput::of(books);
    let phase = |(index, phase): (usize, &Phase)| {
        let back = phase.fault.is_fault().then(|| goodput.back_after(phases, index));
        let (begin, end) = (phase.begin, phase.end);
        let counts =
            Slice::of(books.settled.iter().filter(|call| (begin..end).contains(&call.made)));
        ClientPhase {
            calls: books.opened[index],
            successes: counts.successes,
            failures: counts.failures,
            refusals: counts.refusals,
            attempts: books.attempts[index],
            goodput_per_s: rounded(goodput.between(begin, end)),
            goodput_back_after_s: back.and_then(|back| back.after).map(seconds),
            watched_for_s: back.map(|back| seconds(back.watched)),
        }
    };
    phases.iter().enumerate().map(phase).collect()
}

impl ServerReport {
    fn new(tally: &Tally) -> Self {
        Self {
            requests: tally.requests.load(Ordering::Relaxed),
            answered: tally.answered.load(Ordering::Relaxed),
            for_nobody: tally.for_nobody.load(Ordering::Relaxed),
            turned_away: tally.turned_away.load(Ordering::Relaxed),
        }
    }
}

impl Slice {
    fn of<'a>(calls: impl Iterator<Item = &'a Settled>) -> Self {
        let mut slice = Self::default();
        calls.for_each(|call| slice.add(call));
        slice
    }

    fn add(&mut self, call: &Settled) {
        *match call.outcome {
            Outcome::Success => &mut self.successes,
            Outcome::Failure(_) => &mut self.failures,
            Outcome::Refusal(_) => &mut self.refusals,
        } += 1;
    }
}

fn timeline(books: &Books, phases: &[Phase]) -> Vec<Slice> {
    let end = phases.last().map_or(Duration::ZERO, |phase| phase.end);
    let number = |at: Duration| usize::try_from(at.as_nanos() / SLICE.as_nanos());
    let at = |number: u32| Slice { at_s: seconds(number * SLICE), ..Slice::default() };
    let count = end.as_nanos().div_ceil(SLICE.as_nanos());
    let mut slices: Vec<_> = (0..).take(usize::try_from(count).unwrap_or(0)).map(at).collect();
    for call in &books.settled {
        if let Some(slice) = number(call.made).ok().and_then(|number| slices.get_mut(number)) {
            slice.add(call);
        }
    }
    slices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn books(outcomes: &[(u64, Outcome)]) -> Books {
        let settled = |&(millis, outcome): &(u64, Outcome)| {
            let made = Duration::from_millis(millis);
            Settled { made, latency: Duration::from_millis(5), outcome }
        };
        Books {
            opened: vec![outcomes.len() as u64],
            attempts: vec![7],
            settled: outcomes.iter().map(settled).collect(),
            ..Books::default()
        }
    }

    fn phases() -> Vec<Phase> {
        let scenario = Scenario::parse(Scenario::QUICK).unwrap();
        played(&scenario, Duration::from_secs(1))
    }

    #[test]
    fn a_run_that_was_cut_short_reports_what_it_played() {
        let scenario = Scenario::parse(Scenario::QUICK).unwrap();
        let phases = played(&scenario, Duration::from_millis(2_100));
        assert_eq!(phases.len(), 2);
        assert_eq!(phases[0].end, scenario.phases[0].end);
        assert_eq!(phases[1].end, Duration::from_millis(2_100));
    }

    #[test]
    fn phases_and_slices_add_up_to_the_whole() {
        let outcomes = [
            (0, Outcome::Success),
            (199, Outcome::Failure("answered 500")),
            (200, Outcome::Refusal("open")),
            (999, Outcome::Success),
        ];
        let report = ClientReport::new("it", &books(&outcomes), None, &phases());
        assert_eq!((report.calls, report.attempts), (4, 7));
        assert_eq!(report.successes + report.failures + report.refusals, report.calls);
        assert_eq!(report.phases[0].successes, 2);
        let slices: Vec<_> = report.timeline.iter().map(|slice| slice.successes).collect();
        assert_eq!(slices, [1, 0, 0, 0, 1]);
        assert_eq!(report.timeline[1].refusals, 1);
        assert_eq!(report.failures_by_cause["answered 500"], 1);
    }
}
