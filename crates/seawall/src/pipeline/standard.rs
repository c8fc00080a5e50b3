use std::fmt;
use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder, defaults};
use seawall_core::{
    AllTransient, Chain, Check, ConfigError, Identity, Layer, Layers, Listener, Listeners, Name,
    Optional, PolicyKind, Random, Scope,
};
use seawall_guard::{PanicGuard, Timeout};
use seawall_limit::{AdaptiveLimit, AdaptiveLimitBuilder};
use seawall_retry::{Budget, Retry, RetryBuilder};
use seawall_shutdown::{Shutdown, ShutdownGate, ShutdownGateBuilder};
use tokio_util::sync::CancellationToken;

use super::choice::{BoxedLayer, Choice};
use super::omittable::{Omittable, OmittableLayer};
use super::{Pipeline, PipelineBuilder};
use crate::ExpectedLoad;

/// The layers of a [`StandardPipeline`], outermost first: shutdown gate, timeout, retry, breaker,
/// attempt timeout, adaptive limit, panic guard. Each may be switched off.
///
/// The order is what the layers mean to each other. The timeout bounds all attempts and the
/// waiting between them. The breaker is inside the retry, so it sees every attempt, and a circuit
/// that opens ends the retrying. The attempt timeout is inside the breaker, so an attempt that is
/// cut off counts as a failure. The adaptive limit is inside that, as it takes the attempt's limit
/// for the caller's patience. The panic guard is inside all, so a panic is an error to them.
// Most layers are switched off by a setting of their own (a limit of never, one attempt, no
// token, no rule). An `Option` has what is inside it in two places, and seven of them would compile
// it 128 times.
pub type Standard = Chain<
    ShutdownGate,
    Chain<Omittable<Timeout>, Chain<Omittable<Retry>, Chain<Omittable<Breaker>, Attempt>>>,
>;

type Attempt = Chain<Omittable<Timeout>, Chain<Optional<AdaptiveLimit>, PanicGuard>>;

/// The pipeline with the recommended layers in the recommended order, with a name that fits into
/// a struct. Made by [`Pipeline::standard`].
///
/// ```
/// use seawall::{ConfigError, Pipeline, StandardPipeline};
///
/// struct Inventory {
///     pipeline: StandardPipeline,
/// }
///
/// # fn main() -> Result<(), ConfigError> {
/// let inventory = Inventory { pipeline: Pipeline::standard("inventory").idempotent().build()? };
/// assert_eq!(inventory.pipeline.describe().max_attempts(), Some(3));
/// # Ok(())
/// # }
/// ```
///
/// With a classifier the name says which one: `StandardPipeline<ApiErrors>`; see
/// [naming a pipeline](crate#naming-a-pipeline).
pub type StandardPipeline<C = AllTransient> = Pipeline<Standard, C>;

impl<C> StandardPipeline<C> {
    /// The breaker, to look at the circuit or to work it by hand: its state, its snapshot,
    /// [`force_open`](Breaker::force_open), [`reset`](Breaker::reset). `None` where it was
    /// [left out](StandardBuilder::without_breaker).
    ///
    /// ```
    /// use seawall::{CircuitState, Pipeline};
    ///
    /// # fn main() -> Result<(), seawall::ConfigError> {
    /// let pipeline = Pipeline::standard("inventory").build()?;
    /// let breaker = pipeline.breaker().expect("it was not left out");
    /// assert_eq!(breaker.state(), CircuitState::Closed);
    /// breaker.force_open();
    /// # Ok(())
    /// # }
    /// ```
    pub const fn breaker(&self) -> Option<&Breaker> {
        self.policy().inner.inner.inner.outer.get()
    }

    /// The retry, to look at its [budget](Retry::budget). `None` where it was
    /// [left out](StandardBuilder::without_retry).
    pub const fn retry(&self) -> Option<&Retry> {
        self.policy().inner.inner.outer.get()
    }

    /// The limit on the calls in flight, to look at its snapshot. `None` where it was
    /// [left out](StandardBuilder::without_limit).
    pub const fn adaptive_limit(&self) -> Option<&AdaptiveLimit> {
        self.policy().inner.inner.inner.inner.inner.outer.0.as_ref()
    }
}

