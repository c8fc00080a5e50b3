//! Rules about the order of a pipeline's layers and about the sums of their times, over its
//! description. Each is said once, here.

use std::time::Duration;

use seawall_core::inspect::Value;
use seawall_core::{ConfigError, Description, Finding, LayerDescription, PolicyKind, Severity};

pub use load::ExpectedLoad;

mod load;
mod order;
mod repeating;
mod sums;

/// A pipeline as the rules see it.
struct Pipeline<'d> {
    layers: &'d [LayerDescription],
    description: &'d Description,
    load: Option<ExpectedLoad>,
}

/// What a rule finds.
type Rule = fn(&Pipeline<'_>) -> Vec<Finding>;

/// Rules whose findings `build()` refuses.
const ERRORS: &[Rule] = &[
    order::attempt_timeout_outside_retry,
    order::attempt_timeout_outside_breaker,
    order::limit_outside_attempt_timeout,
    order::fallback_inside,
    order::chaos_not_innermost,
    order::panics_without_guard,
    sums::attempt_not_below_total,
    sums::heavier_than_limit,
];

const WARNINGS: &[Rule] = &[
    order::breaker_outside_retry,
    order::limit_outside_retry,
    order::panic_guard_outermost,
    sums::attempts_do_not_fit,
    sums::amplification,
    sums::open_longer_than_timeout,
    sums::queue_longer_than_timeout,
    repeating::no_budget,
    repeating::no_attempt_timeout,
    load::window_too_small,
    load::limit_below_load,
];

const INFOS: &[Rule] = &[order::rate_limit_inside_retry, repeating::not_idempotent];

/// What is questionable about a pipeline that is described so, the worst first: also about one that
/// `build()` refuses.
///
/// ```
/// use std::time::Duration;
/// use seawall::{Description, Policy, Timeout, findings_of};
///
/// let patient = Timeout::new(Duration::from_secs(1));
/// assert!(findings_of(&patient.describe(Description::bare()), None).is_empty());
/// ```
pub fn findings_of(description: &Description, load: Option<ExpectedLoad>) -> Vec<Finding> {
    all(description, load)
}

/// Everything that the rules find, the worst first.
pub(crate) fn all(description: &Description, load: Option<ExpectedLoad>) -> Vec<Finding> {
    let pipeline = Pipeline { layers: description.layers(), description, load };
    [ERRORS, WARNINGS, INFOS].into_iter().flatten().flat_map(|rule| rule(&pipeline)).collect()
}

/// Refuses what can't be meant.
pub(crate) fn check(description: &Description) -> Result<(), ConfigError> {
    let pipeline = Pipeline { layers: description.layers(), description, load: None };
    match ERRORS.iter().flat_map(|rule| rule(&pipeline)).next() {
        Some(finding) => Err(finding.into()),
        None => Ok(()),
    }
}

type Is = fn(&LayerDescription) -> bool;

impl<'d> Pipeline<'d> {
    /// Each layer that is `outer`, with the next one inside it that is `inner`.
    fn around(
        &self,
        outer: Is,
        inner: Is,
    ) -> impl Iterator<Item = (&'d LayerDescription, &'d LayerDescription)> {
        let layers = self.layers;
        layers.iter().enumerate().filter(move |(_, layer)| outer(layer)).filter_map(
            move |(place, layer)| {
                let inside = layers[place + 1..].iter().find(|layer| inner(layer))?;
                Some((layer, inside))
            },
        )
    }

    /// Whether a layer that `is` is inside of `layer`.
    fn has_inside(&self, layer: &LayerDescription, is: Is) -> bool {
        let inside = self.layers.iter().skip_while(|it| !std::ptr::eq(*it, layer)).skip(1);
        inside.into_iter().any(is)
    }

    /// Whether a layer that `is` is around `layer`.
    fn has_around(&self, layer: &LayerDescription, is: Is) -> bool {
        self.layers.iter().take_while(|it| !std::ptr::eq(*it, layer)).any(is)
    }
}

/// "breaker 'inventory'".
fn shown(layer: &LayerDescription) -> String {
    format!("{} '{}'", layer.kind, layer.name)
}

fn is_breaker(layer: &LayerDescription) -> bool {
    layer.kind == PolicyKind::Breaker
}

fn is_timeout(layer: &LayerDescription) -> bool {
    layer.kind == PolicyKind::Timeout
}

fn is_attempt_timeout(layer: &LayerDescription) -> bool {
    let scope = layer.settings.get("scope");
    is_timeout(layer) && scope == Some(&Value::Text("an attempt".to_owned()))
}

fn is_total_timeout(layer: &LayerDescription) -> bool {
    is_timeout(layer) && !is_attempt_timeout(layer)
}

fn is_panic_guard(layer: &LayerDescription) -> bool {
    layer.kind == PolicyKind::PanicGuard
}

fn is_limit(layer: &LayerDescription) -> bool {
    matches!(layer.kind, PolicyKind::Bulkhead | PolicyKind::AdaptiveLimit)
}

/// Whether it starts what is inside more than once.
fn repeats(layer: &LayerDescription) -> bool {
    match layer.settings.get("max_attempts") {
        Some(Value::Count(attempts)) => *attempts > 1,
        Some(Value::Never) => true,
        _ => false,
    }
}

fn time(layer: &LayerDescription, setting: &str) -> Option<Duration> {
    match layer.settings.get(setting).or_else(|| layer.facts.get(setting))? {
        Value::Time(time) => Some(*time),
        _ => None,
    }
}

fn count(layer: &LayerDescription, setting: &str) -> Option<u64> {
    match layer.settings.get(setting).or_else(|| layer.facts.get(setting))? {
        Value::Count(count) => Some(*count),
        _ => None,
    }
}

fn holds(layer: &LayerDescription, fact: &str) -> bool {
    layer.facts.get(fact) == Some(&Value::Flag(true))
}

fn error(
    rule: &'static str,
    layer: &LayerDescription,
    field: &'static str,
    value: String,
    advice: &'static str,
) -> Finding {
    Finding::new(rule, Severity::Error, (layer.kind, &layer.name), field, value, advice)
}

fn warning(
    rule: &'static str,
    layer: &LayerDescription,
    field: &'static str,
    value: String,
    advice: &'static str,
) -> Finding {
    Finding::new(rule, Severity::Warning, (layer.kind, &layer.name), field, value, advice)
}

fn info(
    rule: &'static str,
    layer: &LayerDescription,
    field: &'static str,
    value: String,
    advice: &'static str,
) -> Finding {
    Finding::new(rule, Severity::Info, (layer.kind, &layer.name), field, value, advice)
}
