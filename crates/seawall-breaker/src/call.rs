//! A guarded call.

use seawall_core::operation::{Deferrable, Once, Repeated};
use seawall_core::{Attempt, ByClass, Call, Operation};

use crate::future::{BreakerFuture, Entered, Late};
use crate::shared::Shared;

/// An operation that a breaker guards.
#[derive(Clone)]
pub struct BreakerCall<'p, Op, J = ByClass> {
    pub(crate) breaker: &'p Shared,
    pub(crate) judge: &'p J,
    pub(crate) op: Deferrable<Op>,
}

impl<'p, Op: Call, J> Call for BreakerCall<'p, Op, J>
where
    J: seawall_core::Judge<Op::Output, Op::Error> + 'p,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = BreakerFuture<'p, Op::Future, Once<Op>, J>;

    #[inline(always)]
    fn start(self, mut attempt: Attempt) -> Self::Future {
        match Entered::ask(self.breaker, &mut attempt) {
            Entered::In(permit) => {
                // The permit is held over the inner start, which may panic.
                let future = self.op.into_op().start(attempt);
                BreakerFuture::running(future, permit, self.judge)
            }
            Entered::Waiting(wait) => {
                let late = Late::waiting(self.breaker, wait, self.op.once(), attempt, self.judge);
                BreakerFuture::late(late)
            }
            Entered::Out(rejection) => BreakerFuture::refused(rejection),
        }
    }
}

impl<'p, Op: Operation, J> Operation for BreakerCall<'p, Op, J>
where
    J: seawall_core::Judge<Op::Output, Op::Error> + 'p,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = BreakerFuture<'p, Op::Future, Repeated<Op>, J>;

    #[inline(always)]
    fn attempt(&mut self, mut attempt: Attempt) -> Self::Future {
        match Entered::ask(self.breaker, &mut attempt) {
            Entered::In(permit) => {
                // The permit is held over the inner attempt, which may panic.
                let Some(op) = self.op.own() else {
                    let late = Late::started(self.op.repeated(), attempt, permit, self.judge);
                    return BreakerFuture::late(late);
                };
                let future = op.attempt(attempt);
                BreakerFuture::running(future, permit, self.judge)
            }
            Entered::Waiting(wait) => {
                let late =
                    Late::waiting(self.breaker, wait, self.op.repeated(), attempt, self.judge);
                BreakerFuture::late(late)
            }
            Entered::Out(rejection) => BreakerFuture::refused(rejection),
        }
    }
}

impl<Op, J> std::fmt::Debug for BreakerCall<'_, Op, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BreakerCall").finish_non_exhaustive()
    }
}
