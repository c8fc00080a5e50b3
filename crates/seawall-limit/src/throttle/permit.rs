use std::mem;

use parking_lot::Mutex;
use seawall_core::{Class, Error, Health, Settle};

use super::shared::State;

/// The permit of a call that was not shed. Its methods report whether the dependency accepted the
/// call. Dropped, the call counts as not accepted: there was no answer in time.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once counts as a call that was not accepted"]
pub struct ThrottlePermit<'t> {
    state: &'t Mutex<State>,
}

impl<'t> ThrottlePermit<'t> {
    #[inline]
    pub(super) const fn new(state: &'t Mutex<State>) -> Self {
        Self { state }
    }

    /// The dependency accepted the call, whatever it answered.
    // Counted in the part of the window that the latest request has reached. That saves a reading of
    // the clock, and is wrong by at most the time since that request.
    #[inline]
    pub fn accepted(self) {
        self.state.lock().ratio.record(true);
        mem::forget(self);
    }

    /// The call did not reach the dependency: it is not counted.
    pub fn ignore(self) {
        mem::forget(self);
    }
}

impl Drop for ThrottlePermit<'_> {
    fn drop(&mut self) {
        self.state.lock().ratio.record(false);
    }
}

impl<T, E> Settle<T, E> for ThrottlePermit<'_> {
    #[inline]
    fn settle(self, outcome: &Result<T, Error<E>>) {
        let Err(error) = outcome else {
            return self.accepted();
        };
        match error.class() {
            Class::Ignored => self.ignore(),
            class if class.health() == Health::Healthy => self.accepted(),
            // Unhealthy, or cancelled before there was an answer.
            _ => drop(self),
        }
    }
}
