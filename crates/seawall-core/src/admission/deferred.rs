//! An operation whose start may have to be put off until a policy admits it.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::{Attempt, Call, ColdOption, Operation};

/// An operation of which attempts may have to wait before they start.
///
/// An attempt that waits is started later, while the next attempt may be made in between. From the
/// first wait on the operation is shared, at the price of one allocation that calls which never wait
/// don't pay.
#[derive(Debug)]
pub(super) struct Deferrable<Op> {
    // Absent from the first wait on.
    own: Option<Op>,
    shared: ColdOption<Arc<Mutex<Op>>>,
}

impl<Op> Deferrable<Op> {
    /// `op`, which no attempt waits for yet.
    pub(super) const fn new(op: Op) -> Self {
        Self { own: Some(op), shared: ColdOption::none() }
    }

    /// The operation, to be started now; `None` where it is shared.
    pub(super) const fn own(&mut self) -> Option<&mut Op> {
        self.own.as_mut()
    }

    /// The operation, to be started as a call.
    pub(super) fn into_op(mut self) -> Op {
        match self.own.take() {
            Some(op) => op,
            None => reclaim(self.shared.take()),
        }
    }

    /// Looks at the operation.
    pub(super) fn with<R>(&self, look: impl FnOnce(&Op) -> R) -> R {
        match (&self.own, self.shared.as_ref()) {
            (Some(op), _) => look(op),
            (None, Some(shared)) => look(&shared.lock()),
            (None, None) => unreachable!("the operation is put back before anything can panic"),
        }
    }

    /// An attempt of the operation, to be started later.
    pub(super) fn repeated(&mut self) -> Repeated<Op> {
        // By value: passing the address would spill the operation to the stack, on the fast path, too.
        let shared = share(self.own.take(), self.shared.take());
        self.shared.put(Arc::clone(&shared));
        Repeated(shared)
    }
}

#[cold]
fn share<Op>(own: Option<Op>, shared: Option<Arc<Mutex<Op>>>) -> Arc<Mutex<Op>> {
    match (own, shared) {
        (_, Some(shared)) => shared,
        (Some(op), None) => Arc::new(Mutex::new(op)),
        (None, None) => unreachable!("the operation is put back before anything can panic"),
    }
}

#[cold]
fn reclaim<Op>(shared: Option<Arc<Mutex<Op>>>) -> Op {
    shared
        .and_then(Arc::into_inner)
        .expect("an operation is started as a call only after its attempts")
        .into_inner()
}

impl<Op: Clone> Clone for Deferrable<Op> {
    fn clone(&self) -> Self {
        Self::new(self.with(Op::clone))
    }
}

/// A start that was put off.
pub trait Start {
    /// The call under way.
    type Future;

    /// Starts it.
    fn start(self, attempt: Attempt) -> Self::Future;
}

/// A call that waits to be started.
#[derive(Debug)]
pub struct Once<Op>(pub(super) Op);

/// An attempt that waits to be started, of an operation that may be started again before that.
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
