use std::fmt;

use seawall_core::operation::{Deferrable, Once, Repeated};
use seawall_core::{Attempt, Call, Operation};

use super::{Limit, LimitedFuture};

/// An operation behind a limit.
pub struct Limited<'p, L, Op> {
    limit: &'p L,
    inner: Deferrable<Op>,
}

impl<'p, L, Op> Limited<'p, L, Op> {
    /// `op` behind `limit`.
    #[inline]
    pub const fn new(limit: &'p L, op: Op) -> Self {
        Self { limit, inner: Deferrable::new(op) }
    }
}

impl<'p, L: Limit, Op: Call> Call for Limited<'p, L, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = LimitedFuture<L::Permit<'p>, L::Wait<'p>, Once<Op>, Op::Future>;

    #[expect(
        clippy::inline_always,
        reason = "40 to 100 instructions a call of a pipeline, by count"
    )]
    #[inline(always)]
    fn start(self, mut attempt: Attempt) -> Self::Future {
        if let Some(permit) = self.limit.admit_at_once(&mut attempt) {
            return LimitedFuture::running(permit, self.inner.into_op().start(attempt));
        }
        let late = self.limit.admit_late(attempt);
        LimitedFuture::late(late, || self.inner.once())
    }
}

impl<'p, L: Limit, Op: Operation> Operation for Limited<'p, L, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = LimitedFuture<L::Permit<'p>, L::Wait<'p>, Repeated<Op>, Op::Future>;

    #[expect(
        clippy::inline_always,
        reason = "40 to 100 instructions a call of a pipeline, by count"
    )]
    #[inline(always)]
    fn attempt(&mut self, mut attempt: Attempt) -> Self::Future {
        if let Some(op) = self.inner.own()
            && let Some(permit) = self.limit.admit_at_once(&mut attempt)
        {
            return LimitedFuture::running(permit, op.attempt(attempt));
        }
        let late = self.limit.admit_late(attempt);
        LimitedFuture::late(late, || self.inner.repeated())
    }
}

impl<L, Op: Clone> Clone for Limited<'_, L, Op> {
    fn clone(&self) -> Self {
        Self { limit: self.limit, inner: self.inner.clone() }
    }
}

impl<L: fmt::Debug, Op> fmt::Debug for Limited<'_, L, Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited").field("limit", &self.limit).finish_non_exhaustive()
    }
}
