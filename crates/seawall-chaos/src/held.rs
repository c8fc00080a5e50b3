//! An operation whose start may be delayed.

use std::sync::{Arc, Mutex, PoisonError};

use seawall_core::{Attempt, Call, Operation};

/// The operation that chaos wraps. From the first delay on it is shared with the attempt that waits, as
/// the next attempt may be made at the same time; an attempt without a delay allocates nothing.
#[derive(Debug)]
pub(crate) enum Held<Op> {
    Own(Op),
    Shared(Arc<Mutex<Op>>),
    /// While it changes from one to the other.
    Nobody,
}

impl<Op> Held<Op> {
    /// The operation, for an attempt that starts later.
    pub(crate) fn share(&mut self) -> Arc<Mutex<Op>> {
        let shared = match std::mem::replace(self, Self::Nobody) {
            Self::Own(op) => Arc::new(Mutex::new(op)),
            Self::Shared(shared) => shared,
            Self::Nobody => unreachable!("nothing panics between taking it and putting it back"),
        };
        *self = Self::Shared(Arc::clone(&shared));
        shared
    }
}

impl<Op: Operation> Held<Op> {
    pub(crate) fn is_repeatable(&self) -> bool {
        match self {
            Self::Own(op) => op.is_repeatable(),
            Self::Shared(shared) => {
                shared.lock().unwrap_or_else(PoisonError::into_inner).is_repeatable()
            }
            Self::Nobody => true,
        }
    }

    /// Starts an attempt now.
    pub(crate) fn attempt(&mut self, attempt: Attempt) -> Op::Future {
        match self {
            Self::Own(op) => op.attempt(attempt),
            Self::Shared(op) => op.lock().unwrap_or_else(PoisonError::into_inner).attempt(attempt),
            Self::Nobody => unreachable!("nothing panics between taking it and putting it back"),
        }
    }
}

/// Starts what waited.
pub trait Later {
    /// The attempt under way.
    type Future;

    /// Starts it.
    fn begin(self, attempt: Attempt) -> Self::Future;
}

/// A call that starts later.
#[derive(Debug)]
pub struct LaterCall<Op>(pub(crate) Op);

/// An attempt that starts later, of an operation that may be started again before.
#[derive(Debug)]
pub struct LaterAttempt<Op>(pub(crate) Arc<Mutex<Op>>);

impl<Op: Call> Later for LaterCall<Op> {
    type Future = Op::Future;

    fn begin(self, attempt: Attempt) -> Op::Future {
        self.0.start(attempt)
    }
}

impl<Op: Operation> Later for LaterAttempt<Op> {
    type Future = Op::Future;

    fn begin(self, attempt: Attempt) -> Op::Future {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).attempt(attempt)
    }
}
