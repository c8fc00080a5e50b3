//! The pipelines of a document while they run.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use seawall::policy::LayerContext;
use seawall::{
    BoxPipeline, Classify, Description, ExpectedLoad, Finding, Listeners, Pipeline, Policy, Random,
    Shutdown, StandardBuilder, StandardPipeline,
};
use tokio_util::sync::CancellationToken;

use crate::code::{Code, Types};
use crate::config::{self, Form};
use crate::layers::{self, Item};
use crate::mistakes::{Notes, one_of};
use crate::policies::{self, Policies};
use crate::reader::Reader;
use crate::stack::{Layers, Stack};
use crate::tree::Node;
use crate::{Config, Mistakes};

pub use builder::PipelinesBuilder;
pub use error::PipelineError;

mod builder;
mod error;

/// The pipelines of a document. Clones are one set.
///
/// A pipeline that was given out is the one that a reload changes.
#[derive(Clone)]
pub struct Pipelines(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) given: Given,
    pub(crate) state: Mutex<State>,
}

/// What the program gave, for all pipelines.
pub(crate) struct Given {
    pub(crate) code: Code,
    pub(crate) listeners: Listeners,
    pub(crate) random: Option<Random>,
    pub(crate) shutdown: Option<Stop>,
}

/// What stops all pipelines.
#[derive(Clone)]
pub(crate) enum Stop {
    Coordinator(Shutdown),
    Token(CancellationToken),
}

impl Stop {
    pub(crate) fn token(&self) -> CancellationToken {
        match self {
            Self::Coordinator(shutdown) => shutdown.intake_token(),
            Self::Token(token) => token.clone(),
        }
    }
}

/// What runs.
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) policies: Policies,
    pub(crate) live: BTreeMap<String, Live>,
}

/// A pipeline that runs.
pub(crate) struct Live {
    /// Its table, with what it inherits.
    pub(crate) node: Node,
    pub(crate) classify: Option<String>,
    pub(crate) load: Option<ExpectedLoad>,
    pub(crate) form: LiveForm,
}

pub(crate) enum LiveForm {
    Standard(Box<StandardPipeline>),
    Layers(LiveLayers),
}

pub(crate) struct LiveLayers {
    pub(crate) items: Vec<Item>,
    pub(crate) current: Arc<ArcSwap<Layers>>,
    /// Those that were replaced: calls under way end in them.
    pub(crate) replaced: Vec<Weak<Layers>>,
    /// The results that it was asked for.
    pub(crate) types: Vec<Types>,
}

impl Pipelines {
    /// Starts to build the pipelines of a document.
    pub fn builder(config: &Config) -> PipelinesBuilder {
        PipelinesBuilder::new(config.clone())
    }

    /// The pipeline called `name`, whose `base` is `"standard"`: of the same type, and as cheap, as one
    /// that is written by hand. However often it is asked for, its policies are one.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Unknown`], [`PipelineError::NotStandard`].
    pub fn standard<C>(
        &self,
        name: &str,
        classifier: C,
    ) -> Result<StandardPipeline<C>, PipelineError> {
        let state = self.0.state.lock();
        match &state.find(name)?.form {
            LiveForm::Standard(pipeline) => Ok(pipeline.with_classifier(classifier)),
            LiveForm::Layers(_) => Err(PipelineError::NotStandard { name: name.to_owned() }),
        }
    }

