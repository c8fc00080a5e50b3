use std::fmt;
use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder};
use seawall_core::{
    AllTransient, Chain, Check, ConfigError, Identity, Layer, Layers, Listener, Listeners, Name,
    PolicyKind, Random, Scope,
};
use seawall_guard::{PanicGuard, Timeout};
use seawall_limit::{CongestionControl, CongestionControlBuilder};
use seawall_shutdown::{Shutdown, ShutdownGate, ShutdownGateBuilder};
use tokio_util::sync::CancellationToken;

use super::choice::{BoxedLayer, Choice};
use super::omittable::{Omittable, OmittableLayer};
use super::{Pipeline, PipelineBuilder};
use crate::ExpectedLoad;

/// The layers of a [`StandardPipeline`], outermost first: shutdown gate, timeout, congestion control,
/// breaker, attempt timeout, panic guard. Each may be switched off; breaker and attempt timeout are off
/// by default.
///
/// The order is what the layers mean to each other. The timeout bounds all attempts and the
/// waiting between them, and its deadline is what congestion control goes by. Breaker and attempt
/// timeout are inside, so they see every attempt. The panic guard is inside all, so a panic is an
/// error to them.
// Layers are switched off by a setting of their own (a limit of never, no rule). An `Option` has
// what is inside it in two places, and six of them would compile it 64 times.
pub type Standard = Chain<
    ShutdownGate,
    Chain<
        Omittable<Timeout>,
        Chain<Omittable<CongestionControl>, Chain<Omittable<Breaker>, Attempt>>,
    >,
>;

type Attempt = Chain<Omittable<Timeout>, PanicGuard>;

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
    /// Congestion control, to look at its snapshot: what is in flight and what waits, the limit, and
    /// whether anything is answered. `None` where it was
    /// [left out](StandardBuilder::without_congestion_control).
    ///
    /// ```
    /// use seawall::Pipeline;
    ///
    /// # fn main() -> Result<(), seawall::ConfigError> {
    /// let pipeline = Pipeline::standard("inventory").build()?;
    /// let control = pipeline.congestion_control().expect("it was not left out");
    /// assert!(!control.snapshot().down);
    /// # Ok(())
    /// # }
    /// ```
    pub fn congestion_control(&self) -> Option<&CongestionControl> {
        self.policy().inner.inner.outer.get()
    }

    /// The breaker, to look at the circuit or to work it by hand: its state, its snapshot,
    /// [`force_open`](Breaker::force_open), [`reset`](Breaker::reset). `None` unless it was
    /// [added](StandardBuilder::breaker).
    ///
    /// ```
    /// use seawall::{CircuitState, Pipeline};
    ///
    /// # fn main() -> Result<(), seawall::ConfigError> {
    /// let pipeline = Pipeline::standard("inventory").breaker(|breaker| breaker).build()?;
    /// let breaker = pipeline.breaker().expect("it was added");
    /// assert_eq!(breaker.state(), CircuitState::Closed);
    /// breaker.force_open();
    /// # Ok(())
    /// # }
    /// ```
    pub fn breaker(&self) -> Option<&Breaker> {
        self.policy().inner.inner.inner.outer.get()
    }
}

/// Builds a [`StandardPipeline`]: everything has a default, every layer can be changed or left
/// out.
///
/// | layer | default | reason |
/// |---|---|---|
/// | timeout | [10 s](Self::DEFAULT_TIMEOUT) | no caller waits longer for an answer |
/// | congestion control | [`CongestionControl::builder`] | sends what can be answered before the deadline; repeats what was lost, where that does no harm |
/// | breaker | none | congestion control stops sending where nothing is answered; a share of failures is no reason to refuse |
/// | attempt timeout | none | what is under way may still be answered; a second attempt goes out where the first is lost |
/// | panic guard | on | a panic costs one call, not the task |
///
/// The timeout is the one thing to say, and whether the operation is [`idempotent`](Self::idempotent):
/// unless it is, only what was certainly not carried out is repeated. All else is measured, see
/// [the chapter](seawall_limit::congestion).
#[must_use = "a builder does nothing before `build`"]
pub struct StandardBuilder<C = AllTransient> {
    base: PipelineBuilder<Identity, C>,
    gate: ShutdownGateBuilder,
    pub(super) timeout: Duration,
    pub(super) control: Choice<CongestionControlBuilder, CongestionControl>,
    pub(super) idempotent: bool,
    pub(super) breaker: Choice<BreakerBuilder, Breaker>,
    pub(super) attempt_timeout: Duration,
    pub(super) guard_panics: bool,
}

