use std::fmt;
use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;
use seawall_core::{Attempt, Call, Operation};

use super::{Admission, Limit, LimitedFuture};

/// An operation behind a limit.
pub struct Limited<'p, L, Op> {
    limit: &'p L,
    inner: Inner<Op>,
}

/// The inner operation. An attempt that waits for its permit has to start it later, while the next
/// attempt may be made meanwhile: from the first wait on it is shared, at the price of one
/// allocation that calls which never wait don't pay.
enum Inner<Op> {
    Own(Op),
    Shared(Arc<Mutex<Op>>),
    Gone,
}

impl<'p, L, Op> Limited<'p, L, Op> {
    /// `op` behind `limit`.
    #[inline]
    pub const fn new(limit: &'p L, op: Op) -> Self {
        Self { limit, inner: Inner::Own(op) }
    }
}

impl<Op> Inner<Op> {
    #[inline]
    fn into_op(self) -> Op {
        match self {
            Self::Own(op) => op,
            other => other.reclaim(),
        }
    }

    #[cold]
    fn reclaim(self) -> Op {
        match self {
            Self::Shared(shared) => Arc::into_inner(shared)
                .expect("an operation is started as a call only after its attempts")
                .into_inner(),
            Self::Own(op) => op,
            Self::Gone => unreachable!("the operation is put back before anything can panic"),
        }
    }

    #[cold]
    fn share(&mut self) -> Arc<Mutex<Op>> {
        *self = match mem::replace(self, Self::Gone) {
            Self::Own(op) => Self::Shared(Arc::new(Mutex::new(op))),
            shared => shared,
        };
        match self {
            Self::Shared(shared) => Arc::clone(shared),
            _ => unreachable!("it was shared in the line before"),
        }
    }
}

impl<Op: Operation> Inner<Op> {
    #[inline]
    fn attempt(&mut self, attempt: Attempt) -> Op::Future {
        match self {
            Self::Own(op) => op.attempt(attempt),
            Self::Shared(shared) => shared.lock().attempt(attempt),
            Self::Gone => unreachable!("the operation is put back before anything can panic"),
        }
    }
}

/// Starts what waited for its permit.
pub trait Start {
    /// The call under way.
    type Future;

    /// Starts it.
    fn start(self, attempt: Attempt) -> Self::Future;
}

/// A call that waits to be started.
#[derive(Debug)]
pub struct Once<Op>(Op);

/// An attempt that waits to be started, of an operation that may be started again meanwhile.
#[derive(Debug)]
pub struct Repeated<Op>(Arc<Mutex<Op>>);

impl<Op: Call> Start for Once<Op> {
    type Future = Op::Future;

    fn start(self, attempt: Attempt) -> Op::Future {
        self.0.start(attempt)
    }
}

impl<Op: Operation> Start for Repeated<Op> {
    type Future = Op::Future;

    fn start(self, attempt: Attempt) -> Op::Future {
        self.0.lock().attempt(attempt)
    }
}

impl<'p, L: Limit, Op: Call> Call for Limited<'p, L, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = LimitedFuture<L::Permit<'p>, L::Wait<'p>, Once<Op>, Op::Future>;

    #[inline]
    fn start(self, mut attempt: Attempt) -> Self::Future {
        match self.limit.admit(&mut attempt) {
            Admission::Granted(permit) => {
                LimitedFuture::running(permit, self.inner.into_op().start(attempt))
            }
            Admission::Waiting(wait) => {
                LimitedFuture::waiting(wait, Once(self.inner.into_op()), attempt)
            }
            Admission::Refused(rejection) => LimitedFuture::refused(rejection),
        }
    }
}

impl<'p, L: Limit, Op: Operation> Operation for Limited<'p, L, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = LimitedFuture<L::Permit<'p>, L::Wait<'p>, Repeated<Op>, Op::Future>;

    #[inline]
    fn attempt(&mut self, mut attempt: Attempt) -> Self::Future {
        match self.limit.admit(&mut attempt) {
            Admission::Granted(permit) => {
                LimitedFuture::running(permit, self.inner.attempt(attempt))
            }
            Admission::Waiting(wait) => {
                LimitedFuture::waiting(wait, Repeated(self.inner.share()), attempt)
            }
            Admission::Refused(rejection) => LimitedFuture::refused(rejection),
        }
    }
}

impl<L, Op: Clone> Clone for Limited<'_, L, Op> {
    fn clone(&self) -> Self {
        let op = match &self.inner {
            Inner::Own(op) => op.clone(),
            Inner::Shared(shared) => shared.lock().clone(),
            Inner::Gone => unreachable!("the operation is put back before anything can panic"),
        };
        Self::new(self.limit, op)
    }
}

impl<L: fmt::Debug, Op> fmt::Debug for Limited<'_, L, Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited").field("limit", &self.limit).finish_non_exhaustive()
    }
}
