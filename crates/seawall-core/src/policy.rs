//! Policies, and how they are put together.

use std::future::Future;
use std::sync::Arc;

use crate::{AllTransient, Call, Description, FromFuture, Inspect, Lazy, Listeners};

pub use call::{PolicyCall, PolicyFuture};
pub use classified::{Called, CalledOnce, CalledWith, Classified};
pub use kind::PolicyKind;
pub use optional::{Optional, OptionalCall, OptionalFuture};

mod call;
mod classified;
mod kind;
mod optional;

/// Wraps an operation.
///
/// The associated type has no bounds: the abilities of a wrapped operation are checked where it is
/// used. A policy that starts its inner operation once implements [`Call`] where the
/// inner is `Call` and [`Operation`](crate::Operation) where it is `Operation`; a policy that
/// repeats needs an `Operation` inside and yields a `Call`.
///
/// Wrapping borrows the policy, so a call touches no reference count.
pub trait Policy {
    /// The wrapped operation.
    type Wrapped<'p, Op>
    where
        Self: 'p;

    /// Whether a call that [blocks its thread](crate::blocking) can go through it: not where two
    /// attempts have to be under way at once.
    const CAN_BLOCK: bool = true;

    /// Wraps `op`.
    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op>;

    /// Adds this policy to the description of what is inside it: a line of its own, and what it
    /// does to the number of attempts and the longest time of a call.
    fn describe(&self, inner: Description) -> Description;

    /// Hands `each` the policies that can be looked at while they run, outermost first. By default
    /// none.
    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        let _ = each;
    }

    /// This policy in a pipeline, whose `listeners` receive the events of its calls in addition to
    /// the policy's own. Nothing is registered in the policy itself, so its other handles stay as
    /// they are, and a pipeline that is dropped leaves nothing behind.
    ///
    /// [`Reporter::heard_by`](crate::Reporter::heard_by) does it for a policy that reports. By default
    /// the policy stays as it is; so does one behind a reference or an `Arc`.
    #[must_use]
    fn heard_by(self, listeners: &Listeners) -> Self
    where
        Self: Sized,
    {
        let _ = listeners;
        self
    }
}

/// Calls a future through one policy, without a pipeline.
pub trait PolicyExt: Policy {
    /// Runs `future` behind this policy, with its errors classed as transient. Nothing happens
    /// before it is first polled: no admission is asked for, and no clock runs.
    ///
    /// A policy's own `call` goes before this one, but not behind an `Arc`: `(*retry).call(|| ..)` takes the
    /// closure of a retry there. Clones of a handle need no `Arc`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it at any point gives back whatever the policy holds for it.
    fn call<'p, Fut, T, E>(&'p self, future: Fut) -> Alone<'p, Self, Fut>
    where
        Fut: Future<Output = Result<T, E>>,
        Self::Wrapped<'p, FromFuture<'static, Fut>>: Call<Output = T, Error = E>,
    {
        Lazy::new(self.wrap(FromFuture::new(future, &AllTransient)))
    }

    /// This policy around operations whose outcomes `classifier` classes, as that of a pipeline does.
    /// The handles of policies are cheap to clone, and a reference to one is a policy, too.
    fn classify<C>(self, classifier: C) -> Classified<Self, C>
    where
        Self: Sized,
    {
        Classified::new(self, classifier)
    }
}

impl<P: Policy + ?Sized> PolicyExt for P {}

/// A future behind one policy, made by [`PolicyExt::call`].
pub type Alone<'p, P, Fut> = Lazy<<P as Policy>::Wrapped<'p, FromFuture<'static, Fut>>>;

/// The policy that does nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity;

impl Policy for Identity {
    type Wrapped<'p, Op> = Op;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        op
    }

    fn describe(&self, inner: Description) -> Description {
        inner
    }
}

/// Two policies, one around the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chain<Outer, Inner> {
    /// Sees the call first and its outcome last.
    pub outer: Outer,
    /// Sees the call last and its outcome first.
    pub inner: Inner,
}

impl<Outer, Inner> Chain<Outer, Inner> {
    /// `outer` around `inner`.
    pub const fn new(outer: Outer, inner: Inner) -> Self {
        Self { outer, inner }
    }
}

impl<Outer: Policy, Inner: Policy> Policy for Chain<Outer, Inner> {
    type Wrapped<'p, Op>
        = Outer::Wrapped<'p, Inner::Wrapped<'p, Op>>
    where
        Self: 'p;

    const CAN_BLOCK: bool = Outer::CAN_BLOCK && Inner::CAN_BLOCK;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        self.outer.wrap(self.inner.wrap(op))
    }

    fn describe(&self, inner: Description) -> Description {
        self.outer.describe(self.inner.describe(inner))
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        self.outer.inspect(each);
        self.inner.inspect(each);
    }

    fn heard_by(self, listeners: &Listeners) -> Self {
        Self { outer: self.outer.heard_by(listeners), inner: self.inner.heard_by(listeners) }
    }
}

impl<P: Policy + ?Sized> Policy for &P {
    type Wrapped<'p, Op>
        = P::Wrapped<'p, Op>
    where
        Self: 'p;

    const CAN_BLOCK: bool = P::CAN_BLOCK;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        (**self).wrap(op)
    }

    fn describe(&self, inner: Description) -> Description {
        (**self).describe(inner)
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        (**self).inspect(each);
    }
}

impl<P: Policy> Policy for Arc<P> {
    type Wrapped<'p, Op>
        = P::Wrapped<'p, Op>
    where
        Self: 'p;

    const CAN_BLOCK: bool = P::CAN_BLOCK;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        (**self).wrap(op)
    }

    fn describe(&self, inner: Description) -> Description {
        (**self).describe(inner)
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        (**self).inspect(each);
    }
}
