//! A standard pipeline that takes other settings while it runs.

use std::time::Duration;

use seawall_core::{
    Check, ConfigError, Description, Inspect, Layer, LayerContext, Policy, PolicyKind, Scope,
};
use seawall_guard::Timeout;
use seawall_limit::CongestionControl;

use super::choice::Choice;
use super::omittable::Omittable;
use super::standard::never_opens;
use super::{Pipeline, StandardBuilder, StandardPipeline};

const CHECK: Check = Check::of(PolicyKind::Pipeline);
const BUILT: &str = "what it was built with";

impl<C> StandardPipeline<C> {
    /// Takes the settings of `builder`, for all handles, while calls are under way. All of them, or with
    /// an error none.
    ///
    /// | layer | what stays | what does not |
    /// |---|---|---|
    /// | timeouts | timers that run keep their end | |
    /// | congestion control | what was measured, what is in flight, an outage | a layer that is switched off forgets nothing |
    /// | breaker | its state with the time that is left, its window, its totals | switched off, all but its totals |
    ///
    /// Reads nothing else of `builder`: its name, classifier, listeners, token and source of random
    /// numbers are those that the pipeline was built with.
    ///
    /// ```
    /// use std::time::Duration;
    /// use seawall::Pipeline;
    ///
    /// # fn main() -> Result<(), seawall::ConfigError> {
    /// let pipeline = Pipeline::standard("inventory").build()?;
    /// let patient = Pipeline::standard("inventory").timeout(Duration::from_secs(30));
    /// pipeline.reconfigure(patient)?;
    /// assert_eq!(pipeline.describe().longest(), Some(Duration::from_secs(30)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`build`](StandardBuilder::build). The panic guard can't be switched on or off, a policy
    /// that was given can't be exchanged for another, and a breaker's
    /// [tally](seawall_breaker::BreakerBuilder::tally) stays.
    pub fn reconfigure<D>(&self, builder: StandardBuilder<D>) -> Result<(), ConfigError> {
        self.change(builder).map_err(|error| error.of(self.name()))
    }

    fn change<D>(&self, builder: StandardBuilder<D>) -> Result<(), ConfigError> {
        let bounded = &self.policy().inner;
        let (timeout, repeated) = (&bounded.outer, &bounded.inner);
        let (control, inner) = (&repeated.outer, &repeated.inner);
        let (breaker, attempt) = (&inner.outer, &inner.inner);
        let guarded = !attempt.inner.describe(Description::bare()).layers().is_empty();
        CHECK.that(guarded == builder.guard_panics, "without_panic_guard", "changed", BUILT)?;
        self.build_once(&builder)?;
        let StandardBuilder { control: new_control, breaker: new_breaker, .. } = builder;
        let new_control =
            Next::of(new_control, control.inner(), "with_congestion_control", &self.context())?;
        let new_breaker = Next::of(new_breaker, breaker.inner(), "with_breaker", &self.context())?;
        let (no_breaker, no_control) = (new_breaker.is_off(), new_control.is_off());
        // The last that can be refused.
        match new_breaker {
            Next::Settings(settings) => breaker.inner().reconfigure(settings)?,
            Next::Off if !breaker.is_omitted() => {
                breaker.inner().reconfigure(never_opens())?;
                breaker.inner().reset();
            }
            Next::Off | Next::Kept => {}
        }
        breaker.omit(no_breaker);
        match new_control {
            Next::Settings(settings) => {
                let settings = if builder.idempotent { settings.idempotent() } else { settings };
                control.inner().reconfigure(settings)?;
            }
            Next::Off => {
                control.inner().reconfigure(CongestionControl::builder().disabled())?;
            }
            Next::Kept => {}
        }
        control.omit(no_control);
        limit(timeout, builder.timeout, Scope::Total)?;
        limit(&attempt.outer, builder.attempt_timeout, Scope::Attempt)
    }

    /// Whether a pipeline with these settings can be built at all.
    fn build_once<D>(&self, builder: &StandardBuilder<D>) -> Result<(), ConfigError> {
        let mut once = Pipeline::standard(self.name().clone())
            .timeout(builder.timeout)
            .attempt_timeout(builder.attempt_timeout);
        once = match &builder.control {
            Choice::Tuned(control) => once.congestion_control(|_| control.clone()),
            Choice::Given(_) => {
                let allowed = "set on the congestion control that is given";
                CHECK.that(!builder.idempotent, "idempotent", "set", allowed)?;
                once
            }
            Choice::None => once.without_congestion_control(),
        };
        if let Choice::Tuned(breaker) = &builder.breaker {
            once = once.breaker(|_| breaker.clone());
        }
        once.build().map(drop)
    }

    fn context(&self) -> LayerContext {
        let mut context = LayerContext::new(self.name().clone());
        context.listeners = self.listeners().clone();
        context
    }
}

/// What becomes of a layer.
enum Next<B> {
    Settings(B),
    /// It was given, and is the one that is there.
    Kept,
    Off,
}

impl<B> Next<B> {
    fn of<P: Policy + Inspect>(
        choice: Choice<B, P>,
        current: &P,
        field: &'static str,
        context: &LayerContext,
    ) -> Result<Self, ConfigError> {
        match choice {
            Choice::Tuned(settings) => Ok(Self::Settings(settings)),
            Choice::None => Ok(Self::Off),
            Choice::Given(layer) => {
                let same = layer.into_policy(context)?.id() == current.id();
                CHECK.that(same, field, "another", BUILT).map(|()| Self::Kept)
            }
        }
    }

    const fn is_off(&self) -> bool {
        matches!(self, Self::Off)
    }
}

fn limit(timeout: &Omittable<Timeout>, limit: Duration, scope: Scope) -> Result<(), ConfigError> {
    timeout.inner().reconfigure(Timeout::builder().limit(limit).scope(scope))?;
    timeout.omit(limit == Duration::MAX);
    Ok(())
}
