//! Bulkhead, rate limit and throttle.

use std::time::Duration;

use seawall::limit::{Algorithm, BulkheadBuilder, Priority, RateLimitBuilder, ThrottleBuilder};

use super::{Key, Keyed, keys};
use crate::kind::Kind;
use crate::mistakes::one_of;
use crate::reader::Reader;
use crate::tree::Node;

keys! { Bulkhead, BulkheadBuilder;
    live {
        limit: count,
    }
    fixed {
        queue as (|builder: BulkheadBuilder, node, reader| match queue(node, reader) {
            Some((capacity, longest)) => builder.queue(capacity, longest),
            None => builder,
        }),
        lifo: flag,
        by_priority: flag,
        fair: flag,
        codel as (codel),
        partition as (partition),
        priority_share as (priority_share),
    }
}

keys! { RateLimit, RateLimitBuilder;
    live {
        rate as (rate),
        per_second: large,
        burst: large,
    }
    fixed {
        algorithm by algorithm,
        queue as (|builder: RateLimitBuilder, node, reader| match queue(node, reader) {
            Some((capacity, longest)) => builder.queue(capacity, longest),
            None => builder,
        }),
    }
}

keys! { Throttle, ThrottleBuilder;
    live {
        k: number,
        min_requests: count,
        window: time,
        max_probability: number,
    }
    fixed {}
}

fn queue(node: &Node, reader: &mut Reader<'_>) -> Option<(u32, Duration)> {
    let (mut capacity, mut longest) = (None, None);
    reader.fields(node, &["capacity", "longest_wait"], |reader, number, value| match number {
        0 => capacity = reader.count(value),
        _ => longest = reader.time(value),
    });
    capacity = reader.needed(node, "capacity", capacity);
    longest = reader.needed(node, "longest_wait", longest);
    capacity.zip(longest)
}

fn codel(builder: BulkheadBuilder, node: &Node, reader: &mut Reader<'_>) -> BulkheadBuilder {
    let (mut target, mut interval) = (None, None);
    reader.fields(node, &["target", "interval"], |reader, number, value| match number {
        0 => target = reader.time(value),
        _ => interval = reader.time(value),
    });
    target = reader.needed(node, "target", target);
    interval = reader.needed(node, "interval", interval);
    match (target, interval) {
        (Some(target), Some(interval)) => builder.codel(target, interval),
        _ => builder,
    }
}

/// `{ gold = 0.5, free = 0.2 }`.
fn partition(builder: BulkheadBuilder, node: &Node, reader: &mut Reader<'_>) -> BulkheadBuilder {
    let Some(table) = reader.table(node) else { return builder };
    let mut builder = builder;
    for (name, share) in table {
        let share = reader.within(name.clone(), |reader| reader.number(share));
        if let Some(share) = share {
            builder = builder.partition(name.as_str(), share);
        }
    }
    builder
}

/// `{ low = 0.5, normal = 0.9 }`.
pub(super) fn priority_shares(node: &Node, reader: &mut Reader<'_>) -> Vec<(Priority, f64)> {
    let mut shares = Vec::new();
    for (name, share) in reader.table(node).into_iter().flatten() {
        let priority = Priority::ALL.into_iter().find(|it| it.as_str() == name);
        reader.within(name.clone(), |reader| {
            let Some(priority) = priority else {
                let words = Priority::ALL.map(Priority::as_str);
                return reader.refuse(share, "unknown", one_of(name, words));
            };
            shares.extend(reader.number(share).map(|share| (priority, share)));
        });
    }
    shares
}

fn priority_share(
    builder: BulkheadBuilder,
    node: &Node,
    reader: &mut Reader<'_>,
) -> BulkheadBuilder {
    let shares = priority_shares(node, reader);
    shares.into_iter().fold(builder, |builder, it| builder.priority_share(it.0, it.1))
}

fn rate(builder: RateLimitBuilder, node: &Node, reader: &mut Reader<'_>) -> RateLimitBuilder {
    let (mut permits, mut period) = (None, None);
    reader.fields(node, &["permits", "period"], |reader, number, value| match number {
        0 => permits = reader.large(value),
        _ => period = reader.time(value),
    });
    permits = reader.needed(node, "permits", permits);
    period = reader.needed(node, "period", period);
    match (permits, period) {
        (Some(permits), Some(period)) => builder.rate(permits, period),
        _ => builder,
    }
}

fn algorithm(node: &Node, reader: &mut Reader<'_>) -> Option<Algorithm> {
    reader.word(
        node,
        &[
            ("gcra", Algorithm::Gcra),
            ("fixed_window", Algorithm::FixedWindow),
            ("sliding_log", Algorithm::SlidingLog),
            ("sliding_counter", Algorithm::SlidingCounter),
        ],
    )
}
