//! What a policy counts as it happens, with nobody listening, too.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::inspect::{Counter, Measures};
use crate::{CircuitState, Class, Label, Reason, Scope, StopReason};

/// Something that a policy did and that its [`Reporter`](crate::Reporter::count) counts.
///
/// Telemetry reads the totals when it is scraped, so nobody has to listen to each event for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Counted {
    /// A call was refused.
    Refused(Reason),
    /// A call went through that would have been refused, were the policy not in shadow.
    WouldRefuse(Reason),
    /// An attempt that ended with this class is followed by another.
    Retried(Class),
    /// A policy that repeats stopped without a success.
    GaveUp(StopReason),
    /// A hedge was launched.
    Hedged,
    /// A call or an attempt was cut off.
    TimedOut(Scope),
    /// A panic was caught.
    Panicked,
    /// A fallback answered.
    Degraded,
    /// A fallback did not answer.
    FallbackFailed,
    /// A long-running task was started again.
    Restarted,
    /// A circuit went from one state to another.
    #[non_exhaustive]
    Transition {
        /// The state that ended.
        from: CircuitState,
        /// The state that began.
        to: CircuitState,
    },
}

const REASONS: [Reason; 11] = [
    Reason::Open,
    Reason::ProbesInFlight,
    Reason::Ramping,
    Reason::ForcedOpen,
    Reason::Full,
    Reason::QueueFull,
    Reason::WaitedTooLong,
    Reason::DeadlineTooNear,
    Reason::RateLimited,
    Reason::Shed,
    Reason::ShuttingDown,
];
const CLASSES: usize = 7;
const STATES: usize = CircuitState::ALL.len();

// The places of the totals: one kind after the other.
const RETRIED: usize = 0;
const GAVE_UP: usize = RETRIED + CLASSES;
const HEDGED: usize = GAVE_UP + StopReason::ALL.len();
const TIMED_OUT: usize = HEDGED + 1;
const PANICKED: usize = TIMED_OUT + 2;
const DEGRADED: usize = PANICKED + 1;
const FALLBACK_FAILED: usize = DEGRADED + 1;
const RESTARTED: usize = FALLBACK_FAILED + 1;
const REFUSED: usize = RESTARTED + 1;
const WOULD_REFUSE: usize = REFUSED + REASONS.len() + Label::MAX + 1;
const TRANSITIONS: usize = WOULD_REFUSE + REASONS.len() + Label::MAX + 1;
const LEN: usize = TRANSITIONS + STATES * STATES;

impl Counted {
    /// A circuit went from `from` to `to`.
    pub const fn transition(from: CircuitState, to: CircuitState) -> Self {
        Self::Transition { from, to }
    }

    fn place(self) -> usize {
        match self {
            Self::Refused(reason) => REFUSED + place_of_reason(reason),
            Self::WouldRefuse(reason) => WOULD_REFUSE + place_of_reason(reason),
            Self::Retried(class) => RETRIED + place_of(class),
            Self::GaveUp(why) => {
                GAVE_UP + StopReason::ALL.iter().position(|it| *it == why).unwrap_or_default()
            }
            Self::Hedged => HEDGED,
            Self::TimedOut(Scope::Total) => TIMED_OUT,
            Self::TimedOut(Scope::Attempt) => TIMED_OUT + 1,
            Self::Panicked => PANICKED,
            Self::Degraded => DEGRADED,
            Self::FallbackFailed => FALLBACK_FAILED,
            Self::Restarted => RESTARTED,
            Self::Transition { from, to } => TRANSITIONS + from as usize * STATES + to as usize,
        }
    }
}

/// The place in [`REASONS`], and custom ones after them.
const fn place_of_reason(reason: Reason) -> usize {
    match reason {
        Reason::Open => 0,
        Reason::ProbesInFlight => 1,
        Reason::Ramping => 2,
        Reason::ForcedOpen => 3,
        Reason::Full => 4,
        Reason::QueueFull => 5,
        Reason::WaitedTooLong => 6,
        Reason::DeadlineTooNear => 7,
        Reason::RateLimited => 8,
        Reason::Shed => 9,
        Reason::ShuttingDown => 10,
        Reason::Custom(label) => REASONS.len() + label.code() as usize,
    }
}

// As many arms as there are reasons, in their order.
const _: () = {
    let mut place = 0;
    while place < REASONS.len() {
        assert!(place_of_reason(REASONS[place]) == place);
        place += 1;
    }
};

