use seawall::limit::AdaptiveLimitBuilder;
use seawall::limit::adaptive::{Adaptation, Aimd, Gradient, Vegas};

use super::limits::priority_shares;
use super::{Key, Keyed, keys};
use crate::kind::Kind;
use crate::reader::Reader;
use crate::tree::{Node, Value};

keys! { AdaptiveLimit, AdaptiveLimitBuilder;
    live {
        adaptation by adaptation,
        min: count,
        max: count,
        initial: count,
        shadow: flag,
    }
    fixed {
        priority_share as (|builder: AdaptiveLimitBuilder, node, reader| {
            let shares = priority_shares(node, reader);
            shares.into_iter().fold(builder, |builder, it| builder.priority_share(it.0, it.1))
        }),
    }
}

/// `"vegas"`, or `{ aimd = { slow = "1s", increase = 1, decrease = 0.7 } }`.
fn adaptation(node: &Node, reader: &mut Reader<'_>) -> Option<Adaptation> {
    if let Value::Text(_) = node.value {
        return reader.word(
            node,
            &[
                ("aimd", Adaptation::Aimd(Aimd::default())),
                ("vegas", Adaptation::Vegas(Vegas::default())),
                ("gradient", Adaptation::Gradient(Gradient::default())),
            ],
        );
    }
    let mut found = None;
    reader.fields(node, &["aimd", "vegas", "gradient"], |reader, number, value| {
        found = Some(match number {
            0 => Adaptation::Aimd(aimd(value, reader)),
            1 => Adaptation::Vegas(vegas(value, reader)),
            _ => Adaptation::Gradient(gradient(value, reader)),
        });
    });
    found
}

fn aimd(node: &Node, reader: &mut Reader<'_>) -> Aimd {
    let mut aimd = Aimd::default();
    reader.fields(node, &["slow", "increase", "decrease"], |reader, number, value| {
        aimd = match number {
            0 => reader.time(value).map_or(aimd, |slow| aimd.slow(slow)),
            1 => reader.number(value).map_or(aimd, |step| aimd.increase(step)),
            _ => reader.number(value).map_or(aimd, |factor| aimd.decrease(factor)),
        };
    });
    aimd
}

fn vegas(node: &Node, reader: &mut Reader<'_>) -> Vegas {
    let mut vegas = Vegas::default();
    reader.fields(node, &["memory"], |reader, _, value| {
        vegas = reader.count(value).map_or(vegas, |memory| vegas.memory(memory));
    });
    vegas
}

fn gradient(node: &Node, reader: &mut Reader<'_>) -> Gradient {
    let mut gradient = Gradient::default();
    reader.fields(node, &["tolerance", "room"], |reader, number, value| {
        gradient = match number {
            0 => reader.number(value).map_or(gradient, |ratio| gradient.tolerance(ratio)),
            _ => reader.number(value).map_or(gradient, |calls| gradient.room(calls)),
        };
    });
    gradient
}
