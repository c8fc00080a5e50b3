use std::fmt;
use std::time::Duration;

use super::Transition;
use crate::error::{Rejection, StopReason, TimedOut};
use crate::{Class, Name, PanicReport};

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// A circuit changed its state.
    Transition(Transition),
    /// A circuit in shadow would have changed its state.
    Shadowed(Transition),
    /// A call was refused.
    Rejected(Rejection),
    /// A call went through that would have been refused, were the circuit not in shadow.
    WouldReject(Rejection),
    /// A call was slower than the breaker's threshold.
    #[non_exhaustive]
    SlowCall {
        /// How long it took.
        elapsed: Duration,
    },
    /// An outcome came in after the generation that admitted its call had ended. It was counted as
    /// stale and decided nothing.
    #[non_exhaustive]
    Stale {
        /// The generation that admitted the call.
        admitted: u64,
        /// The generation now.
        current: u64,
    },
    /// A probe never settled; its slot was taken back.
    LeaseExpired,
    /// An attempt failed, and another follows.
    #[non_exhaustive]
    Retrying {
        /// The attempt that failed.
        attempt: u32,
        /// Its class.
        class: Class,
        /// The wait before the next one.
        delay: Duration,
    },
    /// A policy that repeats stopped without a success.
    #[non_exhaustive]
    GaveUp {
        /// How many attempts were started.
        attempts: u32,
        /// Why it stopped.
        why: StopReason,
        /// The class of the last attempt.
        class: Class,
    },
    /// A hedge was launched while an attempt is still under way.
    #[non_exhaustive]
    Hedged {
        /// Its number.
        attempt: u32,
    },
    /// A budget had nothing left: the first refusal since it had enough.
    BudgetExhausted,
    /// A budget has recovered: it has enough for more than one repetition again.
    #[non_exhaustive]
    BudgetRecovered {
        /// How often it has refused since it was built.
        refused: u64,
    },
    /// A call was cut off.
    TimedOut(TimedOut),
    /// A panic was caught.
    Panicked(PanicReport),
    /// A limit changed.
    #[non_exhaustive]
    LimitChanged {
        /// The limit before.
        from: u32,
        /// The limit now.
        to: u32,
    },
    /// A fallback answered in the operation's place. This is not a success.
    #[non_exhaustive]
    Degraded {
        /// The class of the operation's error.
        class: Class,
    },
    /// A fallback declined, failed or panicked; the operation's error stands.
    #[non_exhaustive]
    FallbackFailed {
        /// The class of the operation's error.
        class: Class,
    },
    /// A long-running task ended and was started again.
    #[non_exhaustive]
    Restarted {
        /// How many times within the period.
        restarts: u32,
    },
    /// A shutdown entered a phase.
    #[non_exhaustive]
    Phase {
        /// The phase's name.
        name: Name,
    },
    /// A step of a shutdown began.
    #[non_exhaustive]
    StepStarted {
        /// The step's name.
        step: Name,
    },
    /// A step of a shutdown ended, or was skipped without having begun.
    #[non_exhaustive]
    StepEnded {
        /// The step's name.
        step: Name,
        /// How it ended, as a label for metrics.
        outcome: &'static str,
        /// How long it took.
        elapsed: Duration,
    },
    /// A custom policy did something of its own.
    #[non_exhaustive]
    Custom {
        /// What it did, as a metric label.
        name: &'static str,
        /// What it did, in words.
        text: Box<str>,
    },
    /// A fault was injected on purpose.
    #[non_exhaustive]
    Injected {
        /// Which: `"latency"`, `"error"`, `"outcome"`, `"panic"` or `"never"`.
        fault: &'static str,
    },
    /// Injecting faults has ended, and stays so until somebody begins it again.
    #[non_exhaustive]
    InjectionEnded {
        /// Why, as a label for metrics.
        why: &'static str,
    },
    /// A policy was built, but can't work.
    #[non_exhaustive]
    Ineffective {
        /// Why not.
        why: &'static str,
    },
}

impl EventKind {
    /// A slow call.
    pub const fn slow_call(elapsed: Duration) -> Self {
        Self::SlowCall { elapsed }
    }

    /// A stale outcome.
    pub const fn stale(admitted: u64, current: u64) -> Self {
        Self::Stale { admitted, current }
    }

    /// A retry that is about to wait.
    pub const fn retrying(attempt: u32, class: Class, delay: Duration) -> Self {
        Self::Retrying { attempt, class, delay }
    }

    /// The end of a policy that repeats.
    pub const fn gave_up(attempts: u32, why: StopReason, class: Class) -> Self {
        Self::GaveUp { attempts, why, class }
    }

    /// A hedge that was launched.
    pub const fn hedged(attempt: u32) -> Self {
        Self::Hedged { attempt }
    }

    /// A budget that has enough again.
    pub const fn budget_recovered(refused: u64) -> Self {
        Self::BudgetRecovered { refused }
    }

    /// A limit that changed.
    pub const fn limit_changed(from: u32, to: u32) -> Self {
        Self::LimitChanged { from, to }
    }

    /// A fallback that answered.
    pub const fn degraded(class: Class) -> Self {
        Self::Degraded { class }
    }

