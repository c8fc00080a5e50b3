//! Layers in the order that a document gives, as a policy whose type does not depend on it.
//!
//! A pipeline that is written by hand has its order in its type. One from a file can't: its layers are
//! in a list, and each wraps a boxed call. The list is in three parts, so that what does not compile by
//! hand, a policy that repeats around another, can't be here either.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use arc_swap::ArcSwap;
use seawall::policy::Inspect;
use seawall::{
    AdaptiveLimit, Attempt, Breaker, Bulkhead, Call, CongestionControl, Description, Hedge,
    Operation, PanicGuard, Policy, RateLimit, Retry, Throttle, Timeout,
};

use crate::code::Types;
use boxed::Running;
pub use boxed::{BoxedCall, BoxedOperation};

mod boxed;

/// A policy that starts what it wraps once.
#[derive(Clone)]
pub(crate) enum Once {
    Timeout(Timeout),
    Breaker(Breaker),
    Bulkhead(Bulkhead),
    AdaptiveLimit(AdaptiveLimit),
    RateLimit(RateLimit),
    Throttle(Throttle),
    PanicGuard(PanicGuard),
    Typed(Typed),
}

/// A policy that repeats what it wraps.
#[derive(Clone)]
pub(crate) enum Repeating {
    Retry(Retry),
    Hedge(Hedge),
    CongestionControl(CongestionControl),
}

/// A layer for one type of results, with that type erased.
#[derive(Clone)]
pub(crate) struct Typed {
    pub(crate) types: Types,
    /// A [`Around`] of these types.
    around: Arc<dyn Any + Send + Sync>,
    described: Arc<dyn Described>,
}

/// What is to be said of a typed layer without its types.
trait Described: Send + Sync {
    fn describe_it(&self, inner: Description) -> Description;
    fn inspect_it(&self, each: &mut dyn FnMut(Arc<dyn Inspect>));
}

impl<P: Policy + Send + Sync> Described for P {
    fn describe_it(&self, inner: Description) -> Description {
        Policy::describe(self, inner)
    }

    fn inspect_it(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        Policy::inspect(self, each);
    }
}

/// A policy that wraps boxed operations and boxed calls.
trait Wraps<T, E>: Send + Sync {
    fn operation<'l>(&'l self, inner: BoxedOperation<'l, T, E>) -> BoxedOperation<'l, T, E>;
    fn call<'l>(&'l self, inner: BoxedCall<'l, T, E>) -> BoxedCall<'l, T, E>;
}

struct Around<T, E>(Box<dyn Wraps<T, E>>);

impl<P, T: 'static, E: 'static> Wraps<T, E> for P
where
    P: Policy + Send + Sync,
    for<'l> P::Wrapped<'l, BoxedOperation<'l, T, E>>:
        Operation<Output = T, Error = E, Future: Send> + Send,
    for<'l> P::Wrapped<'l, BoxedCall<'l, T, E>>: Call<Output = T, Error = E, Future: Send> + Send,
{
    fn operation<'l>(&'l self, inner: BoxedOperation<'l, T, E>) -> BoxedOperation<'l, T, E> {
        BoxedOperation::new(self.wrap(inner))
    }

    fn call<'l>(&'l self, inner: BoxedCall<'l, T, E>) -> BoxedCall<'l, T, E> {
        BoxedCall::new(self.wrap(inner))
    }
}

impl Typed {
    pub(crate) fn new<P, T, E>(policy: P) -> Self
    where
        T: 'static,
        E: 'static,
        P: Policy + Clone + Send + Sync + 'static,
        for<'l> P::Wrapped<'l, BoxedOperation<'l, T, E>>:
            Operation<Output = T, Error = E, Future: Send> + Send,
        for<'l> P::Wrapped<'l, BoxedCall<'l, T, E>>:
            Call<Output = T, Error = E, Future: Send> + Send,
    {
        let described = Arc::new(policy.clone());
        let around = Around::<T, E>(Box::new(policy));
        Self { types: Types::of::<T, E>(), around: Arc::new(around), described }
    }
}

/// Does the same with whichever policy it is.
macro_rules! of_once {
    ($once:expr, $policy:ident => $what:expr, $typed:ident => $other:expr) => {
        match $once {
            Once::Timeout($policy) => $what,
            Once::Breaker($policy) => $what,
            Once::Bulkhead($policy) => $what,
            Once::AdaptiveLimit($policy) => $what,
            Once::RateLimit($policy) => $what,
            Once::Throttle($policy) => $what,
            Once::PanicGuard($policy) => $what,
            Once::Typed($typed) => $other,
        }
    };
}

macro_rules! of_repeating {
    ($repeating:expr, $policy:ident => $what:expr) => {
        match $repeating {
            Repeating::Retry($policy) => $what,
            Repeating::Hedge($policy) => $what,
            Repeating::CongestionControl($policy) => $what,
        }
    };
}

