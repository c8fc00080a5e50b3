//! The transition table as data: the machine looks its next state up here, the diagram in the docs
//! is drawn from it, and the test of every state against every trigger prints it.

use seawall_core::CircuitState::{
    self, Closed, ForcedClosed, ForcedOpen, HalfOpen, Open, Ramping, Shadow,
};

/// What makes a circuit change its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Trigger {
    /// A rule over the closed state's outcomes holds.
    Tripped,
    /// The open state has refused for as long as it is to.
    WaitOver,
    /// Enough probes succeeded, and no ramp is configured.
    ProbesPassed,
    /// Enough probes succeeded, and traffic is to come back in stages.
    ProbesPassedRamp,
    /// Enough probes can no longer succeed.
    ProbesFailed,
    /// The last stage of the ramp is over.
    RampOver,
    /// A stage of the ramp failed its check.
    StageFailed,
    /// The operator holds it open.
    ForceOpen,
    /// The operator holds it closed.
    ForceClosed,
    /// The operator lets it only watch.
    Watch,
    /// The operator lets go.
    Release,
    /// The operator starts it anew.
    Reset,
}

impl Trigger {
    /// The trigger in words.
    #[cfg(test)]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Tripped => "a rule is broken",
            Self::WaitOver => "the wait is over",
            Self::ProbesPassed => "enough probes succeeded",
            Self::ProbesPassedRamp => "enough probes succeeded, with a ramp",
            Self::ProbesFailed => "enough probes can no longer succeed",
            Self::RampOver => "the last stage is over",
            Self::StageFailed => "a stage failed",
            Self::ForceOpen => "force_open()",
            Self::ForceClosed => "force_closed()",
            Self::Watch => "shadow()",
            Self::Release => "release()",
            Self::Reset => "reset()",
        }
    }

    /// Whether it is the operator's.
    #[cfg(test)]
    pub(crate) const fn is_operators(self) -> bool {
        matches!(
            self,
            Self::ForceOpen | Self::ForceClosed | Self::Watch | Self::Release | Self::Reset
        )
    }
}

/// A row: in this state, on this trigger, that is the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) from: CircuitState,
    pub(crate) on: Trigger,
    pub(crate) to: CircuitState,
}

const fn row(from: CircuitState, on: Trigger, to: CircuitState) -> Row {
    Row { from, on, to }
}

/// Every transition there is. What is not listed does not happen.
///
/// In shadow the same automatic rows move a circuit that is only thought of.
pub(crate) const TABLE: &[Row] = &[
    row(Closed, Trigger::Tripped, Open),
    row(Open, Trigger::WaitOver, HalfOpen),
    row(HalfOpen, Trigger::ProbesPassed, Closed),
    row(HalfOpen, Trigger::ProbesPassedRamp, Ramping),
    row(HalfOpen, Trigger::ProbesFailed, Open),
    row(Ramping, Trigger::RampOver, Closed),
    row(Ramping, Trigger::StageFailed, Open),
    row(Closed, Trigger::ForceOpen, ForcedOpen),
    row(Open, Trigger::ForceOpen, ForcedOpen),
    row(HalfOpen, Trigger::ForceOpen, ForcedOpen),
    row(Ramping, Trigger::ForceOpen, ForcedOpen),
    row(ForcedClosed, Trigger::ForceOpen, ForcedOpen),
    row(Shadow, Trigger::ForceOpen, ForcedOpen),
    row(Closed, Trigger::ForceClosed, ForcedClosed),
    row(Open, Trigger::ForceClosed, ForcedClosed),
    row(HalfOpen, Trigger::ForceClosed, ForcedClosed),
    row(Ramping, Trigger::ForceClosed, ForcedClosed),
    row(ForcedOpen, Trigger::ForceClosed, ForcedClosed),
    row(Shadow, Trigger::ForceClosed, ForcedClosed),
    row(Closed, Trigger::Watch, Shadow),
    row(Open, Trigger::Watch, Shadow),
    row(HalfOpen, Trigger::Watch, Shadow),
    row(Ramping, Trigger::Watch, Shadow),
    row(ForcedOpen, Trigger::Watch, Shadow),
    row(ForcedClosed, Trigger::Watch, Shadow),
    row(ForcedOpen, Trigger::Release, Closed),
    row(ForcedClosed, Trigger::Release, Closed),
    row(Shadow, Trigger::Release, Closed),
    row(Closed, Trigger::Reset, Closed),
    row(Open, Trigger::Reset, Closed),
    row(HalfOpen, Trigger::Reset, Closed),
    row(Ramping, Trigger::Reset, Closed),
    row(ForcedOpen, Trigger::Reset, Closed),
    row(ForcedClosed, Trigger::Reset, Closed),
    row(Shadow, Trigger::Reset, Closed),
];

/// Where `on` leads from `from`, if anywhere.
pub(crate) fn next(from: CircuitState, on: Trigger) -> Option<CircuitState> {
    TABLE.iter().find(|row| row.from == from && row.on == on).map(|row| row.to)
}
