use std::fmt;

/// The states of a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CircuitState {
    /// Calls go through and are measured.
    Closed,
    /// Calls are refused.
    Open,
    /// A few probes go through; all other calls are refused.
    HalfOpen,
    /// The probes passed; calls come back in stages.
    Ramping,
    /// An operator holds it open.
    ForcedOpen,
    /// An operator holds it closed: it measures and decides nothing.
    ForcedClosed,
    /// It decides and reports, but refuses nothing.
    Shadow,
}

impl CircuitState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Closed,
        Self::Open,
        Self::HalfOpen,
        Self::Ramping,
        Self::ForcedOpen,
        Self::ForcedClosed,
        Self::Shadow,
    ];

    /// The state in snake case, for labels of metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::ForcedClosed => "forced_closed",
            other => other.as_str(),
        }
    }

    /// The state in words, for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::Ramping => "ramping",
            Self::ForcedOpen => "forced open",
            Self::ForcedClosed => "forced closed",
            Self::Shadow => "shadow",
        }
    }
}

impl fmt::Display for CircuitState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
