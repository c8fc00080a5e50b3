use super::token_flag::TokenFlag;
use crate::{InFlight, InFlightGuard, ShuttingDown};

/// What all handles of a gate share.
pub(super) struct Shared {
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
}
