use std::fmt;
use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{
    AllTransient, Check, Classified, ConfigError, Description, Identity, Layer, LayerContext,
    Layers, Listener, Listeners, Name, Policy, PolicyKind, Random, Scope,
};
use seawall_guard::{PanicGuard, PanicGuardBuilder, Timeout, TimeoutBuilder};
use seawall_limit::{AdaptiveLimit, Bulkhead, BulkheadBuilder, Throttle};
use seawall_retry::{Hedge, Retry};
use seawall_shutdown::{Shutdown, ShutdownGate, ShutdownGateBuilder};
use tokio_util::sync::CancellationToken;

use super::Pipeline;
use crate::findings::{self, ExpectedLoad};

/// Builds a [`Pipeline`]. The first policy that is added is the outermost.
///
/// A policy is given as its builder, which then takes the pipeline's name, listeners and shutdown
/// token, or as a handle that was built before, to be shared with other pipelines. What a handle does
/// for a call of this pipeline is reported to its own listeners and to those of the pipeline; a
/// listener in both sets receives it once.
#[must_use = "a builder does nothing before `build`"]
pub struct PipelineBuilder<L = Identity, C = AllTransient> {
    name: Name,
    layer: L,
    classifier: C,
    listeners: Listeners,
    shutdown: Option<CancellationToken>,
    random: Option<Random>,
    load: Option<ExpectedLoad>,
}

impl Pipeline<Identity> {
    /// Starts a pipeline called `name`: the name of what is called, such as "inventory".
    pub fn builder(name: impl Into<Name>) -> PipelineBuilder {
        PipelineBuilder {
            name: name.into(),
            layer: Identity,
            classifier: AllTransient,
            listeners: Listeners::default(),
            shutdown: None,
            random: None,
            load: None,
        }
    }
}

impl<L, C> PipelineBuilder<L, C> {
    /// Adds a policy of any kind inside those that were added before.
    pub fn layer<N: Layer>(self, layer: N) -> PipelineBuilder<Layers<L, N>, C> {
        let Self { name, layer: outer, classifier, listeners, shutdown, random, load } = self;
        let layer = Layers::new(outer, layer);
        PipelineBuilder { name, layer, classifier, listeners, shutdown, random, load }
    }

    /// Takes `layer` in place of what was added.
    pub(super) fn with_layer<N>(self, layer: N) -> PipelineBuilder<N, C> {
        let Self { name, layer: _, classifier, listeners, shutdown, random, load } = self;
        PipelineBuilder { name, layer, classifier, listeners, shutdown, random, load }
    }

    /// Limits the whole of what is inside to `limit`: put it before [`retry`](Self::retry) to
    /// bound all attempts and the waiting between them. For more than a limit, give a
    /// [`Timeout::builder`] to [`layer`](Self::layer).
    pub fn timeout(self, limit: Duration) -> PipelineBuilder<Layers<L, TimeoutBuilder>, C> {
        self.layer(Timeout::builder().limit(limit).scope(Scope::Total))
    }

    /// Limits each attempt to `limit`: put it after [`retry`](Self::retry).
    pub fn attempt_timeout(self, limit: Duration) -> PipelineBuilder<Layers<L, TimeoutBuilder>, C> {
        self.layer(Timeout::builder().limit(limit).scope(Scope::Attempt))
    }

    /// Repeats what is inside: a [`Retry`] or its builder.
    pub fn retry<N: Layer<Policy = Retry>>(self, retry: N) -> PipelineBuilder<Layers<L, N>, C> {
        self.layer(retry)
    }

    /// Refuses calls while what is inside keeps failing: a [`Breaker`] or its
    /// builder.
    pub fn breaker<N: Layer<Policy = Breaker>>(
        self,
        breaker: N,
    ) -> PipelineBuilder<Layers<L, N>, C> {
        self.layer(breaker)
    }

    /// Answers in the place of what is inside when that fails: a
    /// [`Fallback`](crate::Fallback) or its builder.
    pub fn fallback<N: Layer>(self, fallback: N) -> PipelineBuilder<Layers<L, N>, C> {
        self.layer(fallback)
    }

    /// Launches a second attempt while a slow one is under way, and takes the first outcome: a
    /// [`Hedge`] or its builder.
    pub fn hedge<N: Layer<Policy = Hedge>>(self, hedge: N) -> PipelineBuilder<Layers<L, N>, C> {
        self.layer(hedge)
    }

    /// Lets at most `limit` calls into what is inside at a time, and refuses the others. For a
    /// queue, partitions or a handle to be shared, give a
    /// [`Bulkhead`] or its builder to [`layer`](Self::layer).
    pub fn bulkhead(self, limit: u32) -> PipelineBuilder<Layers<L, BulkheadBuilder>, C> {
        self.layer(Bulkhead::builder().limit(limit))
    }

    /// Lets calls in flight grow and shrink with what the dependency stands: an
    /// [`AdaptiveLimit`] or its builder.
    pub fn adaptive_limit<N: Layer<Policy = AdaptiveLimit>>(
        self,
        limit: N,
    ) -> PipelineBuilder<Layers<L, N>, C> {
        self.layer(limit)
    }

