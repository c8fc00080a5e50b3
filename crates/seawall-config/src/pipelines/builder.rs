use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use seawall::breaker::{Export, WindowCounts};
use seawall::guard::{FallbackBuilder, PanicGuardBuilder};
use seawall::{
    Attempt, Call, Class, Layer, Listener, Listeners, Operation, Policy, Random, Shutdown,
};
use tokio_util::sync::CancellationToken;

use super::{Given, Pipelines, Shared, Stop};
use crate::code::{Classifier, Code};
use crate::policies::Policies;
use crate::stack::{BoxedCall, BoxedOperation, Typed};
use crate::{Config, Mistakes};

/// Builds [`Pipelines`]: takes what only code can give, each under the name by which the document calls
/// it. A method is called like the key.
#[derive(Clone)]
#[must_use = "a builder does nothing before `build`"]
pub struct PipelinesBuilder {
    config: Config,
    code: Code,
    listeners: Listeners,
    random: Option<Random>,
    shutdown: Option<Stop>,
}

impl PipelinesBuilder {
    pub(super) fn new(config: Config) -> Self {
        let (code, listeners) = (Code::default(), Listeners::default());
        Self { config, code, listeners, random: None, shutdown: None }
    }

    /// A classifier that pipelines may name with `classify`; [`Pipelines::classifier`] gives it back.
    pub fn classifier<C>(mut self, name: impl Into<String>, classifier: C) -> Self
    where
        C: Clone + Send + Sync + 'static,
    {
        let (value, type_name) = (Arc::new(classifier), std::any::type_name::<C>());
        self.code.classifiers.insert(name.into(), Classifier { value, type_name });
        self
    }

    /// A fallback that layers may name with `or_value`, `or_with`, `or_try_with` or `or_with_async`.
    /// `make` is called for each pipeline, and whenever its settings change.
    pub fn fallback<T, E>(
        mut self,
        name: impl Into<String>,
        make: impl Fn() -> FallbackBuilder<T, E> + Send + Sync + 'static,
    ) -> Self
    where
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        let make = move |settings: &crate::keys::FallbackSettings, context: &_| {
            settings.apply(make()).into_policy(context).map(Typed::new::<_, T, E>)
        };
        self.code.fallbacks.insert(name.into(), Arc::new(make));
        self
    }

    /// A policy of the program's own that layers may name with `layer`, for results of one type.
    pub fn layer<T, E, P>(mut self, name: impl Into<String>, policy: P) -> Self
    where
        T: 'static,
        E: 'static,
        P: Policy + Clone + Send + Sync + 'static,
        for<'l> P::Wrapped<'l, BoxedOperation<'l, T, E>>:
            Operation<Output = T, Error = E, Future: Send> + Send,
        for<'l> P::Wrapped<'l, BoxedCall<'l, T, E>>:
            Call<Output = T, Error = E, Future: Send> + Send,
    {
        self.code.layers.insert(name.into(), Typed::new::<P, T, E>(policy));
        self
    }

    /// What a fallback may name with `when`.
    pub fn when(
        mut self,
        name: impl Into<String>,
        when: impl Fn(Class) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.code.when.insert(name.into(), Arc::new(when));
        self
    }

    /// What a timeout may name with `limit_by`.
    pub fn limit_by(
        mut self,
        name: impl Into<String>,
        limit: impl Fn(&Attempt) -> Duration + Send + Sync + 'static,
    ) -> Self {
        self.code.limit_by.insert(name.into(), Arc::new(limit));
        self
    }

    /// What a hedge may name with `delay_by`.
    pub fn delay_by(
        mut self,
        name: impl Into<String>,
        delay: impl Fn(&Attempt) -> Duration + Send + Sync + 'static,
    ) -> Self {
        self.code.delay_by.insert(name.into(), Arc::new(delay));
        self
    }

    /// What a retry may name with `while_attempt`.
    pub fn while_attempt(
        mut self,
        name: impl Into<String>,
        may: impl Fn(&Attempt, Class) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.code.while_attempt.insert(name.into(), Arc::new(may));
        self
    }

    /// What a breaker may name with `open_when`.
    pub fn open_when(
        mut self,
        name: impl Into<String>,
        holds: impl Fn(&WindowCounts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.code.open_when.insert(name.into(), Arc::new(holds));
        self
    }

    /// What a backoff may name with `from_fn`: the delay before the nth repetition.
    pub fn from_fn(
        mut self,
        name: impl Into<String>,
        delay: impl Fn(u32) -> Duration + Send + Sync + 'static,
    ) -> Self {
        self.code.from_fn.insert(name.into(), Arc::new(delay));
        self
    }

    /// The export of an earlier process that a breaker may name with `restore`.
    pub fn restore(mut self, name: impl Into<String>, export: Export) -> Self {
        self.code.restore.insert(name.into(), export);
        self
    }

    /// The export of an earlier process, and the time since then, that a breaker may name with
    /// `restore_after`.
    pub fn restore_after(
        mut self,
        name: impl Into<String>,
        export: Export,
        elapsed: Duration,
    ) -> Self {
        self.code.restore_after.insert(name.into(), (export, elapsed));
        self
    }

    /// A type that panics carry, which a panic guard may name with `payload_type`.
    pub fn payload_type<T: std::any::Any>(mut self, name: impl Into<String>) -> Self {
        self.code.payload_types.insert(name.into(), PanicGuardBuilder::payload_type::<T>);
        self
    }

    /// Adds a listener to what all policies do.
    pub fn listener(self, listener: impl Listener) -> Self {
        self.listeners.add(listener);
        self
    }

    /// Adds the listeners that are in `listeners` now.
    pub fn listeners(self, listeners: &Listeners) -> Self {
        self.listeners.add_all(listeners);
        self
    }

    /// Draws all random numbers from one source: with a [seeded](Random::seeded) one, two runs under a
    /// paused clock are the same.
    pub fn random(mut self, random: Random) -> Self {
        self.random = Some(random);
        self
    }

    /// Stops with the coordinator: once its intake has stopped, new calls are refused, retries and hedges
    /// are no longer started, and the coordinator waits for calls in flight while it drains.
    pub fn shutdown(mut self, shutdown: &Shutdown) -> Self {
        self.shutdown = Some(Stop::Coordinator(shutdown.clone()));
        self
    }

    /// Stops once `token` is cancelled: new calls are refused, retries and hedges are no longer started.
    pub fn shutdown_token(mut self, token: CancellationToken) -> Self {
        self.shutdown = Some(Stop::Token(token));
        self
    }

    /// Builds all pipelines of the document.
    ///
    /// # Errors
    ///
    /// All that is wrong: names of code that is not registered, and orders of layers that can't be
    /// meant.
    pub fn build(self) -> Result<Pipelines, Mistakes> {
        let Self { config, code, listeners, random, shutdown } = self;
        let given = Given { code, listeners, random, shutdown };
        let state = Mutex::new(given.build(&config, &Policies::default())?);
        Ok(Pipelines(Arc::new(Shared { given, state })))
    }
}

impl fmt::Debug for PipelinesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipelinesBuilder")
            .field("config", &self.config)
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}
