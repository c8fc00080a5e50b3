//! What goes into the machine and comes out of it: admissions, refusals and outcomes.

use seawall_core::{PackedEvidence, Reason};

use crate::time::Nanos;

/// An admission: the generation that gave it, and which probe it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) generation: u64,
    /// 0 for a call that is no probe.
    pub(crate) probe: u32,
}

impl Ticket {
    /// The probe number of a call that a circuit in shadow would have refused. Without shadow the
    /// call would not exist, so its outcome is not counted.
    pub(crate) const UNMEASURED: u32 = u32::MAX;
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Admission {
    Admitted(Ticket),
    Refused(Refusal),
    /// Goes through in shadow, though it would have been refused.
    Shadowed(Ticket, Refusal),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) terms: RefusalTerms,
}

/// Since when, until when and why a state refuses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RefusalTerms {
    pub(crate) since: Nanos,
    /// [`NEVER`](crate::time::NEVER) where the end is not known.
    pub(crate) until: Nanos,
    pub(crate) evidence: PackedEvidence,
}

/// How an admitted call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) failed: bool,
    pub(crate) slow: bool,
    /// The pause that the dependency asked for.
    pub(crate) hint: Option<Nanos>,
    /// How long it took, where it was timed.
    pub(crate) took: Option<Nanos>,
}

/// What the machine did with an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Settled {
    Counted,
    Stale,
    /// The circuit is in shadow and would have refused the call.
    Unmeasured,
}