    /// Limits how many calls start in a period: a [`RateLimit`](crate::RateLimit) or its
    /// builder.
    pub fn rate_limit<N: Layer>(self, limit: N) -> PipelineBuilder<Layers<L, N>, C> {
        self.layer(limit)
    }

    /// Asks in proportion to what is accepted: a [`Throttle`] or its
    /// builder.
    pub fn throttle<N: Layer<Policy = Throttle>>(
        self,
        throttle: N,
    ) -> PipelineBuilder<Layers<L, N>, C> {
        self.layer(throttle)
    }

    /// Turns panics of what is inside into errors.
    pub fn guard_panics(self) -> PipelineBuilder<Layers<L, PanicGuardBuilder>, C> {
        self.layer(PanicGuard::builder())
    }

    /// Decides what an outcome of the operation means, once for all policies: a `Fn(&E) -> Class` over
    /// errors, a [`ByOutcome`](crate::ByOutcome) where an `Ok` can be a failure, or a type that
    /// implements [`Classify`](crate::Classify). Without it every error is transient.
    ///
    /// A closure has to say what it classes, `|error: &ApiError| ..`: left to guess, the compiler says
    /// at the call that its implementation is "not general enough". So it does at a spawn where errors
    /// are `&'static str` and the closure says so: `|error: &&str| ..` is enough.
    pub fn classify<D>(self, classifier: D) -> PipelineBuilder<L, D> {
        let Self { name, layer, classifier: _, listeners, shutdown, random, load } = self;
        PipelineBuilder { name, layer, classifier, listeners, shutdown, random, load }
    }

    /// Adds a listener to what the pipeline's policies do: `|event: &Event| ..`, or a type that
    /// implements [`Listener`].
    pub fn listener(self, listener: impl Listener) -> Self {
        self.listeners.add(listener);
        self
    }

    /// Adds the listeners that are in `listeners` now, such as those of the whole process. One that a
    /// policy given as a handle has, too, receives an event once.
    pub fn listeners(self, listeners: &Listeners) -> Self {
        self.listeners.add_all(listeners);
        self
    }

    /// Says how much there is to do in good times, so that [findings](Pipeline::findings) can say
    /// which limits are below that. It changes nothing else.
    pub fn expected_load(mut self, load: ExpectedLoad) -> Self {
        self.load = Some(load);
        self
    }

    /// Draws all random numbers of the pipeline's policies from `random`: with a
    /// [seeded](Random::seeded) source two runs under a paused clock are the same to the byte.
    ///
    /// Each policy takes a sequence of its own, so that what one draws does not depend on the
    /// others. A policy that was given a source of its own, or built outside, keeps that. Default:
    /// the thread's generator.
    pub fn random(mut self, random: Random) -> Self {
        self.random = Some(random);
        self
    }

    /// Stops with the coordinator: once its intake has stopped, new calls are refused with
    /// "shutting down", retries and hedges are no longer started, sleepers and waiters wake up at
    /// once, and calls in flight may finish; the coordinator waits for them while it drains.
    ///
    /// The gate that refuses is always the outermost layer, wherever this is said.
    pub fn shutdown(self, shutdown: &Shutdown) -> PipelineBuilder<Gated<L>, C> {
        let gate = ShutdownGate::builder().coordinator(shutdown);
        self.gated(gate, shutdown.intake_token())
    }

    /// Like [`shutdown`](Self::shutdown), with a token in place of a coordinator: stops once
    /// `token` is cancelled. Nothing waits for calls in flight.
    pub fn shutdown_token(self, token: CancellationToken) -> PipelineBuilder<Gated<L>, C> {
        self.gated(ShutdownGate::builder().shutdown(token.clone()), token)
    }

    /// Hands `token` to the policies, without a gate.
    pub(super) fn stopped_by(mut self, token: CancellationToken) -> Self {
        self.shutdown = Some(token);
        self
    }

    fn gated(
        self,
        gate: ShutdownGateBuilder,
        token: CancellationToken,
    ) -> PipelineBuilder<Gated<L>, C> {
        let Self { name, layer, classifier, listeners, shutdown, random, load } =
            self.stopped_by(token);
        let layer = Layers::new(gate, layer);
        PipelineBuilder { name, layer, classifier, listeners, shutdown, random, load }
    }
}

impl<L: Layer, C> PipelineBuilder<L, C> {
    /// Builds the pipeline, or names the policy and field that are wrong.
    ///
    /// # Errors
    ///
    /// Those of the policies' builders, and a [finding](Pipeline::findings) of severity error: layers in
    /// an order that can't be meant, times that contradict each other.
    pub fn build(self) -> Result<Pipeline<L::Policy, C>, ConfigError> {
        let mut context = LayerContext::new(Check::of(PolicyKind::Pipeline).name(self.name)?);
        context.listeners = self.listeners;
        context.shutdown = self.shutdown;
        context.random = self.random;
        let policy = self.layer.into_policy(&context)?;
        findings::check(&policy.describe(Description::bare()))?;
        let LayerContext { name, listeners, .. } = context;
        let classified = Classified::new(policy, self.classifier);
        Ok(Pipeline { name, classified, listeners, load: self.load })
    }
}

/// Layers behind the gate that closes with a shutdown.
pub type Gated<L> = Layers<ShutdownGateBuilder, L>;

impl<L, C> fmt::Debug for PipelineBuilder<L, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipelineBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}
