//! Looking at policies while they run: measures, settings and orders.
//!
//! Telemetry, configuration and consoles read every policy through [`Inspect`]. A handle implements
//! it, and [`Policy::inspect`](crate::Policy::inspect) hands out the handles of a pipeline. Nothing
//! is counted for it that the policy does not count anyway, so a policy that nobody looks at pays
//! nothing.

use std::fmt;
use std::time::Duration;

use crate::{CircuitState, ConfigError, Listeners, Name, PolicyKind, Reason, Reporter};

pub use settings::{Setting, Settings, Value};

mod settings;

/// A policy that can be looked at and operated while it runs.
pub trait Inspect: Send + Sync {
    /// Its name, kind and listeners. All handles of a policy have clones of one.
    fn reporter(&self) -> &Reporter;

    /// The policy's name.
    fn name(&self) -> &Name {
        self.reporter().name()
    }

    /// Its kind.
    fn policy_kind(&self) -> PolicyKind {
        self.reporter().kind()
    }

    /// Its identity: the same for all handles of one policy, and for no two policies that exist at
    /// the same time.
    fn id(&self) -> InspectId {
        self.reporter().id()
    }

    /// The listeners that receive its events.
    fn listeners(&self) -> &Listeners {
        self.reporter().listeners()
    }

    /// Gives `measures` what the policy counts, read under one lock.
    ///
    /// Runs no code of the user's other than `measures` itself, which must not call the policy back.
    /// By default it is what the [reporter counts](Reporter::count).
    fn measure(&self, measures: &mut dyn Measures) {
        self.reporter().measure(measures);
    }

    /// The settings in force.
    fn settings(&self) -> Settings {
        Settings::default()
    }

    /// Carries out an operator's order.
    ///
    /// # Errors
    ///
    /// [`OrderError::Unsupported`] where a policy of this kind has no such order,
    /// [`OrderError::Invalid`] where the value is out of its range.
    fn order(&self, order: &Order) -> Result<(), OrderError> {
        Err(OrderError::unsupported(self.policy_kind(), order))
    }
}

/// The identity of a policy: see [`Inspect::id`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InspectId(usize);

impl InspectId {
    /// The identity of the policy that shares `shared` among its handles.
    pub(crate) fn of<T>(shared: &T) -> Self {
        Self(std::ptr::from_ref(shared).cast::<()>().addr())
    }
}

impl fmt::Debug for InspectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InspectId({:#x})", self.0)
    }
}

/// Receives what a policy measures.
pub trait Measures {
    /// A value that goes up and down.
    fn gauge(&mut self, gauge: Gauge, value: f64);

    /// A total since the policy was made. It never falls.
    fn counter(&mut self, counter: Counter, total: u64);

    /// The calls refused for `reason` since the policy was made.
    fn refusals(&mut self, reason: Reason, total: u64);

    /// A part of a total since the policy was made: the retries after failures of one class, for
    /// instance. `label` is one of a few words. By default it is ignored.
    fn part(&mut self, counter: Counter, label: &'static str, total: u64) {
        let _ = (counter, label, total);
    }

    /// How often a circuit went from one state to another since it was made. By default it is ignored.
    fn transitions(&mut self, from: CircuitState, to: CircuitState, total: u64) {
        let _ = (from, to, total);
    }

    /// One state of a circuit: whether the circuit is in it now, and the time it has spent in it
    /// since it was made. Given once for each state; exactly one is current.
    fn state(&mut self, state: CircuitState, is_current: bool, time: Duration);
}

macro_rules! labelled {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $label:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every one there is.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in snake case, for labels of metrics.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)*
                }
            }
        }
    };
}

