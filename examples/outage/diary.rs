//! The events of the seawall client's pipeline, kept as they happen.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use seawall::{CircuitState, Event, EventKind, Listener, Transition};
use serde::Serialize;
use tokio::time::Instant;

use crate::measure::rounded;

/// Transitions that are kept. A breaker that changes its state more often than that in ten minutes
/// is a finding, and `dropped` says so.
const MOST: usize = 10_000;

/// A listener that keeps the transitions of the breaker, and counts all other events. Clones
/// share it.
#[derive(Clone, Debug, Default)]
pub struct Diary(Arc<Mutex<Log>>);

#[derive(Debug, Default)]
struct Log {
    changes: Vec<(Instant, Transition)>,
    dropped: u64,
    counts: BTreeMap<String, u64>,
}

impl Listener for Diary {
    fn on_event(&self, event: &Event) {
        let mut log = self.0.lock();
        let word = match &event.kind {
            EventKind::Transition(transition) if log.changes.len() < MOST => {
                return log.changes.push((event.at, transition.clone()));
            }
            EventKind::Transition(_) => return log.dropped += 1,
            EventKind::Rejected(rejection) => format!("refused: {}", rejection.reason()),
            EventKind::Retrying { .. } => "retried".to_owned(),
            EventKind::GaveUp { why, .. } => format!("gave up: {why}"),
            EventKind::TimedOut(_) => "timed out".to_owned(),
            EventKind::Stale { .. } => "answered after the circuit had changed".to_owned(),
            EventKind::BudgetExhausted => "retry budget: empty".to_owned(),
            EventKind::BudgetRecovered { .. } => "retry budget: recovered".to_owned(),
            EventKind::LeaseExpired => "probe lost: its lease expired".to_owned(),
            _ => "other".to_owned(),
        };
        *log.counts.entry(word).or_default() += 1;
    }
}

impl Diary {
    /// The state that the breaker is in now.
    pub fn state(&self) -> CircuitState {
        let log = self.0.lock();
        log.changes.last().map_or(CircuitState::Closed, |(_, transition)| transition.to)
    }

    /// The transitions from number `from` on, counted from 0.
    pub fn since(&self, from: usize) -> Vec<(Instant, Transition)> {
        self.0.lock().changes[from..].to_vec()
    }

    /// The number of other events, by kind.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.0.lock().counts.clone()
    }

    /// How many transitions exceeded the bound.
    pub fn dropped(&self) -> u64 {
        self.0.lock().dropped
    }
}

/// A transition in the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    pub at_s: f64,
    pub phase: String,
    pub from: &'static str,
    pub to: &'static str,
    pub generation: u64,
    /// The transition in words.
    pub reason: String,
    /// The rule that decided; absent where time or an operator did.
    pub rule: Option<&'static str>,
    pub observed: Option<f64>,
    pub limit: Option<f64>,
    pub samples: Option<u32>,
    pub retry_after_s: Option<f64>,
}

impl Change {
    /// `transition`, `at_s` seconds into the run, in the phase called `phase`.
    pub fn new(at_s: f64, phase: &str, transition: &Transition) -> Self {
        let evidence = transition.evidence;
        Self {
            at_s: rounded(at_s),
            phase: phase.to_owned(),
            from: transition.from.as_str(),
            to: transition.to.as_str(),
            generation: transition.generation,
            reason: transition.to_string(),
            rule: evidence.map(|evidence| evidence.rule.as_str()),
            observed: evidence.map(|evidence| rounded(evidence.observed)),
            limit: evidence.map(|evidence| rounded(evidence.limit)),
            samples: evidence.map(|evidence| evidence.samples),
            retry_after_s: transition.retry_after.map(|wait| rounded(wait.as_secs_f64())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seawall::{Evidence, PolicyKind, Rule};
    use std::time::Duration;

    fn opening() -> Transition {
        let evidence = Evidence::new(Rule::FailureRate, 0.75, 0.5, 40);
        Transition::new(CircuitState::Closed, CircuitState::Open, 2)
            .because(Some(evidence))
            .retry_in(Some(Duration::from_millis(200)))
    }

    #[tokio::test]
    async fn transitions_are_kept_and_others_are_not() {
        let diary = Diary::default();
        assert_eq!(diary.state(), CircuitState::Closed);
        for kind in [EventKind::Transition(opening()), EventKind::LeaseExpired] {
            let event = Event::new("it".into(), PolicyKind::Breaker, Instant::now(), kind);
            diary.on_event(&event);
        }
        assert_eq!((diary.state(), diary.since(0).len()), (CircuitState::Open, 1));
        assert_eq!((diary.since(1).len(), diary.dropped()), (0, 0));
        assert_eq!(
            diary.counts(),
            BTreeMap::from([("probe lost: its lease expired".to_owned(), 1)])
        );
    }

    #[test]
    fn a_change_tells_when_why_and_for_how_long() {
        let change = Change::new(1.23456, "slow", &opening());
        assert_eq!((change.at_s, change.from, change.to), (1.235, "closed", "open"));
        assert_eq!(change.rule, Some("failure_rate"));
        assert_eq!(change.retry_after_s, Some(0.2));
        assert!(
            change.reason.contains("75% of 40 calls failed, threshold 50%"),
            "{}",
            change.reason
        );
    }
}
