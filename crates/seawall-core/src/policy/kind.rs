use std::fmt;

use crate::Label;

/// The kind of a policy, in errors, events, metrics and descriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PolicyKind {
    /// The whole pipeline.
    Pipeline,
    /// Circuit breaker.
    Breaker,
    /// Retry.
    Retry,
    /// Hedge: a second attempt while the first is still under way.
    Hedge,
    /// The budget that retries and hedges share.
    Budget,
    /// Timeout, of a whole call or of one attempt.
    Timeout,
    /// Panic guard.
    PanicGuard,
    /// Fallback.
    Fallback,
    /// Bulkhead: a limit on calls in flight.
    Bulkhead,
    /// Rate limit.
    RateLimit,
    /// A limit on calls in flight that adapts to what it sees.
    AdaptiveLimit,
    /// Congestion control: limit, queue, repetitions and probes of one dependency.
    CongestionControl,
    /// Client-side throttling.
    Throttle,
    /// Graceful shutdown.
    Shutdown,
    /// Error capture.
    Capture,
    /// Tasks that are counted.
    Tasks,
    /// A supervisor of long-running tasks.
    Supervisor,
    /// Faults on purpose.
    Chaos,
    /// A policy of the user's own.
    Custom(Label),
}

impl PolicyKind {
    /// The kind in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::Breaker => "breaker",
            Self::Retry => "retry",
            Self::Hedge => "hedge",
            Self::Budget => "budget",
            Self::Timeout => "timeout",
            Self::PanicGuard => "panic guard",
            Self::Fallback => "fallback",
            Self::Bulkhead => "bulkhead",
            Self::RateLimit => "rate limit",
            Self::AdaptiveLimit => "adaptive limit",
            Self::CongestionControl => "congestion control",
            Self::Throttle => "throttle",
            Self::Shutdown => "shutdown",
            Self::Capture => "capture",
            Self::Tasks => "tasks",
            Self::Supervisor => "supervisor",
            Self::Chaos => "chaos",
            Self::Custom(label) => label.as_str(),
        }
    }

    /// The kind in snake case, for labels of metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::PanicGuard => "panic_guard",
            Self::RateLimit => "rate_limit",
            Self::AdaptiveLimit => "adaptive_limit",
            Self::CongestionControl => "congestion_control",
            other => other.as_str(),
        }
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