/// Builds a [`StandardPipeline`]: everything has a default, every layer can be changed or left
/// out.
///
/// | layer | default | reason |
/// |---|---|---|
/// | timeout | [10 s](Self::DEFAULT_TIMEOUT) | no caller waits longer for an answer |
/// | retry | [`Retry::builder`]: unless [`idempotent`](Self::idempotent) is said, only what was certainly not carried out is repeated | what was carried out must not be carried out twice |
/// | retry budget | [half a retry a call](Self::DEFAULT_DEPOSIT) | generous, as the limit bounds what it can do |
/// | breaker | [`Breaker::builder`] without its failure rate, open for [200 ms](Self::MAX_OPEN_WAIT) at the longest | a share of failures is no reason to refuse; with the limit a probe costs little, so it may come often |
/// | attempt timeout | [3 s](Self::DEFAULT_ATTEMPT_TIMEOUT), none where the timeout is no longer | three attempts fit into the timeout |
/// | adaptive limit | [`AdaptiveLimit::builder`] | what brings a system back is a limit on the calls in flight |
/// | panic guard | on | a panic costs one call, not the task |
///
/// The figures were chosen by a yardstick, `docs/yardstick.md` in the repository: eight outages of
/// a server at 70 % load, seen by one client and by ten.
#[must_use = "a builder does nothing before `build`"]
pub struct StandardBuilder<C = AllTransient> {
    base: PipelineBuilder<Identity, C>,
    gate: ShutdownGateBuilder,
    timeout: Duration,
    retry: Choice<RetryBuilder, Retry>,
    idempotent: bool,
    breaker: Choice<BreakerBuilder, Breaker>,
    attempt_timeout: Option<Duration>,
    limit: Choice<AdaptiveLimitBuilder, AdaptiveLimit>,
    guard_panics: bool,
}

impl Pipeline<Identity> {
    /// Starts a pipeline of the recommended layers, called `name`.
    pub fn standard(name: impl Into<Name>) -> StandardBuilder {
        StandardBuilder {
            base: Pipeline::builder(name),
            gate: ShutdownGate::builder(),
            timeout: StandardBuilder::DEFAULT_TIMEOUT,
            retry: Choice::Tuned(StandardBuilder::default_retry()),
            idempotent: false,
            breaker: Choice::Tuned(StandardBuilder::default_breaker()),
            attempt_timeout: None,
            limit: Choice::Tuned(AdaptiveLimit::builder()),
            guard_panics: true,
        }
    }
}

impl StandardBuilder {
    /// The longest that a call may take. Ten seconds is the limit for keeping a person's
    /// attention (Nielsen, Usability Engineering, 1993); callers that are machines want less.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

    /// The longest that one attempt may take: three attempts and the waiting between them fit
    /// into the default timeout.
    pub const DEFAULT_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

    /// What each call pays into the budget of its retries: half a retry. At 30 % errors that is
    /// enough for every retry that is needed. A retry alone has less, because retries keep an overload
    /// alive; here the limit prevents that.
    pub const DEFAULT_DEPOSIT: f64 = 0.5;

    /// The longest that the breaker stays open before it probes again: the time that callers may
    /// be kept out after the dependency is back. With the limit a probe costs next to nothing.
    pub const MAX_OPEN_WAIT: Duration = Duration::from_millis(200);

    /// The retry that is in force unless it is [changed](Self::retry) or another is
    /// [given](Self::with_retry). It has a budget of its own, and does not take the
    /// operation for [idempotent](RetryBuilder::idempotent) yet.
    pub fn default_retry() -> RetryBuilder {
        Retry::builder().own_budget(Budget::builder().deposit(Self::DEFAULT_DEPOSIT))
    }

    /// The breaker that is in force unless it is [changed](Self::breaker) or another is
    /// [given](Self::with_breaker).
    ///
    /// It opens after failures in a row, and not for a share of failures: where every second call
    /// fails for a reason that load has nothing to do with, each call that is refused is a call lost
    /// that a retry would have brought home.
    pub fn default_breaker() -> BreakerBuilder {
        Breaker::builder()
            .without_failure_rate()
            .open_wait(defaults::open_wait().max(Self::MAX_OPEN_WAIT))
    }
}

