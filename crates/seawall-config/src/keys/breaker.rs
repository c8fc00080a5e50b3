use std::time::Duration;

use seawall::breaker::{Abandoned, BreakerBuilder, Ramp};

use super::backoff::backoff;
use super::{Key, Keyed, keys};
use crate::kind::Kind;
use crate::reader::Reader;
use crate::tree::{Node, Value};

keys! { Breaker, BreakerBuilder;
    live {
        consecutive_failures: count,
        without_consecutive_failures: flag,
        failure_rate: number,
        without_failure_rate: flag,
        slow_call_rate as (slow_call_rate),
        open_when as (open_when),
        count_window: count,
        time_window: time,
        slices: count,
        min_calls: count,
        open_wait by backoff,
        forget_after: time,
        max_retry_after: time,
        without_retry_after: flag,
        probes: count,
        probe_successes: count,
        lease: time,
        ramp by ramp,
        wait_for_verdict as (wait_for_verdict),
        abandoned_as by abandoned,
    }
    fixed {
        tally: flag,
        restore as (restore),
        restore_after as (restore_after),
    }
}

fn slow_call_rate(builder: BreakerBuilder, node: &Node, reader: &mut Reader<'_>) -> BreakerBuilder {
    let (mut rate, mut after) = (None, None);
    reader.fields(node, &["rate", "after"], |reader, number, value| match number {
        0 => rate = reader.number(value),
        _ => after = reader.time(value),
    });
    let (rate, after) = (reader.needed(node, "rate", rate), reader.needed(node, "after", after));
    match (rate, after) {
        (Some(rate), Some(after)) => builder.slow_call_rate(rate, after),
        _ => builder,
    }
}

fn open_when(builder: BreakerBuilder, node: &Node, reader: &mut Reader<'_>) -> BreakerBuilder {
    match reader.code(node, |code| &code.open_when) {
        Some(holds) => builder.open_when(move |counts| holds(counts)),
        None => builder,
    }
}

/// `{ stages = [0.1, 0.5], each = "250ms" }`, or a length for each: `{ stages = [{ share = 0.1, length =
/// "1s" }] }`.
fn ramp(node: &Node, reader: &mut Reader<'_>) -> Option<Ramp> {
    let (mut stages, mut each, mut rate, mut calls) = (None, None, None, None);
    let keys = ["stages", "each", "failure_rate", "min_calls"];
    // The length of a stage may stand after the stages.
    if let Some(value) = node.get("each") {
        each = reader.within("each", |reader| reader.time(value));
    }
    reader.fields(node, &keys, |reader, number, value| match number {
        0 => stages = self::stages(value, each, reader),
        1 => {}
        2 => rate = reader.number(value),
        _ => calls = reader.count(value),
    });
    let mut ramp = Ramp::of(reader.needed(node, "stages", stages)?);
    if let Some(rate) = rate {
        ramp = ramp.failure_rate(rate);
    }
    if let Some(calls) = calls {
        ramp = ramp.min_calls(calls);
    }
    Some(ramp)
}

fn stages(
    node: &Node,
    each: Option<Duration>,
    reader: &mut Reader<'_>,
) -> Option<Vec<(f64, Duration)>> {
    let items = reader.list(node)?;
    let mut stages = Vec::new();
    for (number, item) in items.iter().take(Ramp::MAX_STAGES + 1).enumerate() {
        stages.push(reader.within(format!("[{number}]"), |reader| stage(item, each, reader))?);
    }
    Some(stages)
}

fn stage(node: &Node, each: Option<Duration>, reader: &mut Reader<'_>) -> Option<(f64, Duration)> {
    let (mut share, mut length) = (None, each);
    if let Value::Table(_) = node.value {
        reader.fields(node, &["share", "length"], |reader, number, value| match number {
            0 => share = reader.number(value),
            _ => length = reader.time(value),
        });
        share = reader.needed(node, "share", share);
    } else {
        share = reader.number(node);
    }
    if length.is_none() {
        reader.refuse(node, "without a length", "given one: `length`, or `each` for all stages");
    }
    Some((share?, length?))
}

fn wait_for_verdict(
    builder: BreakerBuilder,
    node: &Node,
    reader: &mut Reader<'_>,
) -> BreakerBuilder {
    let (mut callers, mut longest) = (None, None);
    reader.fields(node, &["callers", "longest"], |reader, number, value| match number {
        0 => callers = reader.count(value),
        _ => longest = reader.time(value),
    });
    callers = reader.needed(node, "callers", callers);
    longest = reader.needed(node, "longest", longest);
    match (callers, longest) {
        (Some(callers), Some(longest)) => builder.wait_for_verdict(callers, longest),
        _ => builder,
    }
}

fn abandoned(node: &Node, reader: &mut Reader<'_>) -> Option<Abandoned> {
    reader.word(node, &[("ignored", Abandoned::Ignored), ("failure", Abandoned::Failure)])
}

fn restore(builder: BreakerBuilder, node: &Node, reader: &mut Reader<'_>) -> BreakerBuilder {
    match reader.code(node, |code| &code.restore) {
        Some(export) => builder.restore(export),
        None => builder,
    }
}

fn restore_after(builder: BreakerBuilder, node: &Node, reader: &mut Reader<'_>) -> BreakerBuilder {
    match reader.code(node, |code| &code.restore_after) {
        Some((export, elapsed)) => builder.restore_after(export, elapsed),
        None => builder,
    }
}
