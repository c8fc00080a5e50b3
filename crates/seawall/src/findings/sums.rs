//! Rules about numbers of several layers that do not go together.

use seawall_core::{Finding, LayerDescription, PolicyKind};

use super::{
    Pipeline, count, error, is_attempt_timeout, is_breaker, is_timeout, is_total_timeout, repeats,
    shown, time, warning,
};

/// An open circuit that lasts longer than this many calls may take turns a blip into an outage.
const LONGEST_OPEN: u32 = 10;

/// One request more often than this is a storm where the dependency is down.
const MOST_ATTEMPTS: u64 = 5;

pub(super) fn attempt_not_below_total(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let around = pipeline.around(is_total_timeout, is_attempt_timeout);
    let found = around.filter_map(|(total, attempt)| {
        let (whole, limit) = (time(total, "limit")?, time(attempt, "limit")?);
        let value = format!("{limit:?}, where {} ends a call after {whole:?}", shown(total));
        let finding = error(
            "sum/attempt-not-below-total",
            attempt,
            "limit",
            value,
            "shorter than what the whole call has",
        );
        (limit >= whole).then_some(finding)
    });
    found.collect()
}

pub(super) fn attempts_do_not_fit(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let is_retry: fn(&LayerDescription) -> bool =
        |layer| layer.kind == PolicyKind::Retry && repeats(layer);
    let found = pipeline.around(is_total_timeout, is_retry).filter_map(|(total, retry)| {
        let (_, attempt) =
            pipeline.around(is_retry, is_attempt_timeout).find(|it| std::ptr::eq(it.0, retry))?;
        let whole = time(total, "limit")?;
        let (attempts, limit) = (count(retry, "max_attempts")?, time(attempt, "limit")?);
        let waits = time(retry, "least_waits")?;
        let sum = limit.saturating_mul(u32::try_from(attempts).unwrap_or(u32::MAX));
        let sum = sum.saturating_add(waits);
        let value = format!(
            "{attempts}, which take {sum:?} with {limit:?} each and at least {waits:?} between them; {} \
             ends a call after {whole:?}",
            shown(total)
        );
        let finding = warning(
            "sum/attempts-do-not-fit",
            retry,
            "max_attempts",
            value,
            "as many as fit: fewer attempts, shorter ones, or a longer timeout",
        );
        (sum > whole).then_some(finding)
    });
    found.collect()
}

/// Only a policy of the user's own can be a second one that repeats: a retry in a retry does not
/// compile.
pub(super) fn amplification(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let found = pipeline.around(repeats, repeats).take(1).filter_map(|(outer, inner)| {
        let attempts = pipeline.description.max_attempts();
        let most = attempts.map_or_else(|| "any number of".to_owned(), |most| most.to_string());
        let value = format!("around {}, so that one call is up to {most} requests", shown(inner));
        let finding = warning(
            "sum/amplification",
            outer,
            "layer",
            value,
            "the only one that repeats, or both with few attempts",
        );
        attempts.is_none_or(|most| most > MOST_ATTEMPTS).then_some(finding)
    });
    found.collect()
}

pub(super) fn open_longer_than_timeout(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let found = pipeline.around(is_total_timeout, is_breaker).filter_map(|(total, breaker)| {
        let (whole, open) = (time(total, "limit")?, time(breaker, "longest_open_wait")?);
        let value = format!(
            "up to {open:?}, more than {LONGEST_OPEN} times the {whole:?} of {}: a short outage becomes \
             a long one",
            shown(total)
        );
        let finding =
            warning("sum/open-longer-than-timeout", breaker, "open_wait", value, "shorter");
        (open > whole.saturating_mul(LONGEST_OPEN)).then_some(finding)
    });
    found.collect()
}

pub(super) fn queue_longer_than_timeout(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let queues: fn(&LayerDescription) -> bool = |layer| time(layer, "longest_wait").is_some();
    let found = pipeline.around(is_timeout, queues).filter_map(|(timeout, limit)| {
        let (whole, wait) = (time(timeout, "limit")?, time(limit, "longest_wait")?);
        let value = format!(
            "{wait:?}, where {} ends a call after {whole:?}: places go to calls that have no time left",
            shown(timeout)
        );
        let finding = warning(
            "sum/queue-longer-than-timeout",
            limit,
            "longest_wait",
            value,
            "so much shorter than the timeout that a call can still be made",
        );
        (wait >= whole).then_some(finding)
    });
    found.collect()
}

pub(super) fn heavier_than_limit(pipeline: &Pipeline<'_>) -> Vec<Finding> {
    let found = pipeline.layers.iter().filter_map(|layer| {
        let (weight, limit) = (count(layer, "weight")?, count(layer, "limit")?);
        let value = format!("{weight}, of a limit of {limit}: no call can ever start");
        let finding = error("sum/heavier-than-limit", layer, "weight", value, "at most the limit");
        (weight > limit).then_some(finding)
    });
    found.collect()
}
