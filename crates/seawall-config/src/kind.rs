//! The kinds of tables that a document has.

use std::fmt;

/// What a table configures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Pipeline,
    Breaker,
    Budget,
    Retry,
    Hedge,
    Timeout,
    PanicGuard,
    Fallback,
    Bulkhead,
    RateLimit,
    AdaptiveLimit,
    Throttle,
    CongestionControl,
}

impl Kind {
    pub(crate) const ALL: [Self; 13] = [
        Self::Pipeline,
        Self::Breaker,
        Self::Budget,
        Self::Retry,
        Self::Hedge,
        Self::Timeout,
        Self::PanicGuard,
        Self::Fallback,
        Self::Bulkhead,
        Self::RateLimit,
        Self::AdaptiveLimit,
        Self::Throttle,
        Self::CongestionControl,
    ];

    /// The word under `defaults` and `templates`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::Breaker => "breaker",
            Self::Budget => "budget",
            Self::Retry => "retry",
            Self::Hedge => "hedge",
            Self::Timeout => "timeout",
            Self::PanicGuard => "panic_guard",
            Self::Fallback => "fallback",
            Self::Bulkhead => "bulkhead",
            Self::RateLimit => "rate_limit",
            Self::AdaptiveLimit => "adaptive_limit",
            Self::Throttle => "throttle",
            Self::CongestionControl => "congestion_control",
        }
    }

    /// The section of the document whose tables are built once, under their name, to be shared. What
    /// has no state has none.
    pub(crate) const fn section(self) -> Option<&'static str> {
        Some(match self {
            Self::Breaker => "breakers",
            Self::Budget => "budgets",
            Self::Retry => "retries",
            Self::Hedge => "hedges",
            Self::Bulkhead => "bulkheads",
            Self::RateLimit => "rate_limits",
            Self::AdaptiveLimit => "adaptive_limits",
            Self::Throttle => "throttles",
            Self::CongestionControl => "congestion_controls",
            Self::Pipeline => "pipelines",
            Self::Timeout | Self::PanicGuard | Self::Fallback => return None,
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
