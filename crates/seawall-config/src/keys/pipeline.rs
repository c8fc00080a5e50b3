use std::time::Duration;

use seawall::breaker::BreakerBuilder;
use seawall::limit::CongestionControlBuilder;
use seawall::{Breaker, CongestionControl, ExpectedLoad, StandardBuilder};

use super::{Key, Keyed, keys};
use crate::kind::Kind;
use crate::reader::Reader;
use crate::tree::{Node, Value};

keys! { Pipeline, StandardBuilder;
    live {
        timeout as (|builder: StandardBuilder, node, reader| match time_or_never(node, reader) {
            Some(limit) => builder.timeout(limit),
            None => builder,
        }),
        without_timeout: flag,
        idempotent: flag,
        congestion_control as (congestion_control),
        without_congestion_control: flag,
        breaker as (breaker),
        without_breaker: flag,
        attempt_timeout as (|builder: StandardBuilder, node, reader| {
            match time_or_never(node, reader) {
                Some(limit) => builder.attempt_timeout(limit),
                None => builder,
            }
        }),
        without_attempt_timeout: flag,
        expected_load as (|builder: StandardBuilder, node, reader| match load(node, reader) {
            Some(load) => builder.expected_load(load.value()),
            None => builder,
        }),
    }
    fixed {
        with_congestion_control as (with_congestion_control),
        with_breaker as (with_breaker),
        without_panic_guard: flag,
        classify as (classify),
    }
}

/// A time, or `false` for none.
fn time_or_never(node: &Node, reader: &mut Reader<'_>) -> Option<Duration> {
    if node.is_false() { Some(Duration::MAX) } else { reader.time(node) }
}

/// The load that is expected in good times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    pub(crate) per_second: f64,
    pub(crate) taking: Option<Duration>,
}

impl Load {
    pub(crate) const fn value(self) -> ExpectedLoad {
        let load = ExpectedLoad::per_second(self.per_second);
        match self.taking {
            Some(time) => load.taking(time),
            None => load,
        }
    }
}

/// `{ per_second = 200, taking = "50ms" }`.
pub(crate) fn load(node: &Node, reader: &mut Reader<'_>) -> Option<Load> {
    let (mut per_second, mut taking) = (None, None);
    reader.fields(node, &["per_second", "taking"], |reader, number, value| match number {
        0 => per_second = reader.number(value),
        _ => taking = reader.time(value),
    });
    let per_second = reader.needed(node, "per_second", per_second)?;
    if !(per_second.is_finite() && per_second >= 0.0) {
        reader.refuse(node, per_second, "a number of calls a second");
        return None;
    }
    Some(Load { per_second, taking })
}

/// The classifier is in the type of a pipeline: here it is only looked for.
fn classify(builder: StandardBuilder, node: &Node, reader: &mut Reader<'_>) -> StandardBuilder {
    reader.code(node, |code| &code.classifiers);
    builder
}

fn congestion_control(
    builder: StandardBuilder,
    node: &Node,
    reader: &mut Reader<'_>,
) -> StandardBuilder {
    match &node.value {
        Value::Flag(false) => builder.without_congestion_control(),
        Value::Text(_) => with_congestion_control(builder, node, reader),
        _ => match super::own(
            CongestionControl::builder,
            node,
            reader,
            CongestionControlBuilder::build,
        ) {
            Some(own) => builder.congestion_control(|_| own),
            None => builder,
        },
    }
}

fn with_congestion_control(
    builder: StandardBuilder,
    node: &Node,
    reader: &mut Reader<'_>,
) -> StandardBuilder {
    match reader.shared(node, Kind::CongestionControl, |it| &it.congestion_controls) {
        Some(control) => builder.with_congestion_control(control),
        None => builder,
    }
}

fn breaker(builder: StandardBuilder, node: &Node, reader: &mut Reader<'_>) -> StandardBuilder {
    match &node.value {
        Value::Flag(false) => builder.without_breaker(),
        Value::Text(_) => with_breaker(builder, node, reader),
        _ => match super::own(Breaker::builder, node, reader, BreakerBuilder::build) {
            Some(own) => builder.breaker(|_| own),
            None => builder,
        },
    }
}

fn with_breaker(builder: StandardBuilder, node: &Node, reader: &mut Reader<'_>) -> StandardBuilder {
    match reader.shared(node, Kind::Breaker, |it| &it.breakers) {
        Some(breaker) => builder.with_breaker(breaker),
        None => builder,
    }
}
