use std::future::Future;

use super::PolicyCall;
use crate::operation::{FromBlockingFn, OfAttempt, Plain};
use crate::{
    AllTransient, Attempt, Call, Classify, Description, Error, FromAttemptFn, FromFn, FromFuture,
    Lazy, Policy,
};

/// A policy with a classifier: what a [pipeline](https://docs.rs/seawall) is, without a name. Made by
/// [`PolicyExt::classify`](super::PolicyExt::classify).
///
/// ```
/// use seawall_core::{ByOutcome, Class, Identity, PolicyExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let policy = Identity.classify(ByOutcome(|outcome: Result<&u16, &std::fmt::Error>| match outcome {
///     Ok(500..) | Err(_) => Class::Transient,
///     Ok(_) => Class::Success,
/// }));
/// assert_eq!(policy.call(async || Ok(503)).await.unwrap(), 503);
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Classified<P, C> {
    policy: P,
    classifier: C,
}

impl<P, C> Classified<P, C> {
    /// `policy`, around operations whose outcomes `classifier` classes.
    pub const fn new(policy: P, classifier: C) -> Self {
        Self { policy, classifier }
    }

    /// The same with another policy, made of this one.
    #[must_use]
    pub fn map<Q>(self, change: impl FnOnce(P) -> Q) -> Classified<Q, C> {
        Classified { policy: change(self.policy), classifier: self.classifier }
    }

    /// The policy.
    pub const fn policy(&self) -> &P {
        &self.policy
    }

    /// The classifier: what an outcome of the operation means.
    pub const fn classifier(&self) -> &C {
        &self.classifier
    }
}

/// A call of an operation made from a closure: see [`Classified::call`].
pub type Called<'p, P, F, C = AllTransient> = Lazy<PolicyCall<'p, P, FromFn<'p, F, C>>>;

/// A call of an operation made from a closure that takes its attempt: see [`Classified::call_with`].
pub type CalledWith<'p, P, F, C = AllTransient> = Lazy<PolicyCall<'p, P, FromAttemptFn<'p, F, C>>>;

/// A call of a future: see [`Classified::call_once`].
pub type CalledOnce<'p, P, Fut, C = AllTransient> = Lazy<PolicyCall<'p, P, FromFuture<'p, Fut, C>>>;

impl<P: Policy, C> Classified<P, C> {
    /// Calls the operation that `make` makes, once for each attempt: `|| async { .. }`,
    /// `async || { .. }`, or the name of an async function without arguments.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the attempt under way; the policies count the call as abandoned.
    pub fn call<'p, F, Fut, T, E>(&'p self, make: F) -> Called<'p, P, F, C>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
        P::Wrapped<'p, FromFn<'p, F, C>>: Call<Output = T, Error = C::Failure>,
    {
        Lazy::new(PolicyCall::new(&self.policy, FromFn::new(make, &self.classifier)))
    }

    /// Like [`call`](Self::call), but tells `make` which [`Attempt`] it starts.
    pub fn call_with<'p, F, Fut, T, E>(&'p self, make: F) -> CalledWith<'p, P, F, C>
    where
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
        P::Wrapped<'p, FromAttemptFn<'p, F, C>>: Call<Output = T, Error = C::Failure>,
    {
        Lazy::new(PolicyCall::new(&self.policy, FromAttemptFn::new(make, &self.classifier)))
    }

    /// Runs a future that exists already. Only where nothing repeats the call.
    pub fn call_once<'p, Fut, T, E>(&'p self, future: Fut) -> CalledOnce<'p, P, Fut, C>
    where
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
        P::Wrapped<'p, FromFuture<'p, Fut, C>>: Call<Output = T, Error = C::Failure>,
    {
        Lazy::new(PolicyCall::new(&self.policy, FromFuture::new(future, &self.classifier)))
    }

    /// Calls `operation` on this thread, which blocks, once for each attempt; without a runtime, and
    /// ignoring one that is there. Otherwise everything is as in [`call`](Self::call): attempts, waits,
    /// refusals, events, errors. Only, nothing interrupts an attempt: timeouts and deadlines are looked
    /// at between attempts, and an answer that comes late is an answer.
    ///
    /// A policy for which two attempts have to be under way at once, such as a hedge, does not
    /// [compile](Policy::CAN_BLOCK). Allocates.
    pub fn call_blocking<'p, F, T, E>(&'p self, operation: F) -> Result<T, Error<E>>
    where
        F: FnMut() -> Result<T, E>,
        C: Classify<T, E>,
        P::Wrapped<'p, FromBlockingFn<'p, Plain<F>, C>>: Call<Output = T, Error = C::Failure>,
    {
        const { assert!(P::CAN_BLOCK, "a hedge needs two attempts at once: not on one thread") };
        let operation = FromBlockingFn::new(Plain(operation), &self.classifier);
        Lazy::new(PolicyCall::new(&self.policy, operation)).block()
    }

    /// Like [`call_blocking`](Self::call_blocking), but tells `operation` which [`Attempt`] it is.
    pub fn call_blocking_with<'p, F, T, E>(&'p self, operation: F) -> Result<T, Error<E>>
    where
        F: FnMut(Attempt) -> Result<T, E>,
        C: Classify<T, E>,
        P::Wrapped<'p, FromBlockingFn<'p, OfAttempt<F>, C>>: Call<Output = T, Error = C::Failure>,
    {
        const { assert!(P::CAN_BLOCK, "a hedge needs two attempts at once: not on one thread") };
        let operation = FromBlockingFn::new(OfAttempt(operation), &self.classifier);
        Lazy::new(PolicyCall::new(&self.policy, operation)).block()
    }

    /// What the policy is.
    pub fn describe(&self) -> Description {
        self.policy.describe(Description::bare())
    }
}