labelled! {
    /// What goes up and down in a policy.
    Gauge {
        /// Calls in the window of a circuit.
        WindowCalls = "window_calls",
        /// Failures in that window.
        WindowFailures = "window_failures",
        /// Slow calls in that window.
        WindowSlow = "window_slow",
        /// Probes in flight.
        ProbesInFlight = "probes_in_flight",
        /// 1 where an open circuit lets the next call probe: it is open only because nobody calls.
        OpenDue = "open_due",
        /// The limit in force.
        Limit = "limit",
        /// Calls in flight.
        InFlight = "in_flight",
        /// Calls that wait for a permit.
        Queued = "queued",
        /// Permits that are held for calls that were given up.
        Lingering = "lingering",
        /// Tokens of a budget or permits left of a rate limit.
        Tokens = "tokens",
        /// The probability that a call is shed.
        ShedProbability = "shed_probability",
        /// Keys of a keyed policy.
        Keys = "keys",
    }
}

labelled! {
    /// What a policy counts since it was made.
    Counter {
        /// Openings of a circuit.
        Openings = "openings",
        /// Openings that followed an earlier one closely.
        Reopenings = "reopenings",
        /// Failures that a circuit counted.
        Failures = "failures",
        /// Failures that a circuit counted and that were timeouts.
        TimedOut = "timed_out",
        /// Slow calls that a circuit counted.
        SlowCalls = "slow_calls",
        /// Outcomes that came too late to decide anything.
        Stale = "stale",
        /// Calls dropped before they had an outcome.
        Abandoned = "abandoned",
        /// Repetitions that a budget granted.
        Granted = "granted",
        /// Calls that a limit, or repetitions that a budget refused.
        Refused = "refused",
        /// Calls that would have been refused, were the policy not in shadow.
        WouldRefuse = "would_refuse",
        /// Entries of a keyed policy that were evicted.
        Evicted = "evicted",
        /// Keys that got a policy which was not kept.
        Overflowed = "overflowed",
        /// Nanoseconds that a circuit was open after its wait was over, because nobody called.
        OpenDueNanos = "open_due_nanos",
        /// Attempts that were followed by another, by the class of their failure.
        Retries = "retries",
        /// Calls that a policy gave up, by its reason.
        GaveUp = "gave_up",
        /// Hedges that were launched.
        Hedges = "hedges",
        /// What a timeout cut off, by its scope.
        Timeouts = "timeouts",
        /// Panics that were caught.
        Panics = "panics",
        /// Calls that a fallback answered.
        Degraded = "degraded",
        /// Calls that no fallback answered.
        FallbackFailed = "fallback_failed",
        /// Restarts of long-running tasks.
        Restarts = "restarts",
    }
}

/// What an operator can ask of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// Forgets what was measured: a circuit closes.
    Reset,
    /// Holds a circuit open.
    ForceOpen,
    /// Holds a circuit closed: it measures and decides nothing.
    ForceClosed,
    /// Lets a circuit decide and report, and refuse nothing.
    Shadow,
    /// Gives a circuit back to its own rules.
    Release,
    /// Sets the limit on calls in flight.
    SetLimit(u32),
}

impl Order {
    /// The name in snake case.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::ForceOpen => "force_open",
            Self::ForceClosed => "force_closed",
            Self::Shadow => "shadow",
            Self::Release => "release",
            Self::SetLimit(_) => "set_limit",
        }
    }
}

/// Why an order was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// A policy of this kind does not know the order.
    #[error("a {kind} does not know the order {order}")]
    #[non_exhaustive]
    Unsupported {
        /// The kind of the policy.
        kind: PolicyKind,
        /// The order's label.
        order: &'static str,
    },
    /// The order's value is out of its range.
    #[error(transparent)]
    Invalid(#[from] ConfigError),
}

impl OrderError {
    /// A policy of this kind does not know `order`.
    pub const fn unsupported(kind: PolicyKind, order: &Order) -> Self {
        Self::Unsupported { kind, order: order.label() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_snake_case_and_differ() {
        let labels = Gauge::ALL.iter().map(|it| it.label());
        let labels: Vec<_> = labels.chain(Counter::ALL.iter().map(|it| it.label())).collect();
        let mut unique = labels.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), labels.len());
        assert!(labels.iter().all(|it| it.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    }

    #[test]
    fn an_order_that_no_policy_knows_names_both() {
        let error = OrderError::Unsupported { kind: PolicyKind::Retry, order: "force_open" };
        assert_eq!(error.to_string(), "a retry does not know the order force_open");
    }
}
