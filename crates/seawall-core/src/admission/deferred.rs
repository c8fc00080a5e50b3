//! An operation whose start may have to be put off until a policy admits it.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::{Attempt, Call, Operation, Rare};

/// What a policy wraps that lets attempts wait, in a queue for instance, before they start.
///
/// An attempt that waits has to be started later, while the next attempt may be made meanwhile:
/// from the first wait on the operation is shared, at the price of one allocation that calls which
/// never wait don't pay.
#[derive(Debug)]
pub struct Deferrable<Op> {
    // Absent from the first wait on.
    own: Option<Op>,
    shared: Rare<Arc<Mutex<Op>>>,
}

impl<Op> Deferrable<Op> {
    /// `op`, which nothing waits for yet.
    #[inline]
    pub const fn new(op: Op) -> Self {
        Self { own: Some(op), shared: Rare::none() }
    }

    /// The operation, to be started now; `None` where it is shared.
    #[inline]
    pub const fn own(&mut self) -> Option<&mut Op> {
        self.own.as_mut()
    }

    /// The operation, to be started as a call now.
    ///
    /// # Panics
    ///
    /// When an attempt of it waits.
    #[inline]
    pub fn into_op(mut self) -> Op {
        match self.own.take() {
            Some(op) => op,
            None => reclaim(self.shared.take()),
        }
    }

    /// The operation, to be started as a call later.
    ///
    /// # Panics
    ///
    /// When an attempt of it waits.
    #[inline]
    pub fn once(self) -> Once<Op> {
        Once(self.into_op())
    }

    /// An attempt of the operation, to be started later.
    #[inline]
    pub fn repeated(&mut self) -> Repeated<Op> {
        // Handed over and taken back: what is lent to a function lies in memory, on the path of
        // what never waits, too.
        let shared = share(self.own.take(), self.shared.take());
        self.shared.put(Arc::clone(&shared));
        Repeated(shared)
    }
}

#[cold]
#[inline(never)]
fn share<Op>(own: Option<Op>, shared: Option<Arc<Mutex<Op>>>) -> Arc<Mutex<Op>> {
    match (own, shared) {
        (_, Some(shared)) => shared,
        (Some(op), None) => Arc::new(Mutex::new(op)),
        (None, None) => unreachable!("the operation is put back before anything can panic"),
    }
}

#[cold]
#[inline(never)]
fn reclaim<Op>(shared: Option<Arc<Mutex<Op>>>) -> Op {
    shared
        .and_then(Arc::into_inner)
        .expect("an operation is started as a call only after its attempts")
        .into_inner()
}

impl<Op: Clone> Clone for Deferrable<Op> {
    fn clone(&self) -> Self {
        match (&self.own, self.shared.as_ref()) {
            (Some(op), _) => Self::new(op.clone()),
            (None, Some(shared)) => Self::new(shared.lock().clone()),
            (None, None) => unreachable!("the operation is put back before anything can panic"),
        }
    }
}

/// Starts what waited to be admitted.
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
