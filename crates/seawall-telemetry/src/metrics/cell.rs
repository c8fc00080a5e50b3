//! What is counted of the calls, or of the attempts, of one pipeline.

use seawall::policy::Timeline;
use seawall::{Class, Error};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::Instant;

use super::series::Buckets;

/// How a call or an attempt ended, as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It succeeded.
    Success,
    /// It failed, and another may succeed.
    Transient,
    /// The dependency has too much to do.
    Overloaded,
    /// It would fail again. The dependency answered.
    Permanent,
    /// It says nothing about the dependency.
    Ignored,
    /// It was given up by a shutdown.
    Cancelled,
    /// It panicked.
    Panicked,
    /// Time ran out, whichever policy noticed.
    TimedOut,
    /// A policy refused it.
    Refused,
    /// Its future was dropped before there was an outcome.
    Abandoned,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Success,
        Self::Transient,
        Self::Overloaded,
        Self::Permanent,
        Self::Ignored,
        Self::Cancelled,
        Self::Panicked,
        Self::TimedOut,
        Self::Refused,
        Self::Abandoned,
    ];

    /// The outcome of a call that ended with `error`: of the last attempt, where it had several.
    ///
    /// ```
    /// use seawall::{Class, Error};
    /// use seawall_telemetry::Outcome;
    ///
    /// let error = Error::operation_failed("no such row", Class::Permanent);
    /// assert_eq!(Outcome::of(&error).as_str(), "permanent");
    /// ```
    pub fn of<E>(error: &Error<E>) -> Self {
        if error.rejection().is_some() {
            return Self::Refused;
        }
        if error.is_timeout() {
            return Self::TimedOut;
        }
        match error.class() {
            Class::Success => Self::Success,
            Class::Overloaded { .. } => Self::Overloaded,
            Class::Permanent => Self::Permanent,
            Class::Ignored => Self::Ignored,
            Class::Cancelled => Self::Cancelled,
            Class::Panicked => Self::Panicked,
            // A class that is newer than this crate can't be told from the most frequent one.
            _ => Self::Transient,
        }
    }

    /// The outcome as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Transient => "transient",
            Self::Overloaded => "overloaded",
            Self::Permanent => "permanent",
            Self::Ignored => "ignored",
            Self::Cancelled => "cancelled",
            Self::Panicked => "panicked",
            Self::TimedOut => "timed_out",
            Self::Refused => "refused",
            Self::Abandoned => "abandoned",
        }
    }

    /// The histogram that its time goes into; `None` where it had no end.
    pub(super) const fn result(self) -> Option<CallResult> {
        match self {
            Self::Success => Some(CallResult::Ok),
            Self::Refused => Some(CallResult::Refused),
            Self::Abandoned => None,
            _ => Some(CallResult::Failed),
        }
    }
}

/// The histograms of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallResult {
    Ok,
    Failed,
    Refused,
}

impl CallResult {
    pub(super) const ALL: [Self; 3] = [Self::Ok, Self::Failed, Self::Refused];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// The counters of one pipeline. Successes are counted by their times alone.
#[derive(Debug, Default)]
pub(super) struct Cell {
    /// Subtracting instants would cost as much as reading the clock.
    timeline: Timeline,
    times: [Times; CallResult::ALL.len()],
    others: [AtomicU64; Outcome::ALL.len()],
}

#[derive(Debug, Default)]
struct Times {
    counts: [AtomicU64; Buckets::BOUNDS.len() + 1],
    sum: AtomicU64,
}

impl Cell {
    #[inline]
    pub(super) fn at(&self, instant: Instant) -> u64 {
        self.timeline.at(instant)
    }

    /// A call that began at `began` has succeeded.
    #[inline]
    pub(super) fn succeeded(&self, began: u64) {
        self.times[CallResult::Ok as usize].add(self.since(began));
    }

    #[cold]
    pub(super) fn ended(&self, outcome: Outcome, began: u64) {
        if outcome != Outcome::Success {
            self.others[outcome as usize].fetch_add(1, Ordering::Relaxed);
        }
        if let Some(result) = outcome.result() {
            self.times[result as usize].add(self.since(began));
        }
    }

    #[inline]
    fn since(&self, began: u64) -> u64 {
        self.timeline.now().saturating_sub(began)
    }

    pub(super) fn total(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::Success => self.times(CallResult::Ok).count(),
            other => self.others[other as usize].load(Ordering::Relaxed),
        }
    }

    pub(super) fn times(&self, result: CallResult) -> Buckets {
        let times = &self.times[result as usize];
        Buckets {
            counts: times.counts.each_ref().map(|count| count.load(Ordering::Relaxed)),
            sum_nanos: times.sum.load(Ordering::Relaxed),
        }
    }
}

impl Times {
    #[inline]
    fn add(&self, nanos: u64) {
        // From the shortest on: most calls are found after a few comparisons, a search in halves needs
        // more for all of them.
        let place = Buckets::BOUNDS.iter().position(|bound| nanos <= *bound);
        let place = place.unwrap_or(Buckets::BOUNDS.len());
        // Orders nothing: they are totals to look at.
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(nanos, Ordering::Relaxed);
    }
}
