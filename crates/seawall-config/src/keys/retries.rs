//! What repeats: retry, hedge and their budget.

use seawall::retry::{BudgetBuilder, HedgeBuilder, RetryBuilder};
use seawall::{Budget, WhileDown, limit::CongestionControlBuilder};

use super::backoff::backoff;
use super::{Key, Keyed, keys};
use crate::kind::Kind;
use crate::reader::Reader;
use crate::tree::{Node, Value};

keys! { Budget, BudgetBuilder;
    live {
        deposit: number,
        cost: number,
        reserve: number,
        capacity: number,
        refill_per_second: number,
        in_flight as (in_flight),
    }
    fixed {
        without_tokens: flag,
    }
}

keys! { Retry, RetryBuilder;
    live {
        max_attempts: count,
        unlimited_attempts: flag,
        backoff by backoff,
        idempotent: flag,
        deadline: time,
        max_retry_after: time,
        wait_for_rejections: flag,
        max_same_panics: count,
        history: size,
        while_attempt as (while_attempt),
        budget as (retry_budget),
        own_budget as (own_budget),
    }
    fixed {
        without_budget: flag,
    }
}

keys! { Hedge, HedgeBuilder;
    live {
        delay: time,
        delay_percentile: number,
        min_samples: count,
        max_attempts: count,
        max_in_flight: count,
    }
    fixed {
        delay_by as (delay_by),
        budget as (hedge_budget),
        without_budget: flag,
    }
}

keys! { CongestionControl, CongestionControlBuilder;
    live {
        idempotent: flag,
        max_attempts: count,
        while_down by while_down,
        hedging: flag,
        disabled: flag,
    }
    fixed {}
}

fn in_flight(builder: BudgetBuilder, node: &Node, reader: &mut Reader<'_>) -> BudgetBuilder {
    let (mut share, mut floor) = (None, None);
    reader.fields(node, &["share", "floor"], |reader, number, value| match number {
        0 => share = reader.number(value),
        _ => floor = reader.count(value),
    });
    share = reader.needed(node, "share", share);
    floor = reader.needed(node, "floor", floor);
    match (share, floor) {
        (Some(share), Some(floor)) => builder.in_flight(share, floor),
        _ => builder,
    }
}

fn while_attempt(builder: RetryBuilder, node: &Node, reader: &mut Reader<'_>) -> RetryBuilder {
    match reader.code(node, |code| &code.while_attempt) {
        Some(may) => builder.while_attempt(move |attempt, class| may(attempt, class)),
        None => builder,
    }
}

/// A shared one by name, one of its own as a table, or `false`.
enum Source {
    Shared(Budget),
    Own(BudgetBuilder),
    None,
}

fn source(node: &Node, reader: &mut Reader<'_>) -> Option<Source> {
    match &node.value {
        Value::Flag(false) => Some(Source::None),
        Value::Table(_) => own(node, reader).map(Source::Own),
        Value::Text(_) => reader.shared(node, Kind::Budget, |it| &it.budgets).map(Source::Shared),
        _ => {
            reader.refuse(node, node, "the name of a budget, a table, or false");
            None
        }
    }
}

fn own(node: &Node, reader: &mut Reader<'_>) -> Option<BudgetBuilder> {
    super::own(Budget::builder, node, reader, BudgetBuilder::build)
}

fn retry_budget(builder: RetryBuilder, node: &Node, reader: &mut Reader<'_>) -> RetryBuilder {
    match source(node, reader) {
        Some(Source::Shared(budget)) => builder.budget(&budget),
        Some(Source::Own(budget)) => builder.own_budget(budget),
        Some(Source::None) => builder.without_budget(),
        None => builder,
    }
}

fn own_budget(builder: RetryBuilder, node: &Node, reader: &mut Reader<'_>) -> RetryBuilder {
    match own(node, reader) {
        Some(budget) => builder.own_budget(budget),
        None => builder,
    }
}

fn hedge_budget(builder: HedgeBuilder, node: &Node, reader: &mut Reader<'_>) -> HedgeBuilder {
    match source(node, reader) {
        Some(Source::Shared(budget)) => builder.budget(&budget),
        Some(Source::None) => builder.without_budget(),
        // A hedge has a budget of its own with the defaults, or one that is shared.
        Some(Source::Own(_)) => {
            reader.refuse(node, "a table", "the name of a budget, or false");
            builder
        }
        None => builder,
    }
}

fn delay_by(builder: HedgeBuilder, node: &Node, reader: &mut Reader<'_>) -> HedgeBuilder {
    match reader.code(node, |code| &code.delay_by) {
        Some(delay) => builder.delay_by(move |attempt| delay(attempt)),
        None => builder,
    }
}

fn while_down(node: &Node, reader: &mut Reader<'_>) -> Option<WhileDown> {
    reader.word(node, &[("wait", WhileDown::Wait), ("refuse", WhileDown::Refuse)])
}