    /// The pipeline called `name`, with its layers in any order. Its calls allocate.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Unknown`]; [`PipelineError::OtherType`] where a layer, such as a fallback, is
    /// for other results.
    pub fn boxed<T, E, C>(
        &self,
        name: &str,
        classifier: C,
    ) -> Result<BoxPipeline<T, E>, PipelineError>
    where
        T: Send + 'static,
        E: Send + 'static,
        C: Classify<T, E, Failure: Send + 'static> + Send + Sync + 'static,
    {
        let mut state = self.0.state.lock();
        match &mut state.find_mut(name)?.form {
            LiveForm::Standard(pipeline) => Ok(pipeline.with_classifier(classifier).boxed()),
            LiveForm::Layers(layers) => {
                let types = Types::of::<T, C::Failure>();
                if let Some(other) = layers.current.load().typed().find(|it| it.types != types) {
                    return Err(PipelineError::OtherType {
                        name: name.to_owned(),
                        what: "a layer",
                        registered: other.types.name,
                        asked: types.name,
                    });
                }
                if !layers.types.contains(&types) {
                    layers.types.push(types);
                }
                let stack = Stack::<T, C::Failure>::new(Arc::clone(&layers.current));
                self.0.given.around(name, stack, classifier)
            }
        }
    }

    /// The classifier that the document names for a pipeline, as it was registered.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Unknown`], [`PipelineError::NoClassifier`], [`PipelineError::OtherType`].
    pub fn classifier<C: Clone + 'static>(&self, name: &str) -> Result<C, PipelineError> {
        let state = self.0.state.lock();
        let named = state.find(name)?.classify.as_ref();
        let found = named.and_then(|named| self.0.given.code.classifiers.get(named));
        let found = found.ok_or_else(|| PipelineError::NoClassifier { name: name.to_owned() })?;
        let typed = found.value.downcast_ref::<C>().cloned();
        typed.ok_or_else(|| PipelineError::OtherType {
            name: name.to_owned(),
            what: "the classifier",
            registered: found.type_name,
            asked: std::any::type_name::<C>(),
        })
    }

    /// What a pipeline is.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Unknown`].
    pub fn describe(&self, name: &str) -> Result<Description, PipelineError> {
        let state = self.0.state.lock();
        let live = state.find(name)?;
        let description = match &live.form {
            LiveForm::Standard(pipeline) => pipeline.policy().describe(Description::bare()),
            LiveForm::Layers(layers) => layers.current.load().describe(Description::bare()),
        };
        let findings: Vec<Finding> = seawall::findings_of(&description, live.load);
        Ok(description.with_findings(findings))
    }

    /// The names of the pipelines, in order.
    pub fn names(&self) -> Vec<String> {
        self.0.state.lock().live.keys().cloned().collect()
    }

    /// The document in force.
    pub fn config(&self) -> Config {
        self.0.state.lock().config.clone()
    }

    /// How many calls are under way in layers of a pipeline that a reload has replaced.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Unknown`].
    pub fn ending(&self, name: &str) -> Result<usize, PipelineError> {
        let mut state = self.0.state.lock();
        match &mut state.find_mut(name)?.form {
            LiveForm::Standard(_) => Ok(0),
            LiveForm::Layers(layers) => {
                layers.replaced.retain(|it| it.strong_count() > 0);
                Ok(layers.replaced.iter().map(Weak::strong_count).sum())
            }
        }
    }
}

impl State {
    fn find(&self, name: &str) -> Result<&Live, PipelineError> {
        self.live.get(name).ok_or_else(|| self.unknown(name))
    }

    fn find_mut(&mut self, name: &str) -> Result<&mut Live, PipelineError> {
        if !self.live.contains_key(name) {
            return Err(self.unknown(name));
        }
        self.live.get_mut(name).ok_or_else(|| PipelineError::NoClassifier { name: name.into() })
    }

    fn unknown(&self, name: &str) -> PipelineError {
        let known = one_of(name, self.live.keys().map(String::as_str));
        PipelineError::Unknown { name: name.to_owned(), known }
    }
}

impl Given {
    /// The context of the policies that a pipeline has for itself.
    pub(crate) fn context(&self, name: &str) -> LayerContext {
        let mut context = LayerContext::new(name);
        context.listeners = self.listeners.clone();
        context.shutdown = self.shutdown.as_ref().map(Stop::token);
        context.random = self.random.as_ref().map(Random::split);
        context
    }

