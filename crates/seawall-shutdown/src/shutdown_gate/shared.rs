use seawall_core::inspect::{Gauge, Inspect, InspectId, Measures};
use seawall_core::{Listeners, Name, PolicyKind, Reason, Rejection, Reporter};

use super::token_flag::TokenFlag;
use crate::{InFlight, InFlightGuard, ShuttingDown};

/// What all handles of a gate share.
pub(super) struct Shared {
    pub(super) reporter: Reporter,
    pub(super) cancelled: Option<TokenFlag>,
    pub(super) in_flight: Option<InFlight>,
}

impl Shared {
    /// Whether there is anything that it could refuse for.
    pub(super) const fn is_inert(&self) -> bool {
        self.cancelled.is_none() && self.in_flight.is_none()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.cancelled.as_ref().is_some_and(TokenFlag::is_set)
            || self.in_flight.as_ref().is_some_and(InFlight::is_closed)
    }

    /// Without a guard where the gate does not count.
    #[inline]
    pub(super) fn try_acquire(&self) -> Result<Option<InFlightGuard<'_>>, ShuttingDown> {
        if self.cancelled.as_ref().is_some_and(TokenFlag::is_set) {
            return Err(ShuttingDown);
        }
        self.in_flight.as_ref().map(InFlight::try_acquire).transpose()
    }

    pub(super) fn refuse(&self) -> Rejection {
        self.reporter.refuse(Reason::ShuttingDown)
    }
}

impl Inspect for Shared {
    fn name(&self) -> &Name {
        self.reporter.name()
    }

    fn policy_kind(&self) -> PolicyKind {
        PolicyKind::Shutdown
    }

    fn id(&self) -> InspectId {
        InspectId::of(self)
    }

    fn listeners(&self) -> Option<&Listeners> {
        Some(self.reporter.listeners())
    }

    fn measure(&self, measures: &mut dyn Measures) {
        if let Some(in_flight) = &self.in_flight {
            let count = u32::try_from(in_flight.count()).unwrap_or(u32::MAX);
            measures.gauge(Gauge::InFlight, count.into());
        }
    }
}
