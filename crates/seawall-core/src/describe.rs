//! Descriptions of pipelines, with the worst case of a call.

use std::fmt;
use std::time::Duration;

use crate::inspect::Value;
use crate::{Finding, Name, PolicyKind, Settings};

mod export;

/// The layers of a pipeline, and the worst case that follows from their configuration.
///
/// Built from the inside out by [`Policy::describe`](crate::Policy::describe).
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    layers: Vec<LayerDescription>,
    max_attempts: Option<u64>,
    longest: Option<Duration>,
    panics: bool,
    findings: Vec<Finding>,
}

/// One layer of a [`Description`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LayerDescription {
    /// The kind of policy.
    pub kind: PolicyKind,
    /// Its name.
    pub name: Name,
    /// Its configuration in words.
    pub text: String,
    /// Its configuration as values, as far as the policy gives it.
    pub settings: Settings,
    /// What follows from the configuration, for [rules](Finding) about several layers: the least that
    /// a retry waits, for instance.
    pub facts: Settings,
}

impl Description {
    /// A bare operation: one attempt, of unknown length.
    pub const fn bare() -> Self {
        Self {
            layers: Vec::new(),
            max_attempts: Some(1),
            longest: None,
            panics: false,
            findings: Vec::new(),
        }
    }

    /// Puts a layer around what is described so far.
    #[must_use]
    pub fn layer(self, kind: PolicyKind, name: &Name, text: impl Into<String>) -> Self {
        self.layer_with(kind, name, text, Settings::new())
    }

    /// Puts a layer around what is described so far, with its settings as values.
    #[must_use]
    pub fn layer_with(
        mut self,
        kind: PolicyKind,
        name: &Name,
        text: impl Into<String>,
        settings: Settings,
    ) -> Self {
        let name = name.clone();
        let (text, facts) = (text.into(), Settings::new());
        self.layers.insert(0, LayerDescription { kind, name, text, settings, facts });
        self
    }

    /// Adds a fact to the layer that was put around the rest last.
    #[must_use]
    pub fn with_fact(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        if let Some(layer) = self.layers.first_mut() {
            layer.facts = std::mem::take(&mut layer.facts).with(name, value);
        }
        self
    }

    /// This description with what is questionable about the pipeline.
    #[must_use]
    pub fn with_findings(mut self, findings: Vec<Finding>) -> Self {
        self.findings = findings;
        self
    }

    /// This description with another largest number of attempts; `None` is unlimited.
    #[must_use]
    pub const fn with_max_attempts(mut self, max_attempts: Option<u64>) -> Self {
        self.max_attempts = max_attempts;
        self
    }

    /// This description with another longest time of a call; `None` is unlimited.
    #[must_use]
    pub const fn with_longest(mut self, longest: Option<Duration>) -> Self {
        self.longest = longest;
        self
    }

    /// This description, in which a layer panics on purpose and no guard is around it, or none does.
    #[must_use]
    pub const fn with_panics(mut self, panics: bool) -> Self {
        self.panics = panics;
        self
    }

    /// This description with the longest time cut to `limit`.
    #[must_use]
    pub fn cut_to(mut self, limit: Duration) -> Self {
        self.longest = Some(self.longest.map_or(limit, |longest| longest.min(limit)));
        self
    }

    /// The layers, outermost first.
    pub fn layers(&self) -> &[LayerDescription] {
        &self.layers
    }

    /// What is questionable about the pipeline, the worst first. Only a whole pipeline's description
    /// has any.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many times the operation can be started for one call, at most; `None` is unlimited.
    pub const fn max_attempts(&self) -> Option<u64> {
        self.max_attempts
    }

    /// Whether a layer panics on purpose and no guard is around it.
    pub const fn panics(&self) -> bool {
        self.panics
    }

    /// How long one call can take at most, provided that the operation yields to the executor;
    /// `None` is unlimited.
    pub const fn longest(&self) -> Option<Duration> {
        self.longest
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, layer) in self.layers.iter().enumerate() {
            let indent = 2 * depth;
            writeln!(f, "{:indent$}{} '{}': {}", "", layer.kind, layer.name, layer.text)?;
        }
        let conditional = Some(&Value::Flag(true));
        let conditional =
            |layer: &LayerDescription| layer.facts.get("unless_carried_out") == conditional;
        match self.max_attempts {
            Some(attempts) if attempts > 1 && self.layers.iter().any(conditional) => write!(
                f,
                "one attempt per call, up to {attempts} where it was certainly not carried out, "
            )?,
            Some(1) => f.write_str("one attempt per call, ")?,
            Some(attempts) => write!(f, "at most {attempts} attempts per call, ")?,
            None => f.write_str("any number of attempts per call, ")?,
        }
        match self.longest {
            Some(longest) => write!(f, "{longest:?} at the longest")?,
            None => f.write_str("with no limit in time")?,
        }
        self.findings.iter().try_for_each(|finding| write!(f, "\n{finding}"))
    }
}