    /// A standard pipeline's builder, with what the program gave.
    pub(crate) fn standard(&self, name: &str, random: Option<&Random>) -> StandardBuilder {
        let builder = Pipeline::standard(name).listeners(&self.listeners);
        let builder = match &self.shutdown {
            Some(Stop::Coordinator(shutdown)) => builder.shutdown(shutdown),
            Some(Stop::Token(token)) => builder.shutdown_token(token.clone()),
            None => builder,
        };
        match random {
            Some(random) => builder.random(random.clone()),
            None => builder,
        }
    }

    fn around<T, E, C>(
        &self,
        name: &str,
        stack: Stack<T, C::Failure>,
        classifier: C,
    ) -> Result<BoxPipeline<T, E>, PipelineError>
    where
        T: Send + 'static,
        E: Send + 'static,
        C: Classify<T, E, Failure: Send + 'static> + Send + Sync + 'static,
    {
        let builder = Pipeline::builder(name).listeners(&self.listeners);
        let built = match &self.shutdown {
            Some(Stop::Coordinator(shutdown)) => {
                builder.shutdown(shutdown).layer(stack).classify(classifier).build()?.boxed()
            }
            Some(Stop::Token(token)) => {
                let gated = builder.shutdown_token(token.clone()).layer(stack);
                gated.classify(classifier).build()?.boxed()
            }
            None => builder.layer(stack).classify(classifier).build()?.boxed(),
        };
        Ok(built)
    }

    /// Builds what a document says, around the shared policies that run already.
    pub(crate) fn build(&self, config: &Config, running: &Policies) -> Result<State, Mistakes> {
        let mut notes = Notes::default();
        let mut shared = policies::context(&self.listeners);
        shared.shutdown = self.shutdown.as_ref().map(Stop::token);
        shared.random = self.random.as_ref().map(Random::split);
        let document = &config.document;
        let code = Some(&self.code);
        let policies = Policies::build(document, code, &shared, running, &mut notes);
        let mut live = BTreeMap::new();
        for (name, node) in config.pipelines() {
            let context = self.context(name);
            let begin = || self.standard(name, context.random.as_ref());
            let mut reader = Reader::new(document, &policies, code, &mut notes);
            if let Some(part) = config::part(name, node, &mut reader, &context, begin)
                && let Some(pipeline) = start(name, part, &mut notes)
            {
                live.insert(name.to_owned(), pipeline);
            }
        }
        notes.finish(State { config: config.clone(), policies, live })
    }
}

/// What runs of a part, unless a rule about its layers refuses it.
fn start(name: &str, part: config::Part, notes: &mut Notes) -> Option<Live> {
    let path = || format!("pipelines.{name}");
    let place = part.node.place.clone();
    let form = match part.form {
        Form::Refused(error) => {
            notes.refuse(path(), &place, error, "built");
            return None;
        }
        Form::Standard(pipeline) => LiveForm::Standard(pipeline),
        Form::Layers(items) => {
            let layers = layers::stack(&items);
            let described = layers.describe(Description::bare());
            let findings = seawall::findings_of(&described, None);
            let worst = |it: &&Finding| it.severity == seawall::Severity::Error;
            let errors: Vec<_> = findings.iter().filter(worst).collect();
            for finding in &errors {
                let given = format!("{} of {} '{}'", finding.value, finding.policy, finding.name);
                let path = format!("{}.{}", path(), finding.field);
                notes.refuse(path, &place, given, finding.advice);
            }
            if !errors.is_empty() {
                return None;
            }
            let current = Arc::new(ArcSwap::from_pointee(layers));
            let (replaced, types) = (Vec::new(), Vec::new());
            LiveForm::Layers(LiveLayers { items, current, replaced, types })
        }
    };
    Some(Live { node: part.node, classify: part.classify, load: part.load, form })
}

impl fmt::Debug for Pipelines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipelines").field("names", &self.names()).finish_non_exhaustive()
    }
}
