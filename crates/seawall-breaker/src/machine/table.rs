//! The transition table as data. The machine takes its next state from it, the diagram in the docs
//! is drawn from it, and the test of every state against every trigger prints it.

use seawall_core::CircuitState::{
    self, Closed, ForcedClosed, ForcedOpen, HalfOpen, Open, Ramping, Shadow,
};
use seawall_core::Evidence;

/// What makes a circuit change its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Trigger {
    /// A rule over the closed state's outcomes holds.
    Tripped,
    /// The open wait is over.
    WaitOver,
    /// Enough probes succeeded, and no ramp is configured.
    ProbesPassed,
    /// Enough probes succeeded, and a ramp is configured.
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
    /// The operator has it decide without refusing.
    Shadow,
    /// The operator ends an order.
    Release,
    /// The operator resets it.
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
            Self::Shadow => "shadow()",
            Self::Release => "release()",
            Self::Reset => "reset()",
        }
    }

    /// Whether it is the operator's.
    pub(crate) const fn is_operators(self) -> bool {
        matches!(
            self,
            Self::ForceOpen | Self::ForceClosed | Self::Shadow | Self::Release | Self::Reset
        )
    }
}

/// Why the state is to change: a trigger of the table, and the evidence for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) trigger: Trigger,
    pub(crate) evidence: Option<Evidence>,
}

impl Verdict {
    pub(crate) fn new(trigger: Trigger, evidence: Evidence) -> Self {
        Self { trigger, evidence: Some(evidence) }
    }
}

impl From<Trigger> for Verdict {
    fn from(trigger: Trigger) -> Self {
        Self { trigger, evidence: None }
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) from: CircuitState,
    pub(crate) on: Trigger,
    pub(crate) to: CircuitState,
}

const fn row(from: CircuitState, on: Trigger, to: CircuitState) -> Row {
    Row { from, on, to }
}

/// Every transition. Without a row nothing happens.
///
/// In shadow, the rows without the operator's triggers apply to the state below the order.
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
    row(Closed, Trigger::Shadow, Shadow),
    row(Open, Trigger::Shadow, Shadow),
    row(HalfOpen, Trigger::Shadow, Shadow),
    row(Ramping, Trigger::Shadow, Shadow),
    row(ForcedOpen, Trigger::Shadow, Shadow),
    row(ForcedClosed, Trigger::Shadow, Shadow),
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

/// The state that follows `from` on `on`; `None` without a row.
pub(crate) fn next(from: CircuitState, on: Trigger) -> Option<CircuitState> {
    TABLE.iter().find(|row| row.from == from && row.on == on).map(|row| row.to)
}