impl Pipeline<Identity> {
    /// Starts a pipeline of the recommended layers, called `name`.
    pub fn standard(name: impl Into<Name>) -> StandardBuilder {
        StandardBuilder {
            base: Pipeline::builder(name),
            gate: ShutdownGate::builder(),
            timeout: StandardBuilder::DEFAULT_TIMEOUT,
            control: Choice::Tuned(CongestionControl::builder()),
            idempotent: false,
            breaker: Choice::None,
            attempt_timeout: Duration::MAX,
            guard_panics: true,
        }
    }
}

impl StandardBuilder {
    /// The longest that a call may take. Ten seconds is the limit for keeping a person's
    /// attention (Nielsen, Usability Engineering, 1993); callers that are machines want less.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
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

    /// Says that the operation is safe to repeat, and to be under way twice. Congestion control that is
    /// [given](Self::with_congestion_control) says so itself: [`build`](Self::build) refuses both.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Changes something about the default congestion control, [`CongestionControl::builder`]; the rest
    /// stays as it is. Further changes add up.
    ///
    /// ```
    /// use seawall::WhileDown;
    ///
    /// # fn main() -> Result<(), seawall::ConfigError> {
    /// let pipeline = seawall::Pipeline::standard("inventory")
    ///     .idempotent()
    ///     .congestion_control(|control| control.max_attempts(5).while_down(WhileDown::Refuse))
    ///     .build()?;
    /// assert_eq!(pipeline.describe().max_attempts(), Some(5));
    /// # Ok(())
    /// # }
    /// ```
    pub fn congestion_control(
        mut self,
        change: impl FnOnce(CongestionControlBuilder) -> CongestionControlBuilder,
    ) -> Self {
        let tuned = self.control.tuned_or(CongestionControl::builder);
        self.control = Choice::Tuned(change(tuned));
        self
    }

    /// Uses this congestion control, a [`CongestionControl`] or its builder, in place of the default
    /// one.
    pub fn with_congestion_control(
        mut self,
        control: impl Layer<Policy = CongestionControl> + 'static,
    ) -> Self {
        self.control = Choice::Given(BoxedLayer::new(control));
        self
    }

    /// Sends every call at once, and never repeats one.
    pub fn without_congestion_control(mut self) -> Self {
        self.control = Choice::None;
        self
    }

    /// Adds a breaker, or changes something about the one that was added: it begins as
    /// [`Breaker::builder`]. Further changes add up.
    pub fn breaker(mut self, change: impl FnOnce(BreakerBuilder) -> BreakerBuilder) -> Self {
        self.breaker = Choice::Tuned(change(self.breaker.tuned_or(Breaker::builder)));
        self
    }

    /// Adds this breaker, a [`Breaker`] or its builder.
    pub fn with_breaker(mut self, breaker: impl Layer<Policy = Breaker> + 'static) -> Self {
        self.breaker = Choice::Given(BoxedLayer::new(breaker));
        self
    }

    /// Adds no breaker, which is the default.
    pub fn without_breaker(mut self) -> Self {
        self.breaker = Choice::None;
        self
    }

    /// Limits each attempt. `Duration::MAX` is never.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = limit;
        self
    }

    /// Does not limit attempts, which is the default.
    pub fn without_attempt_timeout(self) -> Self {
        self.attempt_timeout(Duration::MAX)
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
            control: self.control,
            idempotent: self.idempotent,
            breaker: self.breaker,
            attempt_timeout: self.attempt_timeout,
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
        let guard = PanicGuard::builder();
        let guard = if self.guard_panics { guard } else { guard.disabled() };
        let attempt = Layers::new(timeout(self.attempt_timeout, Scope::Attempt), guard);
        let control = control_layer(self.control, self.idempotent)?;
        let breaker = self.breaker.into_layer().map_or_else(
            || OmittableLayer::omitted(BoxedLayer::new(never_opens())),
            OmittableLayer::new,
        );
        let repeated = Layers::new(control, Layers::new(breaker, attempt));
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

/// A breaker that is there and does nothing.
pub(super) fn never_opens() -> BreakerBuilder {
    Breaker::builder().without_consecutive_failures().without_failure_rate()
}

fn control_layer(
    choice: Choice<CongestionControlBuilder, CongestionControl>,
    idempotent: bool,
) -> Result<OmittableLayer<BoxedLayer<CongestionControl>>, ConfigError> {
    Ok(match choice {
        Choice::Tuned(control) if idempotent => {
            OmittableLayer::new(BoxedLayer::new(control.idempotent()))
        }
        Choice::Tuned(control) => OmittableLayer::new(BoxedLayer::new(control)),
        Choice::Given(control) => {
            // A handle is built already, so nothing about it can be changed.
            let allowed = "set on the congestion control that is given";
            Check::of(PolicyKind::Pipeline).that(!idempotent, "idempotent", "set", allowed)?;
            OmittableLayer::new(control)
        }
        Choice::None => {
            OmittableLayer::omitted(BoxedLayer::new(CongestionControl::builder().disabled()))
        }
    })
}