impl Once {
    fn operation<'l, T, E>(&'l self, inner: BoxedOperation<'l, T, E>) -> BoxedOperation<'l, T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        of_once!(self, policy => BoxedOperation::new(policy.wrap(inner)), typed => {
            match typed.around.downcast_ref::<Around<T, E>>() {
                Some(around) => around.0.operation(inner),
                None => inner,
            }
        })
    }

    fn call<'l, T, E>(&'l self, inner: BoxedCall<'l, T, E>) -> BoxedCall<'l, T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        of_once!(self, policy => BoxedCall::new(policy.wrap(inner)), typed => {
            match typed.around.downcast_ref::<Around<T, E>>() {
                Some(around) => around.0.call(inner),
                None => inner,
            }
        })
    }

    pub(crate) fn describe(&self, inner: Description) -> Description {
        of_once!(self, policy => policy.describe(inner), typed => typed.described.describe_it(inner))
    }

    pub(crate) fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        of_once!(self, policy => policy.inspect(each), typed => typed.described.inspect_it(each));
    }
}

impl Repeating {
    fn call<'l, T, E>(&'l self, inner: BoxedOperation<'l, T, E>) -> BoxedCall<'l, T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        of_repeating!(self, policy => BoxedCall::new(policy.wrap(inner)))
    }

    pub(crate) fn describe(&self, inner: Description) -> Description {
        of_repeating!(self, policy => policy.describe(inner))
    }

    pub(crate) fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        of_repeating!(self, policy => policy.inspect(each));
    }
}

/// Layers, outermost first: those around what repeats, that, and those inside of it.
#[derive(Clone, Default)]
pub(crate) struct Layers {
    pub(crate) outer: Vec<Once>,
    pub(crate) repeating: Option<Repeating>,
    pub(crate) inner: Vec<Once>,
}

impl Layers {
    fn wrap<'l, T, E, Op>(&'l self, operation: Op) -> BoxedCall<'l, T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
        Op: Operation<Output = T, Error = E, Future: Send + 'l> + Send + 'l,
    {
        let operation = BoxedOperation::new(operation);
        let inside = self.inner.iter().rev();
        let operation = inside.fold(operation, |inner, layer| layer.operation(inner));
        let call = if let Some(repeating) = &self.repeating {
            repeating.call(operation)
        } else {
            BoxedCall::once(operation)
        };
        self.outer.iter().rev().fold(call, |inner, layer| layer.call(inner))
    }

    pub(crate) fn describe(&self, inner: Description) -> Description {
        let inside = self.inner.iter().rev();
        let described = inside.fold(inner, |inner, layer| layer.describe(inner));
        let described = match &self.repeating {
            Some(repeating) => repeating.describe(described),
            None => described,
        };
        self.outer.iter().rev().fold(described, |inner, layer| layer.describe(inner))
    }

    pub(crate) fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        self.outer.iter().for_each(|layer| layer.inspect(each));
        self.repeating.iter().for_each(|layer| layer.inspect(each));
        self.inner.iter().for_each(|layer| layer.inspect(each));
    }

    /// The layers for one type of results.
    pub(crate) fn typed(&self) -> impl Iterator<Item = &Typed> {
        self.outer.iter().chain(&self.inner).filter_map(|layer| match layer {
            Once::Typed(typed) => Some(typed),
            _ => None,
        })
    }
}

/// The layers of a pipeline from a document, for calls with results of one type. A reload replaces
/// them; calls under way end in those with which they began.
pub struct Stack<T, E> {
    layers: Arc<ArcSwap<Layers>>,
    results: PhantomData<fn() -> (T, E)>,
}

impl<T, E> Stack<T, E> {
    pub(crate) const fn new(layers: Arc<ArcSwap<Layers>>) -> Self {
        Self { layers, results: PhantomData }
    }
}

impl<T, E> Clone for Stack<T, E> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.layers))
    }
}

impl<T, E> fmt::Debug for Stack<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stack")
    }
}

impl<T, E> Policy for Stack<T, E> {
    type Wrapped<'p, Op>
        = StackCall<'p, T, E, Op>
    where
        Self: 'p;

    const CAN_BLOCK: bool = false;

    fn wrap<Op>(&self, op: Op) -> StackCall<'_, T, E, Op> {
        StackCall { stack: self, op }
    }

    fn describe(&self, inner: Description) -> Description {
        self.layers.load().describe(inner)
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        self.layers.load_full().inspect(each);
    }
}

/// An operation with a [`Stack`] around it.
#[derive(Debug)]
pub struct StackCall<'p, T, E, Op> {
    stack: &'p Stack<T, E>,
    op: Op,
}

impl<'p, T, E, Op> Call for StackCall<'p, T, E, Op>
where
    T: Send + 'static,
    E: Send + 'static,
    Op: Operation<Output = T, Error = E, Future: Send + 'p> + Send + 'p,
{
    type Output = T;
    type Error = E;
    type Future = Running<'p, T, E>;

    fn start(self, attempt: Attempt) -> Self::Future {
        // Lock-free. From here on a reload makes no difference to this call.
        let layers = self.stack.layers.load_full();
        let operation = self.op;
        Box::pin(async move { layers.wrap(operation).start(attempt).await })
    }
}
