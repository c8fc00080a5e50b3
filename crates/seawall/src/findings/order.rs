//! Rules about which layer is around which.

use seawall_core::{Finding, LayerDescription, PolicyKind};

use super::{
    Pipeline, error, holds, info, is_attempt_timeout, is_breaker, is_limit, is_panic_guard,
    is_timeout, repeats, shown, warning,
};

pub(super) fn attempt_timeout_outside_retry(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let around = pipeline.around(is_attempt_timeout, repeats).map(|(timeout, retry)| {
        let value = format!("around {}, where it cuts off all attempts together", shown(retry));
        let advice = "inside of what repeats; a limit of all attempts has the scope of a call";
        error("order/attempt-timeout-outside-retry", timeout, "layer", value, advice)
    });
    around.collect()
}

pub(super) fn attempt_timeout_outside_breaker(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let around = pipeline.around(is_attempt_timeout, is_breaker);
    let blind = around.filter(|(_, breaker)| {
        !holds(breaker, "abandoned_is_failure") && !pipeline.has_inside(breaker, is_timeout)
    });
    let found = blind.map(|(timeout, breaker)| {
        let value = format!(
            "around {}, which takes an attempt that is cut off for one that was given up: it never \
             opens for a dependency that does not answer",
            shown(breaker)
        );
        error(
            "order/attempt-timeout-outside-breaker",
            timeout,
            "layer",
            value,
            "inside the breaker",
        )
    });
    found.collect()
}

/// An adaptive limit takes the time that its call has for the caller's patience. One that reads the
/// deadline of the whole call says so.
pub(super) fn limit_outside_attempt_timeout(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let is_adaptive: fn(&LayerDescription) -> bool =
        |layer| layer.kind == PolicyKind::AdaptiveLimit && !holds(layer, "reads_deadline");
    let around = pipeline.around(is_adaptive, is_attempt_timeout);
    let blind = around.filter(|(limit, _)| !pipeline.has_around(limit, is_attempt_timeout));
    let found = blind.map(|(limit, timeout)| {
        let value = format!(
            "around {}, so that it does not know how long an attempt may take",
            shown(timeout)
        );
        error("order/limit-outside-attempt-timeout", limit, "layer", value, "inside that timeout")
    });
    found.collect()
}

pub(super) fn fallback_inside(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let answers: fn(&LayerDescription) -> bool =
        |layer| layer.kind == PolicyKind::Fallback && holds(layer, "answers_for_failures");
    let retry = pipeline.around(repeats, answers).map(|(retry, fallback)| {
        let value = format!("inside {}, where it answers for every first failure", shown(retry));
        error("order/fallback-inside-retry", fallback, "layer", value, "around the retry")
    });
    let breaker = pipeline.around(is_breaker, answers).map(|(breaker, fallback)| {
        let value = format!("inside {}, which sees nothing but successes", shown(breaker));
        error("order/fallback-inside-breaker", fallback, "layer", value, "around the breaker")
    });
    retry.chain(breaker).collect()
}

pub(super) fn chaos_not_innermost(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let outer = pipeline.layers.split_last().map_or(&[][..], |(_, outer)| outer);
    let chaos = outer.iter().filter(|layer| layer.kind == PolicyKind::Chaos);
    let found = chaos.map(|chaos| {
        let value = "around another policy".to_owned();
        let advice = "the innermost of the pipeline";
        error("order/chaos-not-innermost", chaos, "layer", value, advice)
    });
    found.collect()
}

pub(super) fn panics_without_guard(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    if !pipeline.description.panics() {
        return Vec::new();
    }
    let chaos = pipeline.layers.iter().rev().find(|layer| layer.kind == PolicyKind::Chaos);
    let found = chaos.or(pipeline.layers.last()).map(|layer| {
        let advice = "0 where no panic guard is around it, unless `unguarded` is said";
        error("order/panics-without-guard", layer, "panic", "above 0".to_owned(), advice)
    });
    found.into_iter().collect()
}

pub(super) fn breaker_outside_retry(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let around = pipeline.around(is_breaker, repeats).map(|(breaker, retry)| {
        let value = format!(
            "around {}, so that a call counts once, whatever its attempts met, and an open circuit is \
             found late",
            shown(retry)
        );
        let advice = "inside the retry, unless calls are what it is to count";
        warning("order/breaker-outside-retry", breaker, "layer", value, advice)
    });
    around.collect()
}

pub(super) fn limit_outside_retry(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let around = pipeline.around(is_limit, repeats).map(|(limit, retry)| {
        let value =
            format!("around {}, so that a call holds its place while it waits", shown(retry));
        warning("order/limit-outside-retry", limit, "layer", value, "inside the retry")
    });
    around.collect()
}

pub(super) fn panic_guard_outermost(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let counts: fn(&LayerDescription) -> bool = |layer| is_breaker(layer) || is_limit(layer);
    let around = pipeline.around(is_panic_guard, counts);
    let passed = around.filter(|(_, inner)| !pipeline.has_inside(inner, is_panic_guard));
    let found = passed.map(|(guard, inner)| {
        let value = format!("around {}, through which a panic passes uncounted", shown(inner));
        warning("order/panic-guard-outermost", guard, "layer", value, "the innermost")
    });
    found.collect()
}

pub(super) fn rate_limit_inside_retry(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let is_rate: fn(&LayerDescription) -> bool = |layer| layer.kind == PolicyKind::RateLimit;
    let around = pipeline.around(repeats, is_rate).map(|(retry, rate)| {
        let value = format!("inside {}, whose retries use up the rate", shown(retry));
        let advice = "around the retry, unless attempts are what it is to count";
        info("order/rate-limit-inside-retry", rate, "layer", value, advice)
    });
    around.collect()
}