impl<C> StandardBuilder<C> {
    /// Limits the whole call. `Duration::MAX` is never.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Does not limit the whole call.
    pub fn without_timeout(self) -> Self {
        self.timeout(Duration::MAX)
    }

    /// Says that the operation is safe to repeat. A retry that is [given](Self::with_retry) says so
    /// itself: [`build`](Self::build) refuses both.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Changes something about the [default retry](StandardBuilder::default_retry); the rest stays as
    /// it is. Further changes add up.
    ///
    /// ```
    /// # fn main() -> Result<(), seawall::ConfigError> {
    /// let pipeline = seawall::Pipeline::standard("inventory")
    ///     .idempotent()
    ///     .retry(|retry| retry.max_attempts(5))
    ///     .build()?;
    /// assert_eq!(pipeline.describe().max_attempts(), Some(5));
    /// # Ok(())
    /// # }
    /// ```
    pub fn retry(mut self, change: impl FnOnce(RetryBuilder) -> RetryBuilder) -> Self {
        self.retry = Choice::Tuned(change(self.retry.tuned_or(StandardBuilder::default_retry)));
        self
    }

    /// Uses this retry, a [`Retry`] or its builder, in place of the default one.
    pub fn with_retry(mut self, retry: impl Layer<Policy = Retry> + 'static) -> Self {
        self.retry = Choice::Given(BoxedLayer::new(retry));
        self
    }

    /// Never repeats a call.
    pub fn without_retry(mut self) -> Self {
        self.retry = Choice::None;
        self
    }

    /// Changes something about the [default breaker](StandardBuilder::default_breaker); the rest stays
    /// as it is. Further changes add up.
    pub fn breaker(mut self, change: impl FnOnce(BreakerBuilder) -> BreakerBuilder) -> Self {
        let tuned = self.breaker.tuned_or(StandardBuilder::default_breaker);
        self.breaker = Choice::Tuned(change(tuned));
        self
    }

    /// Uses this breaker, a [`Breaker`] or its builder, in place of the default one.
    pub fn with_breaker(mut self, breaker: impl Layer<Policy = Breaker> + 'static) -> Self {
        self.breaker = Choice::Given(BoxedLayer::new(breaker));
        self
    }

    /// Never breaks the circuit.
    pub fn without_breaker(mut self) -> Self {
        self.breaker = Choice::None;
        self
    }

