//! The ledger of one client: every call is opened once and settled once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::scenario::Scenario;

/// The ledger of one client. Bounded by the scenario: its rate times its length.
#[derive(Debug)]
pub struct Ledger {
    scenario: Arc<Scenario>,
    start: Instant,
    books: Mutex<Books>,
}

/// The entries of the ledger.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// Calls that were made, by phase.
    pub opened: Vec<u64>,
    /// Attempts that were sent, by the phase in which they were.
    pub attempts: Vec<u64>,
    /// The calls that are over, in the order in which they ended.
    pub settled: Vec<Settled>,
    /// Calls that were dropped without an outcome. There must be none.
    pub vanished: u64,
    /// The longest delay between the moment when the script wanted a call and the call: how far this
    /// program itself was late.
    pub latest: Duration,
    pub totals: Totals,
}

/// A call that is over.
#[derive(Clone, Copy, Debug)]
pub struct Settled {
    /// When the script wanted it made, counted from the beginning of the run.
    pub made: Duration,
    pub latency: Duration,
    pub outcome: Outcome,
}

/// How a call ended: in exactly one of three ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    /// It was tried, and failed.
    Failure(&'static str),
    /// It was not tried: the client's own policy refused it.
    Refusal(&'static str),
}

/// The state of the ledger in four figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub calls: u64,
    pub successes: u64,
    pub failures: u64,
    pub refusals: u64,
}

impl Ledger {
    pub fn new(scenario: Arc<Scenario>, start: Instant) -> Arc<Self> {
        let phases = scenario.phases.len();
        let (opened, attempts) = (vec![0; phases], vec![0; phases]);
        let books = Mutex::new(Books { opened, attempts, ..Books::default() });
        Arc::new(Self { scenario, start, books })
    }

    /// Opens a call that was due at `due`.
    pub fn open(self: &Arc<Self>, due: Instant) -> OpenCall {
        let now = Instant::now();
        let made = due.saturating_duration_since(self.start);
        let mut books = self.books.lock();
        books.opened[self.scenario.phase_at(made)] += 1;
        books.totals.calls += 1;
        books.latest = books.latest.max(now.saturating_duration_since(due));
        drop(books);
        let (ledger, attempts) = (Arc::clone(self), AtomicU32::new(0));
        OpenCall { ledger, made, began: now, attempts, settled: false }
    }

    pub fn totals(&self) -> Totals {
        self.books.lock().totals
    }

    pub fn books(&self) -> Books {
        self.books.lock().clone()
    }
}

/// A call under way.
#[derive(Debug)]
pub struct OpenCall {
    ledger: Arc<Ledger>,
    made: Duration,
    began: Instant,
    attempts: AtomicU32,
    settled: bool,
}

impl OpenCall {
    /// Counts an attempt, which is about to be sent.
    pub fn attempt(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let phase = self.ledger.scenario.phase_at(self.ledger.start.elapsed());
        self.ledger.books.lock().attempts[phase] += 1;
    }

    /// How many attempts were sent for this call.
    pub fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// Settles the call.
    pub fn settle(mut self, outcome: Outcome) {
        self.settled = true;
        let (made, latency) = (self.made, self.began.elapsed());
        let mut books = self.ledger.books.lock();
        books.settled.push(Settled { made, latency, outcome });
        let totals = &mut books.totals;
        *match outcome {
            Outcome::Success => &mut totals.successes,
            Outcome::Failure(_) => &mut totals.failures,
            Outcome::Refusal(_) => &mut totals.refusals,
        } += 1;
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if !self.settled {
            self.ledger.books.lock().vanished += 1;
        }
    }
}

impl Settled {
    pub fn is_success(&self) -> bool {
        self.outcome == Outcome::Success
    }
}

impl Books {
    /// How many calls failed, by cause.
    pub fn failures(&self) -> BTreeMap<&'static str, u64> {
        self.count(|outcome| match outcome {
            Outcome::Failure(cause) => Some(cause),
            _ => None,
        })
    }

    /// How many calls were refused, by reason.
    pub fn refusals(&self) -> BTreeMap<&'static str, u64> {
        self.count(|outcome| match outcome {
            Outcome::Refusal(reason) => Some(reason),
            _ => None,
        })
    }

    fn count(&self, pick: impl Fn(Outcome) -> Option<&'static str>) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for word in self.settled.iter().filter_map(|call| pick(call.outcome)) {
            *counts.entry(word).or_default() += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Arc<Ledger> {
        let scenario = Arc::new(Scenario::parse(Scenario::QUICK).unwrap());
        Ledger::new(scenario, Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn every_call_is_accounted_exactly_once() {
        let ledger = ledger();
        let outcomes = [
            Outcome::Success,
            Outcome::Success,
            Outcome::Failure("answered 500"),
            Outcome::Refusal("open"),
        ];
        for outcome in outcomes {
            ledger.open(Instant::now()).settle(outcome);
        }
        let expected = Totals { calls: 4, successes: 2, failures: 1, refusals: 1 };
        assert_eq!(ledger.totals(), expected);
        let books = ledger.books();
        assert_eq!((books.settled.len(), books.vanished), (4, 0));
        assert_eq!(books.failures(), BTreeMap::from([("answered 500", 1)]));
        assert_eq!(books.refusals(), BTreeMap::from([("open", 1)]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_vanishes_shows() {
        let ledger = ledger();
        drop(ledger.open(Instant::now()));
        assert_eq!(ledger.books().vanished, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_and_attempts_count_in_the_phase_in_which_they_began() {
        let ledger = ledger();
        let call = ledger.open(Instant::now());
        call.attempt();
        tokio::time::advance(Duration::from_secs(2)).await;
        call.attempt();
        assert_eq!(call.attempts(), 2);
        call.settle(Outcome::Success);
        let books = ledger.books();
        assert_eq!(books.opened[..3], [1, 0, 0]);
        assert_eq!(books.attempts[..3], [1, 1, 0]);
        assert_eq!(books.settled[0].latency, Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_was_made_late_shows() {
        let ledger = ledger();
        let due = Instant::now();
        tokio::time::advance(Duration::from_millis(7)).await;
        ledger.open(due).settle(Outcome::Success);
        assert_eq!(ledger.books().latest, Duration::from_millis(7));
    }
}