    /// A fallback that did not answer.
    pub const fn fallback_failed(class: Class) -> Self {
        Self::FallbackFailed { class }
    }

    /// A restart.
    pub const fn restarted(restarts: u32) -> Self {
        Self::Restarted { restarts }
    }

    /// The kind as a word, for metric labels.
    ///
    /// ```
    /// use seawall_core::EventKind;
    ///
    /// assert_eq!(EventKind::hedged(2).as_str(), "hedged");
    /// ```
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Transition(_) => "transition",
            Self::Shadowed(_) => "shadowed",
            Self::Rejected(_) => "rejected",
            Self::WouldReject(_) => "would_reject",
            Self::SlowCall { .. } => "slow_call",
            Self::Stale { .. } => "stale",
            Self::LeaseExpired => "lease_expired",
            Self::Retrying { .. } => "retrying",
            Self::GaveUp { .. } => "gave_up",
            Self::Hedged { .. } => "hedged",
            Self::BudgetExhausted => "budget_exhausted",
            Self::BudgetRecovered { .. } => "budget_recovered",
            Self::TimedOut(_) => "timed_out",
            Self::Panicked(_) => "panicked",
            Self::LimitChanged { .. } => "limit_changed",
            Self::Degraded { .. } => "degraded",
            Self::FallbackFailed { .. } => "fallback_failed",
            Self::Restarted { .. } => "restarted",
            Self::Phase { .. } => "phase",
            Self::StepStarted { .. } => "step_started",
            Self::StepEnded { .. } => "step_ended",
            Self::Injected { .. } => "injected",
            Self::InjectionEnded { .. } => "injection_ended",
            Self::Ineffective { .. } => "ineffective",
            Self::Custom { name, .. } => name,
        }
    }

    /// A fault that was injected.
    pub const fn injected(fault: &'static str) -> Self {
        Self::Injected { fault }
    }

    /// The end of injecting faults.
    pub const fn injection_ended(why: &'static str) -> Self {
        Self::InjectionEnded { why }
    }

    /// A policy that can't work.
    pub const fn ineffective(why: &'static str) -> Self {
        Self::Ineffective { why }
    }

    /// Something that a custom policy did: `name` for metric labels, `text` for people.
    pub fn custom(name: &'static str, text: impl Into<Box<str>>) -> Self {
        Self::Custom { name, text: text.into() }
    }

    /// The beginning of a phase.
    pub const fn phase(name: Name) -> Self {
        Self::Phase { name }
    }

    /// The beginning of a step.
    pub const fn step_started(step: Name) -> Self {
        Self::StepStarted { step }
    }

    /// The end of a step.
    pub const fn step_ended(step: Name, outcome: &'static str, elapsed: Duration) -> Self {
        Self::StepEnded { step, outcome, elapsed }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transition(transition) => transition.fmt(f),
            Self::Shadowed(transition) => write!(f, "would have been {transition}"),
            Self::WouldReject(rejection) => write!(f, "would have refused: {rejection}"),
            Self::Rejected(rejection) => write!(f, "refused: {rejection}"),
            Self::SlowCall { elapsed } => write!(f, "slow call: {elapsed:.3?}"),
            Self::Stale { admitted, current } => {
                write!(f, "stale outcome of generation {admitted}, now {current}")
            }
            Self::LeaseExpired => f.write_str("a probe never settled; its slot is free again"),
            Self::Retrying { attempt, class, delay } => {
                write!(f, "attempt {attempt} was {}; next in {delay:.3?}", class.as_str())
            }
            Self::GaveUp { attempts, why, class } => {
                let unit = if *attempts == 1 { "attempt" } else { "attempts" };
                let class = class.as_str();
                write!(f, "gave up after {attempts} {unit} ({why}); last was {class}")
            }
            Self::Hedged { attempt } => write!(f, "hedged: attempt {attempt} launched"),
            Self::TimedOut(timed_out) => timed_out.fmt(f),
            Self::Panicked(report) => report.fmt(f),
            Self::BudgetExhausted => f.write_str("exhausted: nothing is repeated"),
            Self::BudgetRecovered { refused } => {
                write!(f, "recovered; refusals so far: {refused}")
            }
            Self::LimitChanged { from, to } => write!(f, "limit {from} → {to}"),
            Self::Degraded { class } => write!(f, "degraded: fell back from {}", class.as_str()),
            Self::FallbackFailed { class } => {
                write!(f, "no fallback either: {} stands", class.as_str())
            }
            Self::Restarted { restarts } => {
                write!(f, "restarted; restarts in the period: {restarts}")
            }
            Self::Phase { name } => write!(f, "phase '{name}'"),
            Self::StepStarted { step } => write!(f, "step '{step}' started"),
            Self::StepEnded { step, outcome, elapsed } => {
                write!(f, "step '{step}' ended: {outcome} in {elapsed:.3?}")
            }
            Self::Custom { text, .. } => f.write_str(text),
            Self::Injected { fault } => write!(f, "injected: {fault}"),
            Self::InjectionEnded { why } => write!(f, "no more faults are injected: {why}"),
            Self::Ineffective { why } => write!(f, "without effect: {why}"),
        }
    }
}