    /// Limits each attempt. `Duration::MAX` is never.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = Some(limit);
        self
    }

    /// The limit of an attempt that is in force. The default one is none where the whole call has no
    /// more time.
    fn attempt_limit(&self) -> Duration {
        let default = StandardBuilder::DEFAULT_ATTEMPT_TIMEOUT;
        let default = if default < self.timeout { default } else { Duration::MAX };
        self.attempt_timeout.unwrap_or(default)
    }

    /// Does not limit attempts.
    pub fn without_attempt_timeout(self) -> Self {
        self.attempt_timeout(Duration::MAX)
    }

    /// Changes something about the default limit, [`AdaptiveLimit::builder`]; the rest stays as it is.
    /// Further changes add up.
    pub fn adaptive_limit(
        mut self,
        change: impl FnOnce(AdaptiveLimitBuilder) -> AdaptiveLimitBuilder,
    ) -> Self {
        self.limit = Choice::Tuned(change(self.limit.tuned_or(AdaptiveLimit::builder)));
        self
    }

    /// Uses this limit, an [`AdaptiveLimit`] or its builder, in place of the default one.
    pub fn with_adaptive_limit(
        mut self,
        limit: impl Layer<Policy = AdaptiveLimit> + 'static,
    ) -> Self {
        self.limit = Choice::Given(BoxedLayer::new(limit));
        self
    }

    /// Does not limit what is in flight.
    pub fn without_limit(mut self) -> Self {
        self.limit = Choice::None;
        self
    }

    /// Lets panics through.
    pub fn without_panic_guard(mut self) -> Self {
        self.guard_panics = false;
        self
    }

    /// Decides what an outcome of the operation means; see [`PipelineBuilder::classify`].
    pub fn classify<D>(self, classifier: D) -> StandardBuilder<D> {
        StandardBuilder {
            base: self.base.classify(classifier),
            gate: self.gate,
            timeout: self.timeout,
            retry: self.retry,
            idempotent: self.idempotent,
            breaker: self.breaker,
            attempt_timeout: self.attempt_timeout,
            limit: self.limit,
            guard_panics: self.guard_panics,
        }
    }

    /// Adds a listener; see [`PipelineBuilder::listener`].
    pub fn listener(mut self, listener: impl Listener) -> Self {
        self.base = self.base.listener(listener);
        self
    }

    /// Adds the listeners of a set; see [`PipelineBuilder::listeners`].
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.base = self.base.listeners(listeners);
        self
    }

    /// Says how much there is to do in good times; see [`PipelineBuilder::expected_load`].
    pub fn expected_load(mut self, load: ExpectedLoad) -> Self {
        self.base = self.base.expected_load(load);
        self
    }

    /// Draws all random numbers from one source; see [`PipelineBuilder::random`].
    pub fn random(mut self, random: Random) -> Self {
        self.base = self.base.random(random);
        self
    }

    /// Stops with the coordinator; see [`PipelineBuilder::shutdown`].
    pub fn shutdown(mut self, shutdown: &Shutdown) -> Self {
        self.gate = self.gate.coordinator(shutdown);
        self.base = self.base.stopped_by(shutdown.intake_token());
        self
    }

    /// Stops with `token`; see [`PipelineBuilder::shutdown_token`].
    pub fn shutdown_token(mut self, token: CancellationToken) -> Self {
        self.gate = self.gate.shutdown(token.clone());
        self.base = self.base.stopped_by(token);
        self
    }

    /// Builds the pipeline, or names the policy and field that are wrong.
    pub fn build(self) -> Result<StandardPipeline<C>, ConfigError> {
        let timeout = |limit, scope| {
            let timeout = Timeout::builder().limit(limit).scope(scope);
            if limit < Duration::MAX {
                OmittableLayer::new(timeout)
            } else {
                OmittableLayer::omitted(timeout)
            }
        };
        let attempt_limit = self.attempt_limit();
        let guard = PanicGuard::builder();
        let guard = if self.guard_panics { guard } else { guard.disabled() };
        let limited = Layers::new(self.limit.into_layer(), guard);
        let attempt = Layers::new(timeout(attempt_limit, Scope::Attempt), limited);
        let retry = retry_layer(self.retry, self.idempotent)?;
        let breaker = self.breaker.into_layer().map_or_else(
            || {
                let builder = Breaker::builder();
                let never_opens = builder.without_consecutive_failures().without_failure_rate();
                OmittableLayer::omitted(BoxedLayer::new(never_opens))
            },
            OmittableLayer::new,
        );
        let repeated = Layers::new(retry, Layers::new(breaker, attempt));
        let bounded = Layers::new(timeout(self.timeout, Scope::Total), repeated);
        self.base.with_layer(Layers::new(self.gate, bounded)).build()
    }
}

impl<C> fmt::Debug for StandardBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandardBuilder")
            .field("base", &self.base)
            .field("timeout", &self.timeout)
            .field("attempt_timeout", &self.attempt_timeout)
            .finish_non_exhaustive()
    }
}

fn retry_layer(
    choice: Choice<RetryBuilder, Retry>,
    idempotent: bool,
) -> Result<OmittableLayer<BoxedLayer<Retry>>, ConfigError> {
    Ok(match choice {
        Choice::Tuned(retry) if idempotent => {
            OmittableLayer::new(BoxedLayer::new(retry.idempotent()))
        }
        Choice::Tuned(retry) => OmittableLayer::new(BoxedLayer::new(retry)),
        Choice::Given(retry) => {
            // A handle is built already, so nothing about it can be changed.
            let allowed = "set on the retry that is given";
            Check::of(PolicyKind::Pipeline).that(!idempotent, "idempotent", "set", allowed)?;
            OmittableLayer::new(retry)
        }
        Choice::None => {
            let one_attempt = Retry::builder().max_attempts(1).without_budget();
            OmittableLayer::omitted(BoxedLayer::new(one_attempt))
        }
    })
}
