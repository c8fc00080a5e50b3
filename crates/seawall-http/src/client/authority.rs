//! The pipeline of an authority.

use std::sync::Arc;

use seawall::policy::{Keep, Reporter};
use seawall::{
    CircuitState, ConfigError, Listeners, Name, Pipeline, PolicyKind, StandardBuilder,
    StandardPipeline,
};

use crate::HttpOutcomes;

type Of = StandardPipeline<HttpOutcomes>;

/// Changes the standard pipeline.
pub(super) type Change = dyn Fn(StandardBuilder) -> StandardBuilder + Send + Sync;

/// A pipeline that a set keeps for an authority.
#[derive(Clone)]
pub(super) struct OfAuthority(Arc<Of>);

pub(super) struct Settings {
    pub(super) name: Name,
    pub(super) change: Arc<Change>,
}

pub(super) struct Template {
    change: Arc<Change>,
    /// What the settings were checked with. It serves authorities whose name no policy can have.
    checked: OfAuthority,
}

impl OfAuthority {
    fn build(name: Name, change: &Change) -> Result<Self, ConfigError> {
        let pipeline = change(Pipeline::standard(name)).classify(HttpOutcomes).build()?;
        Ok(Self(Arc::new(pipeline)))
    }

    pub(super) fn pipeline(&self) -> Arc<Of> {
        Arc::clone(&self.0)
    }
}

impl Keep for OfAuthority {
    type Builder = Settings;
    type Template = Template;

    fn template(settings: Settings) -> Result<(Reporter, Template), ConfigError> {
        let Settings { name, change } = settings;
        let checked = Self::build(name.clone(), &*change)?;
        let reporter = Reporter::new(name, PolicyKind::Pipeline, Listeners::default());
        Ok((reporter, Template { change, checked }))
    }

    fn make(template: &Template, reporter: Reporter) -> Self {
        Self::build(reporter.name().clone(), &*template.change)
            .unwrap_or_else(|_| template.checked.clone())
    }

    /// Settings of a client don't change.
    fn reconfigure(&self, _: &Template) {}

    /// A closed circuit without failures forgets nothing; what the budget and the limit have learned is
    /// learned again.
    fn is_idle(&self) -> bool {
        let is_healthy = self.0.breaker().is_none_or(|breaker| {
            let snapshot = breaker.snapshot();
            snapshot.state == CircuitState::Closed && snapshot.window.failures == 0
        });
        Arc::strong_count(&self.0) == 1 && is_healthy
    }

    /// Made-up hosts share one pipeline.
    fn without_room(template: &Template, _: Self) -> Self {
        template.checked.clone()
    }
}