const fn place_of(class: Class) -> usize {
    match class {
        Class::Success => 0,
        Class::Transient => 1,
        Class::Overloaded { .. } => 2,
        Class::Permanent => 3,
        Class::Ignored => 4,
        Class::Cancelled => 5,
        Class::Panicked => 6,
    }
}

const ALL_CLASSES: [Class; CLASSES] = [
    Class::Success,
    Class::Transient,
    Class::Overloaded { retry_after: None },
    Class::Permanent,
    Class::Ignored,
    Class::Cancelled,
    Class::Panicked,
];

/// The totals of one policy.
#[derive(Debug)]
pub(crate) struct Counts([AtomicU64; LEN]);

impl Default for Counts {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; LEN])
    }
}

impl Counts {
    pub(crate) fn add(&self, what: Counted) {
        // Orders nothing: it is a total to look at.
        self.0[what.place()].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self, what: Counted) -> u64 {
        self.0[what.place()].load(Ordering::Relaxed)
    }

    /// Gives `measures` all that happened at least once.
    pub(crate) fn measure(&self, measures: &mut dyn Measures) {
        let happened = |what| Some(self.get(what)).filter(|total| *total > 0);
        let custom = (0..=Label::MAX).filter_map(Label::of);
        for reason in REASONS.into_iter().chain(custom.map(Reason::Custom)) {
            if let Some(total) = happened(Counted::Refused(reason)) {
                measures.refusals(reason, total);
            }
            if let Some(total) = happened(Counted::WouldRefuse(reason)) {
                measures.part(Counter::WouldRefuse, reason.as_str(), total);
            }
        }
        for class in ALL_CLASSES {
            if let Some(total) = happened(Counted::Retried(class)) {
                measures.part(Counter::Retries, class.as_str(), total);
            }
        }
        for why in StopReason::ALL {
            if let Some(total) = happened(Counted::GaveUp(*why)) {
                measures.part(Counter::GaveUp, why.as_str(), total);
            }
        }
        for scope in [Scope::Total, Scope::Attempt] {
            if let Some(total) = happened(Counted::TimedOut(scope)) {
                measures.part(Counter::Timeouts, scope.as_str(), total);
            }
        }
        for (what, counter) in [
            (Counted::Hedged, Counter::Hedges),
            (Counted::Panicked, Counter::Panics),
            (Counted::Degraded, Counter::Degraded),
            (Counted::FallbackFailed, Counter::FallbackFailed),
            (Counted::Restarted, Counter::Restarts),
        ] {
            if let Some(total) = happened(what) {
                measures.counter(counter, total);
            }
        }
        for from in CircuitState::ALL {
            for to in CircuitState::ALL {
                if let Some(total) = happened(Counted::transition(from, to)) {
                    measures.transitions(from, to, total);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn everything_has_a_place_of_its_own() {
        let words = ["first", "second"].map(|word| Reason::Custom(Label::new(word)));
        let reasons = || REASONS.into_iter().chain(words);
        let mut all: Vec<_> = reasons().map(Counted::Refused).collect();
        all.extend(reasons().map(Counted::WouldRefuse));
        all.extend(ALL_CLASSES.map(Counted::Retried));
        all.extend(StopReason::ALL.iter().copied().map(Counted::GaveUp));
        all.extend([Scope::Total, Scope::Attempt].map(Counted::TimedOut));
        all.extend([Counted::Hedged, Counted::Panicked, Counted::Degraded]);
        all.extend([Counted::FallbackFailed, Counted::Restarted]);
        for from in CircuitState::ALL {
            all.extend(CircuitState::ALL.map(|to| Counted::transition(from, to)));
        }
        let mut places: Vec<_> = all.iter().map(|it| it.place()).collect();
        assert!(places.iter().all(|it| *it < LEN));
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), all.len());
    }

    #[test]
    fn an_overload_counts_as_one_class_whatever_its_hint() {
        let counts = Counts::default();
        for retry_after in [None, Some(Duration::from_secs(1))] {
            counts.add(Counted::Retried(Class::Overloaded { retry_after }));
        }
        let overloaded = Class::Overloaded { retry_after: None };
        assert_eq!(counts.get(Counted::Retried(overloaded)), 2);
        assert_eq!(counts.get(Counted::Retried(Class::Transient)), 0);
    }
}
