//! Rules about what repeats.

use seawall_core::inspect::Value;
use seawall_core::{Finding, LayerDescription, PolicyKind};

use super::{Pipeline, holds, info, is_timeout, repeats, warning};

fn retries<'d>(pipeline: &Pipeline<'d>) -> impl Iterator<Item = &'d LayerDescription> {
    let layers = pipeline.layers.iter();
    layers.filter(|layer| layer.kind == PolicyKind::Retry && repeats(layer))
}

fn is_off(layer: &LayerDescription, setting: &str) -> bool {
    layer.settings.get(setting) == Some(&Value::Flag(false))
}

pub(super) fn not_idempotent(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let repeating = pipeline.layers.iter().filter(|layer| {
        matches!(layer.kind, PolicyKind::Retry | PolicyKind::CongestionControl) && repeats(layer)
    });
    let silent = repeating.filter(|retry| is_off(retry, "idempotent"));
    let found = silent.map(|retry| {
        let value = "not said, so that only what was certainly not carried out is repeated".into();
        let advice = "said where carrying an operation out twice does no harm";
        info("retry/not-idempotent", retry, "idempotent", value, advice)
    });
    found.collect()
}

pub(super) fn no_budget(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let repeating = pipeline.layers.iter().filter(|layer| repeats(layer));
    let found = repeating.filter(|layer| is_off(layer, "budget")).map(|retry| {
        let value = "left out: a dependency that is down gets all attempts of all calls".into();
        let advice = "the default one, or one that several share";
        warning("retry/no-budget", retry, "budget", value, advice)
    });
    found.collect()
}

pub(super) fn no_attempt_timeout(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    // One whose attempts are overtaken, not cut off, needs none.
    let relying = retries(pipeline).filter(|retry| !holds(retry, "bounds_attempts"));
    let unbounded = relying.filter(|retry| !pipeline.has_inside(retry, is_timeout));
    let found = unbounded.map(|retry| {
        let value =
            "around no timeout: the first attempt that is never answered is the last".into();
        let advice = "around an attempt timeout";
        warning("retry/no-attempt-timeout", retry, "layer", value, advice)
    });
    found.collect()
}
