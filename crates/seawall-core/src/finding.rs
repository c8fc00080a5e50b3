//! What is questionable about a pipeline, as its description shows it.

use std::fmt;

use crate::{ConfigError, Name, PolicyKind};

/// Something about a pipeline that is wrong, or that somebody should know.
///
/// Displayed it is one line: what was found, about which policy, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule that found it: `"sum/attempts-do-not-fit"`.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The kind of the policy that it is about.
    pub policy: PolicyKind,
    /// The name of that policy.
    pub name: Name,
    /// The setting that it is about, spelled like its setter; `"layer"` where it is the policy's place
    /// among the others.
    pub field: &'static str,
    /// What that setting is, with the numbers.
    pub value: String,
    /// What it should be.
    pub advice: &'static str,
}

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Probably not what was meant.
    Warning,
    /// It can't be meant: `build()` refuses it.
    Error,
}

impl Finding {
    /// `rule` found about `policy`, by kind and name, that `field` is `value`; `advice` completes the
    /// sentence "should be …".
    pub fn new(
        rule: &'static str,
        severity: Severity,
        (policy, name): (PolicyKind, &Name),
        field: &'static str,
        value: impl Into<String>,
        advice: &'static str,
    ) -> Self {
        let name = name.clone();
        Self { rule, severity, policy, name, field, value: value.into(), advice }
    }
}

impl Severity {
    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, severity, policy, name, field, value, advice } = self;
        write!(f, "{severity}: {policy} '{name}': {field} is {value}, but should be {advice} ")?;
        write!(f, "[{rule}]")
    }
}

/// The refusal of `build()` for a finding of severity error.
impl From<Finding> for ConfigError {
    fn from(finding: Finding) -> Self {
        let Finding { rule, policy, name, field, value, advice, .. } = finding;
        Self { policy, name: Some(name), field, value, allowed: advice, rule: Some(rule) }
    }
}
