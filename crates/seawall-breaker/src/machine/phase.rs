//! The state of the circuit in two parts: what the rules chose, and what the operator ordered.

use seawall_core::CircuitState;

use super::half_open::HalfOpen;
use super::ramp::Ramp;
use crate::time::Nanos;

/// The state that the automatic rules chose. Under an operator's hold, the state that they would
/// have chosen.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    Closed,
    Open { until: Nanos },
    // In boxes, as most breakers are closed at all times.
    HalfOpen(Box<HalfOpen>),
    Ramping(Box<Ramp>),
}

/// The operator's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    None,
    Open,
    Closed,
    Shadow,
}

impl Hold {
    pub(super) fn of(state: CircuitState) -> Self {
        match state {
            CircuitState::ForcedOpen => Self::Open,
            CircuitState::ForcedClosed => Self::Closed,
            CircuitState::Shadow => Self::Shadow,
            _ => Self::None,
        }
    }

    /// Whether the automatic rules decide, be it only in shadow.
    pub(super) fn decides(self) -> bool {
        matches!(self, Self::None | Self::Shadow)
    }
}

impl Phase {
    pub(super) fn state(&self) -> CircuitState {
        match self {
            Self::Closed => CircuitState::Closed,
            Self::Open { .. } => CircuitState::Open,
            Self::HalfOpen(_) => CircuitState::HalfOpen,
            Self::Ramping(_) => CircuitState::Ramping,
        }
    }
}
