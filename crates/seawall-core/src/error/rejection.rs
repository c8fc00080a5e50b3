use std::fmt;
use std::time::Duration;

use super::timed_out::Of;
use super::{Evidence, PackedEvidence, Rule};
use crate::compact::{CompactDuration, OptionalDuration};
use crate::{Label, Name, PolicyKind};

/// A policy's refusal: which policy, why, on what evidence, since when, and when to try again.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection {
    pub(super) policy: Name,
    observed: f64,
    limit: f64,
    since: OptionalDuration,
    retry_after: OptionalDuration,
    samples: u32,
    rule: Option<Rule>,
    reason: Reason,
    kind: PolicyKind,
}

/// Why a policy refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The circuit is open.
    Open,
    /// The circuit is half-open and all its probes are under way.
    ProbesInFlight,
    /// The circuit closes in stages, and this call is not admitted yet.
    Ramping,
    /// An operator holds the circuit open.
    ForcedOpen,
    /// The limit of calls in flight is reached.
    Full,
    /// The limit of waiting calls is reached.
    QueueFull,
    /// The call waited for admission until its longest wait had passed.
    WaitedTooLong,
    /// Admission would come after the deadline.
    DeadlineTooNear,
    /// The rate is used up.
    RateLimited,
    /// Shed, so that the other calls can be served.
    Shed,
    /// The process is shutting down.
    ShuttingDown,
    /// A custom policy has a reason of its own.
    Custom(Label),
}

impl Reason {
    /// The reason as a word, for metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::ProbesInFlight => "probes_in_flight",
            Self::Ramping => "ramping",
            Self::ForcedOpen => "forced_open",
            Self::Full => "full",
            Self::QueueFull => "queue_full",
            Self::WaitedTooLong => "waited_too_long",
            Self::DeadlineTooNear => "deadline_too_near",
            Self::RateLimited => "rate_limited",
            Self::Shed => "shed",
            Self::ShuttingDown => "shutting_down",
            Self::Custom(label) => label.as_str(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::ProbesInFlight => "half-open, all probes under way",
            Self::Ramping => "closing in stages",
            Self::ForcedOpen => "forced open by an operator",
            Self::Full => "full",
            Self::QueueFull => "full, its queue too",
            Self::WaitedTooLong => "still full after the longest wait",
            Self::DeadlineTooNear => "no admission before the deadline",
            Self::RateLimited => "the rate is used up",
            Self::Shed => "shedding load",
            Self::ShuttingDown => "shutting down",
            Self::Custom(label) => label.as_str(),
        })
    }
}

impl Rejection {
    /// `policy` refuses because of `reason`.
    pub const fn new(policy: Name, kind: PolicyKind, reason: Reason) -> Self {
        Self {
            policy,
            observed: 0.0,
            limit: 0.0,
            since: OptionalDuration::NONE,
            retry_after: OptionalDuration::NONE,
            samples: 0,
            rule: None,
            kind,
            reason,
        }
    }

    /// This rejection, with its evidence.
    #[must_use]
    pub const fn because(mut self, evidence: Evidence) -> Self {
        self.rule = Some(evidence.rule);
        self.observed = evidence.observed;
        self.limit = evidence.limit;
        self.samples = evidence.samples;
        self
    }

    /// [`because`](Self::because) with optional evidence that was kept in atomics.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn because_packed(mut self, evidence: PackedEvidence) -> Self {
        (self.rule, self.samples) = evidence.rule_and_samples();
        self.observed = evidence.observed();
        self.limit = evidence.limit();
        self
    }

    /// This rejection, in force for `since`.
    #[must_use]
    pub fn in_force_for(mut self, since: Duration) -> Self {
        self.since = OptionalDuration::some(since);
        self
    }

    /// This rejection, with when to try again.
    #[must_use]
    pub fn retry_in(mut self, retry_after: Duration) -> Self {
        self.retry_after = OptionalDuration::some(retry_after);
        self
    }

    /// [`in_force_for`](Self::in_force_for) in nanoseconds, without a conversion. 292 years and more
    /// are "unknown".
    #[doc(hidden)]
    #[must_use]
    pub const fn in_force_for_nanos(mut self, since: u64) -> Self {
        self.since = OptionalDuration::some_nanos(since);
        self
    }

    /// [`retry_in`](Self::retry_in), in nanoseconds. 292 years and more are "unknown".
    #[doc(hidden)]
    #[must_use]
    pub const fn retry_in_nanos(mut self, retry_after: u64) -> Self {
        self.retry_after = OptionalDuration::some_nanos(retry_after);
        self
    }

    /// The name of the policy that refuses.
    pub const fn policy(&self) -> &Name {
        &self.policy
    }

    /// Its kind.
    pub const fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// Why it refuses.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The evidence for the refusal.
    pub fn evidence(&self) -> Option<Evidence> {
        self.rule.map(|rule| Evidence::new(rule, self.observed, self.limit, self.samples))
    }

    /// For how long the policy had been refusing when it made this refusal.
    pub const fn since(&self) -> Option<Duration> {
        self.since.get()
    }

    /// When it makes sense to try again, counted from the refusal; `None` if unknown.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after.get()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = Of(self.policy.time_limit());
        write!(f, "{} '{}': {}{of}", self.kind, self.policy, self.reason)?;
        if let Some(since) = self.since() {
            write!(f, " for {since:.3?}")?;
        }
        if let Some(evidence) = self.evidence() {
            write!(f, ": {evidence}")?;
        }
        match self.retry_after() {
            Some(retry_after) => write!(f, "; retry in {retry_after:.3?}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Rejection {}

// Next to the type whose size they check.
const _: () = assert!(size_of::<Rejection>() <= 48);
const _: () = assert!(size_of::<CompactDuration>() == 8);
