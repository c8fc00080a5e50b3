use std::mem;
use std::sync::Arc;

use seawall_core::{Class, Error, Settle};

use super::shared::{Call, Shared};
use super::state::End;

/// A call's right to be in flight. Its methods report how the call ended.
///
/// Dropped, the call counts as given up: its place [lingers](crate::adaptive#lingering), since the
/// dependency does not know of it and may still work on the call.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once counts as a call that was given up"]
pub struct AdaptivePermit<'l> {
    limit: &'l Shared,
    call: Call,
}

impl<'l> AdaptivePermit<'l> {
    #[inline]
    pub(super) const fn new(limit: &'l Shared, call: Call) -> Self {
        Self { limit, call }
    }

    /// The dependency answered.
    #[inline]
    pub fn success(self) {
        self.limit.answered(self.call);
        // Its place is accounted for.
        mem::forget(self);
    }

    /// The call was cut off by a timeout.
    pub fn timed_out(self) {
        self.end(End::TimedOut);
    }

    /// The dependency said that it is overloaded.
    pub fn overloaded(self) {
        self.end(End::Overloaded);
    }

    /// The call failed in a way that says nothing about the load.
    pub fn ignore(self) {
        self.end(End::Other);
    }

    #[cold]
    fn failed<E>(self, error: &Error<E>) {
        match (error.last(), error.class()) {
            (Error::TimedOut(_), _) => self.timed_out(),
            // A policy inside refused: the dependency was never asked.
            (Error::Rejected(_), _) => {
                self.limit.release(1);
                mem::forget(self);
            }
            (_, Class::Overloaded { .. }) => self.overloaded(),
            (_, Class::Permanent) => self.end(End::Answered),
            (_, Class::Cancelled) => drop(self),
            _ => self.ignore(),
        }
    }

    fn end(self, end: End) {
        self.limit.end(self.call, end);
        mem::forget(self);
    }
}

impl Drop for AdaptivePermit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.limit.end(self.call, End::GivenUp);
    }
}

/// An [`AdaptivePermit`] that holds the limit, so that it can outlive the future of its call: in the
/// body of an answer, for instance.
///
/// The limit learns from the time to the answer's head, which [`sampled`](Self::sampled) takes; the
/// place is held until the permit is dropped. Dropped before that, the call counts as given up.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once counts as a call that was given up"]
pub struct OwnedAdaptivePermit {
    limit: Arc<Shared>,
    call: Call,
    state: Held,
}

#[derive(Debug, PartialEq)]
enum Held {
    /// The limit has learned nothing of the call yet.
    New,
    /// It has learned of the answer. The place is still taken.
    Sampled,
    /// The place is accounted for.
    Over,
}

impl OwnedAdaptivePermit {
    pub(super) const fn new(limit: Arc<Shared>, call: Call) -> Self {
        Self { limit, call, state: Held::New }
    }

    /// The dependency has answered: the time so far is the call's. Further calls change nothing.
    pub fn sampled(&mut self) {
        if self.state == Held::New {
            self.state = Held::Sampled;
            self.limit.sample(self.call);
        }
    }

    /// Whatever works on the call is overloaded, and works on it no more.
    pub fn overloaded(self) {
        self.end(End::Overloaded);
    }

    /// The call ended in a way that says nothing about the load, and nobody works on it any more.
    pub fn ignore(self) {
        self.end(End::Other);
    }

    fn end(mut self, end: End) {
        if self.state == Held::New {
            self.state = Held::Over;
            self.limit.end(self.call, end);
        }
    }
}

impl Drop for OwnedAdaptivePermit {
    fn drop(&mut self) {
        match self.state {
            Held::New => self.limit.end(self.call, End::GivenUp),
            Held::Sampled => self.limit.release(1),
            Held::Over => {}
        }
    }
}

impl<T, E> Settle<T, E> for AdaptivePermit<'_> {
    #[inline]
    fn settle(self, outcome: &Result<T, Error<E>>) {
        match outcome {
            Ok(_) => self.success(),
            Err(error) => self.failed(error),
        }
    }
}
