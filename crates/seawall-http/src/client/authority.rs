//! The pipeline of an authority.

use std::collections::HashMap;
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

/// The pipelines that a set keeps for an authority.
#[derive(Clone)]
pub(super) struct OfAuthority {
    pipeline: Arc<Of>,
    /// The same one for reads, where they are hedged.
    hedging: Option<Arc<Of>>,
}

pub(super) struct Settings {
    pub(super) name: Name,
    pub(super) change: Arc<Change>,
    /// Those of single authorities, after `change`.
    pub(super) authorities: Vec<(String, Arc<Change>)>,
    pub(super) hedging: bool,
}

pub(super) struct Template {
    change: Arc<Change>,
    /// By the name of the authority's policies.
    authorities: HashMap<Name, Arc<Change>>,
    hedging: bool,
    /// What the settings were checked with. It serves requests without an authority, and authorities
    /// whose name no policy can have.
    checked: OfAuthority,
}

impl OfAuthority {
    fn build(name: &Name, change: &Change, hedging: bool) -> Result<Self, ConfigError> {
        let standard = || change(Pipeline::standard(name.clone())).classify(HttpOutcomes);
        let pipeline = standard().build()?;
        // One traffic, so what is learned and what may be repeated is the same for both.
        let control = pipeline.congestion_control().filter(|_| hedging);
        let hedging = control.map(|control| {
            let hedging = standard().with_congestion_control(control.with_hedging());
            let hedging = match pipeline.breaker() {
                Some(breaker) => hedging.with_breaker(breaker.clone()),
                None => hedging,
            };
            hedging.build().map(Arc::new)
        });
        Ok(Self { hedging: hedging.transpose()?, pipeline: Arc::new(pipeline) })
    }

    pub(super) fn pipeline(&self) -> Arc<Of> {
        Arc::clone(&self.pipeline)
    }

    /// The pipeline of a request; whether it reads only.
    pub(super) fn for_request(self, is_read: bool) -> Arc<Of> {
        match self.hedging {
            Some(hedging) if is_read => hedging,
            _ => self.pipeline,
        }
    }
}

impl Keep for OfAuthority {
    type Builder = Settings;
    type Template = Template;

    fn template(settings: Settings) -> Result<(Reporter, Template), ConfigError> {
        let Settings { name, change, authorities, hedging } = settings;
        let checked = Self::build(&name, &*change, hedging)?;
        let mut by_name = HashMap::with_capacity(authorities.len());
        for (authority, own) in authorities {
            let (name, change) = (name.for_key(authority), Arc::clone(&change));
            let both: Arc<Change> = Arc::new(move |standard| own(change(standard)));
            Self::build(&name, &*both, hedging)?;
            by_name.insert(name, both);
        }
        let reporter = Reporter::new(name, PolicyKind::Pipeline, Listeners::default());
        Ok((reporter, Template { change, authorities: by_name, hedging, checked }))
    }

    fn make(template: &Template, reporter: Reporter) -> Self {
        let change = template.authorities.get(reporter.name()).unwrap_or(&template.change);
        Self::build(reporter.name(), &**change, template.hedging)
            .unwrap_or_else(|_| template.checked.clone())
    }

    /// Settings of a client don't change.
    fn reconfigure(&self, _: &Template) {}

    /// A closed circuit without failures, nothing in flight and no body forget nothing that matters;
    /// what congestion control has measured is measured again.
    fn is_idle(&self) -> bool {
        let is_healthy = self.pipeline.breaker().is_none_or(|breaker| {
            let snapshot = breaker.snapshot();
            snapshot.state == CircuitState::Closed && snapshot.window.failures == 0
        });
        let is_quiet = self.pipeline.congestion_control().is_none_or(|control| {
            let snapshot = control.snapshot();
            snapshot.in_flight == 0 && snapshot.streams == 0 && !snapshot.down
        });
        let handles = self.hedging.as_ref().map_or(1, Arc::strong_count);
        is_healthy && is_quiet && handles == 1 && Arc::strong_count(&self.pipeline) == 1
    }

    /// Made-up hosts share one pipeline.
    fn without_room(template: &Template, _: Self) -> Self {
        template.checked.clone()
    }
}
