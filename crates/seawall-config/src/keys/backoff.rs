use seawall::{Backoff, Jitter};

use crate::mistakes::one_of;
use crate::reader::Reader;
use crate::tree::{Node, Value};

const FIELDS: &[&str] =
    &["initial", "step", "factor", "constant", "list", "from_fn", "max", "jitter"];

/// `"100ms"`, always the same, or a table: `{ initial = "100ms", factor = 2, max = "5s" }` grows by a
/// factor, with `step` by that, `{ list = ["1s", "5s"] }` is as it says, `{ from_fn = "name" }` asks the
/// program.
pub(super) fn backoff(node: &Node, reader: &mut Reader<'_>) -> Option<Backoff> {
    if let Value::Text(_) = node.value {
        return reader.time(node).map(Backoff::constant);
    }
    let (mut initial, mut step, mut factor) = (None, None, None);
    let (mut other, mut max, mut shape) = (None, None, None);
    reader.fields(node, FIELDS, |reader, number, value| match FIELDS[number] {
        "initial" => initial = reader.time(value),
        "step" => step = reader.time(value),
        "factor" => factor = reader.number(value),
        "constant" => other = reader.time(value).map(Backoff::constant),
        "list" => other = list(value, reader),
        "from_fn" => {
            let found = reader.code(value, |code| &code.from_fn);
            other =
                Some(found.map_or(Backoff::none(), |delay| Backoff::from_fn(move |n| delay(n))));
        }
        "max" => max = reader.time(value),
        _ => shape = jitter(value, reader),
    });
    let mut backoff = match (initial, step, other) {
        (Some(initial), Some(step), None) => Backoff::linear(initial, step),
        (Some(initial), None, None) => Backoff::exponential(initial),
        (_, _, Some(other)) => other,
        (None, _, None) => {
            let table = node.table()?;
            if ["initial", "constant", "list", "from_fn"].iter().all(|it| !table.contains_key(*it))
            {
                reader.needed(node, "initial", None::<()>);
            }
            return None;
        }
    };
    if let Some(factor) = factor {
        backoff = backoff.factor(factor);
    }
    if let Some(max) = max {
        backoff = backoff.max(max);
    }
    if let Some(shape) = shape {
        backoff = backoff.jitter(shape);
    }
    Some(backoff)
}

fn list(node: &Node, reader: &mut Reader<'_>) -> Option<Backoff> {
    let items = reader.list(node)?;
    if items.len() > usize::from(Backoff::MAX_LIST) {
        let times = items.len();
        let given = format_args!("{times} times");
        reader.refuse(node, given, format_args!("at most {}", Backoff::MAX_LIST));
        return None;
    }
    let mut times = Vec::with_capacity(items.len());
    for (number, item) in items.iter().enumerate() {
        times.push(reader.within(format!("[{number}]"), |reader| reader.time(item))?);
    }
    Some(Backoff::list(times))
}

/// `"full"`, `"equal"`, `"none"`, `"decorrelated"`, or a share of the delay.
fn jitter(node: &Node, reader: &mut Reader<'_>) -> Option<Jitter> {
    const WORDS: &[(&str, Jitter)] = &[
        ("none", Jitter::None),
        ("full", Jitter::Full),
        ("equal", Jitter::Equal),
        ("decorrelated", Jitter::Decorrelated),
    ];
    if let Value::Number(share) = node.value {
        return Some(Jitter::Proportional(share));
    }
    let given = node.text().unwrap_or_default();
    let found = WORDS.iter().find(|word| word.0 == given).map(|word| word.1);
    if found.is_none() {
        let words = one_of(given, WORDS.iter().map(|word| word.0));
        reader.refuse(node, node, format_args!("{words}; or a share of the delay such as 0.1"));
    }
    found
}
