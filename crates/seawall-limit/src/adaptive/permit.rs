use std::mem;

use seawall_core::{Class, Error};
use tokio::time::Instant;

use super::AdaptiveLimit;
use super::state::End;
use crate::admission::Settle;

/// A call's right to be in flight, which wants to know what the call came to.
///
/// Dropped, the call counts as given up: its place stays taken for as long again as the call ran,
/// since the dependency, which does not know, may still be at it.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once counts as a call that was given up"]
pub struct AdaptivePermit<'l> {
    limit: &'l AdaptiveLimit,
    call: Call,
}

/// What is known of a call from its beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) began: Instant,
    /// How many nanoseconds its caller waits; 0 if that is not known.
    pub(super) patience: u64,
    /// Itself included.
    pub(super) in_flight: u32,
}

impl<'l> AdaptivePermit<'l> {
    #[inline]
    pub(super) const fn new(limit: &'l AdaptiveLimit, call: Call) -> Self {
        Self { limit, call }
    }

    /// The dependency answered.
    #[inline(always)]
    pub fn success(self) {
        self.limit.answered(self.call);
        // Its place is accounted for.
        mem::forget(self);
    }

    /// The call was cut off by a timeout.
    pub fn timed_out(self) {
        self.end(End::TimedOut);
    }

    /// The dependency said that it has too much to do.
    pub fn overloaded(self) {
        self.end(End::Overloaded);
    }

    /// The call failed in a way that says nothing about the load.
    pub fn ignore(self) {
        self.end(End::Other);
    }

    fn end(self, end: End) {
        self.limit.end(self.call, Instant::now(), end);
        mem::forget(self);
    }
}

impl Drop for AdaptivePermit<'_> {
    // Inlined, so that the permit itself need not be in memory for it.
    #[inline]
    fn drop(&mut self) {
        self.limit.give_up(self.call);
    }
}

impl Settle for AdaptivePermit<'_> {
    #[inline(always)]
    fn succeeded(self) {
        self.success();
    }

    fn failed<E>(self, error: &Error<E>) {
        match (error.last(), error.class()) {
            (Error::TimedOut(_), _) => self.timed_out(),
            // A policy inside refused: the dependency was never asked.
            (Error::Rejected(_), _) => {
                self.limit.leave();
                mem::forget(self);
            }
            (_, Class::Overloaded { .. }) => self.overloaded(),
            (_, Class::Permanent) => self.end(End::Answered),
            (_, Class::Cancelled) => drop(self),
            _ => self.ignore(),
        }
    }
}
