//! Who goes through.

use seawall_core::{EventKind, PackedEvidence, Reason};

use super::{Happened, Hold, Machine, Phase};
use crate::time::{NEVER, Nanos};

/// An admission: the generation that gave it, and which probe it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) generation: u64,
    /// 0 for a call that is no probe.
    pub(crate) probe: u32,
    /// When it was given. Of a probe only: of others it may not have been noted.
    pub(crate) began: Nanos,
}

impl Ticket {
    /// The probe of a call that a circuit in shadow would have refused: its outcome would not
    /// exist, so it is not counted.
    pub(crate) const UNMEASURED: u32 = u32::MAX;
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Admission {
    Admitted(Ticket),
    Refused(Refusal),
    /// Goes through, though it would have been refused.
    Shadowed(Ticket, Refusal),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) refusing: Refusing,
}

/// What a state that refuses says for itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Refusing {
    /// When it began.
    pub(crate) since: Nanos,
    /// When it ends; [`NEVER`] where that is not known.
    pub(crate) until: Nanos,
    pub(crate) evidence: PackedEvidence,
}

impl Machine {
    /// Decides whether a call may go through.
    pub(crate) fn admit(&mut self, now: Nanos, happened: &mut Happened) -> Admission {
        match self.hold {
            Hold::None => match self.decide(now, happened) {
                Ok(ticket) => Admission::Admitted(ticket),
                Err(refusal) => Admission::Refused(refusal),
            },
            Hold::Shadow => match self.decide(now, happened) {
                Ok(ticket) => Admission::Admitted(ticket),
                Err(refusal) => Admission::Shadowed(self.ticket(Ticket::UNMEASURED, now), refusal),
            },
            Hold::Closed => Admission::Admitted(self.ticket(0, now)),
            Hold::Open => Admission::Refused(self.refusal(Reason::ForcedOpen)),
        }
    }

    fn decide(&mut self, now: Nanos, happened: &mut Happened) -> Result<Ticket, Refusal> {
        if let Phase::Open { until } = self.phase
            && now >= until
        {
            self.half_open(now, happened);
        }
        self.expire_leases(now, happened);
        self.advance_ramp(now, happened);
        match &mut self.phase {
            Phase::Closed => Ok(self.ticket(0, now)),
            Phase::Open { .. } => Err(self.refusal(Reason::Open)),
            Phase::HalfOpen(half_open) => {
                let probe = half_open.admit(self.settings.probing, now);
                probe
                    .map(|probe| self.ticket(probe, now))
                    .ok_or(self.refusal(Reason::ProbesInFlight))
            }
            Phase::Ramping(ramp) => {
                let admitted = self.settings.ramp.as_ref().is_none_or(|plan| ramp.admit(plan));
                if admitted { Ok(self.ticket(0, now)) } else { Err(self.refusal(Reason::Ramping)) }
            }
        }
    }

    fn ticket(&self, probe: u32, began: Nanos) -> Ticket {
        Ticket { generation: self.generation, probe, began }
    }

    fn refusal(&self, reason: Reason) -> Refusal {
        Refusal { reason, refusing: self.refusing() }
    }

    /// What a refusal of the current state rests on.
    pub(crate) fn refusing(&self) -> Refusing {
        Refusing {
            since: self.since,
            until: self.open_until().map_or(NEVER, |(until, _)| until),
            evidence: self.evidence().filter(|_| self.hold != Hold::Open).into(),
        }
    }

    /// Gives a probe's slot back without an outcome. Says whether the admission still counted.
    pub(crate) fn give_back(
        &mut self,
        ticket: Ticket,
        now: Nanos,
        happened: &mut Happened,
    ) -> bool {
        if ticket.generation != self.generation {
            return false;
        }
        self.expire_leases(now, happened);
        match &mut self.phase {
            Phase::HalfOpen(half_open) => half_open.release(ticket.probe),
            _ => true,
        }
    }

    /// Takes back the slots of probes that took too long.
    fn expire_leases(&mut self, now: Nanos, happened: &mut Happened) {
        let Phase::HalfOpen(half_open) = &mut self.phase else {
            return;
        };
        for _ in 0..half_open.expire(now) {
            self.incidents.get_or_insert_default().expired += 1;
            happened.push(EventKind::LeaseExpired);
        }
    }

    /// Whether calls go through without asking.
    pub(crate) fn admits_all(&self) -> bool {
        match self.hold {
            Hold::Closed => true,
            Hold::Open => false,
            Hold::None | Hold::Shadow => matches!(self.phase, Phase::Closed),
        }
    }
}
