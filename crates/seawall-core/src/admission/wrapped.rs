use std::fmt;

use super::deferred::{Deferrable, Once, Repeated};
use super::future::Deferral;
use super::{Admit, AdmittedFuture, Settle};
use crate::{Attempt, Call, Operation};

/// An operation that a policy admits.
pub struct Admitted<'p, A, Op> {
    policy: &'p A,
    inner: Deferrable<Op>,
}

impl<'p, A, Op> Admitted<'p, A, Op> {
    /// `op`, admitted by `policy`.
    pub const fn new(policy: &'p A, op: Op) -> Self {
        Self { policy, inner: Deferrable::new(op) }
    }
}

impl<'p, A: Admit, Op: Call> Call for Admitted<'p, A, Op>
where
    A::Permit<'p>: Settle<Op::Output, Op::Error>,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = AdmittedFuture<A::Permit<'p>, A::Wait<'p>, Once<Op>, Op::Future>;

    #[expect(
        clippy::inline_always,
        reason = "40 to 100 instructions a call of a pipeline, by count"
    )]
    #[inline(always)]
    fn start(self, mut attempt: Attempt) -> Self::Future {
        if let Some(permit) = self.policy.try_admit(&mut attempt) {
            return AdmittedFuture::running(permit, self.inner.into_op().start(attempt));
        }
        let start = || Once(self.inner.into_op());
        AdmittedFuture::deferred(Deferral::ask(self.policy, attempt, start))
    }
}

impl<'p, A: Admit, Op: Operation> Operation for Admitted<'p, A, Op>
where
    A::Permit<'p>: Settle<Op::Output, Op::Error>,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = AdmittedFuture<A::Permit<'p>, A::Wait<'p>, Repeated<Op>, Op::Future>;

    #[expect(
        clippy::inline_always,
        reason = "40 to 100 instructions a call of a pipeline, by count"
    )]
    #[inline(always)]
    fn attempt(&mut self, mut attempt: Attempt) -> Self::Future {
        if let Some(op) = self.inner.own()
            && let Some(permit) = self.policy.try_admit(&mut attempt)
        {
            return AdmittedFuture::running(permit, op.attempt(attempt));
        }
        let start = || self.inner.repeated();
        AdmittedFuture::deferred(Deferral::ask(self.policy, attempt, start))
    }

    fn is_repeatable(&self) -> bool {
        self.inner.with(Op::is_repeatable)
    }
}

impl<A, Op: Clone> Clone for Admitted<'_, A, Op> {
    fn clone(&self) -> Self {
        Self { policy: self.policy, inner: self.inner.clone() }
    }
}

impl<A: fmt::Debug, Op> fmt::Debug for Admitted<'_, A, Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admitted").field("policy", &self.policy).finish_non_exhaustive()
    }
}
