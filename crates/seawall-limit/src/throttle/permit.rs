use std::mem;

use parking_lot::Mutex;
use seawall_core::{Class, Error, Health};

use super::machine::Ratio;
use crate::admission::Settle;

/// A call that was not shed, which wants to know whether the dependency accepted it. Dropped, it
/// counts as not accepted: nobody answered in time.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once counts as a call that was not accepted"]
pub struct ThrottlePermit<'t> {
    ratio: &'t Mutex<Ratio>,
}

impl<'t> ThrottlePermit<'t> {
    #[inline]
    pub(super) const fn new(ratio: &'t Mutex<Ratio>) -> Self {
        Self { ratio }
    }

    /// The dependency accepted the call, whatever it answered.
    // Counted in the part of the window that the latest request has reached: a clock reading less,
    // for an inaccuracy that is at most the time since that request.
    #[inline]
    pub fn accepted(self) {
        self.ratio.lock().record(true);
        mem::forget(self);
    }

    /// The call never got to the dependency: it is not counted.
    pub fn ignore(self) {
        mem::forget(self);
    }
}

impl Drop for ThrottlePermit<'_> {
    fn drop(&mut self) {
        self.ratio.lock().record(false);
    }
}

impl Settle for ThrottlePermit<'_> {
    #[inline]
    fn succeeded(self) {
        self.accepted();
    }

    fn failed<E>(self, error: &Error<E>) {
        match error.class() {
            Class::Ignored => self.ignore(),
            class if class.health() == Health::Healthy => self.accepted(),
            // Unhealthy, or cancelled before there was an answer.
            _ => drop(self),
        }
    }
}
