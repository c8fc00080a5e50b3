use std::mem;

use seawall_core::{Class, Error};

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
    began: u64,
    patience: Option<u64>,
    in_flight: u32,
}

impl<'l> AdaptivePermit<'l> {
    #[inline]
    pub(super) const fn new(
        limit: &'l AdaptiveLimit,
        began: u64,
        patience: Option<u64>,
        in_flight: u32,
    ) -> Self {
        Self { limit, began, patience, in_flight }
    }

    /// The dependency answered.
    #[inline]
    pub fn success(self) {
        self.end(End::Answered);
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

    #[inline]
    fn end(self, end: End) {
        self.limit.end(self.began, self.patience, self.in_flight, end);
        // Its place is accounted for.
        mem::forget(self);
    }
}

impl Drop for AdaptivePermit<'_> {
    fn drop(&mut self) {
        self.limit.end(self.began, self.patience, self.in_flight, End::GivenUp);
    }
}

impl Settle for AdaptivePermit<'_> {
    #[inline]
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
            (_, Class::Permanent) => self.success(),
            (_, Class::Cancelled) => drop(self),
            _ => self.ignore(),
        }
    }
}
