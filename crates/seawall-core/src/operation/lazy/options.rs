//! Options of one call. Most calls have none, and don't carry room for any.

use tokio::time::Instant;

use crate::{Attempt, Call};

/// A call with a deadline, made by [`Lazy::deadline`](crate::Lazy::deadline).
#[derive(Clone, Copy, Debug)]
pub struct WithDeadline<Op> {
    pub(super) call: Op,
    pub(super) deadline: Option<Instant>,
}

impl<Op: Call> Call for WithDeadline<Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = Op::Future;

    fn start(self, attempt: Attempt) -> Self::Future {
        self.call.start(self.deadline.map_or(attempt, |deadline| attempt.due_by(deadline)))
    }
}

/// A call that may be repeated, or may not, made by [`Lazy::idempotent`](crate::Lazy::idempotent).
#[derive(Clone, Copy, Debug)]
pub struct WithIdempotent<Op> {
    pub(super) call: Op,
    pub(super) idempotent: bool,
}

impl<Op: Call> Call for WithIdempotent<Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = Op::Future;

    fn start(self, attempt: Attempt) -> Self::Future {
        // What was said later is around this, and comes with the attempt.
        let idempotent = attempt.is_idempotent().unwrap_or(self.idempotent);
        self.call.start(attempt.idempotent(idempotent))
    }
}

/// A call with the attempt that it is to be started as, made by
/// [`Lazy::with_attempt`](crate::Lazy::with_attempt).
#[derive(Clone, Copy, Debug)]
pub struct WithAttempt<Op> {
    pub(super) call: Op,
    pub(super) attempt: Attempt,
}

impl<Op: Call> Call for WithAttempt<Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = Op::Future;

    fn start(self, said: Attempt) -> Self::Future {
        let mut attempt = self.attempt;
        if let Some(deadline) = said.deadline() {
            attempt = attempt.due_by(deadline);
        }
        if let Some(idempotent) = said.is_idempotent() {
            attempt = attempt.idempotent(idempotent);
        }
        self.call.start(attempt)
    }
}
