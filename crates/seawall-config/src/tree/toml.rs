use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{MAX_DEPTH, Node, Source, Table, Value};
use crate::{Mistakes, Place};

/// Parses TOML.
pub(crate) fn parse(source: &Source<'_>) -> Result<Node, Mistakes> {
    let (table, errors) = DeTable::parse_recoverable(source.text());
    if let Some(error) = errors.first() {
        let place = source.place(error.span().map_or(0, |span| span.start));
        let message: Vec<_> = error.message().split_whitespace().collect();
        return Err(Mistakes::one(Some(place), message.join(" ")));
    }
    let value = Value::Table(self::table(source, table.get_ref(), 1)?);
    Ok(Node { value, place: source.at(1, 1) })
}

fn table(source: &Source<'_>, table: &DeTable<'_>, depth: usize) -> Result<Table, Mistakes> {
    let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let key: &Spanned<std::borrow::Cow<'_, str>> = key;
        let place = source.place(key.span().start);
        Ok((key.get_ref().to_string(), node(source, value.get_ref(), place, depth)?))
    };
    table.iter().map(entry).collect()
}

fn node(
    source: &Source<'_>,
    value: &DeValue<'_>,
    place: Place,
    depth: usize,
) -> Result<Node, Mistakes> {
    if depth > MAX_DEPTH {
        return Err(Source::too_deep(place));
    }
    let value = match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Whole(number),
            Err(_) => Value::Other(number.to_string()),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Value::Number(number),
            Err(_) => Value::Other(number.to_string()),
        },
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(date) => Value::Other(date.to_string()),
        DeValue::Array(items) => {
            let item = |item: &Spanned<DeValue<'_>>| {
                node(source, item.get_ref(), source.place(item.span().start), depth + 1)
            };
            Value::List(items.iter().map(item).collect::<Result<_, _>>()?)
        }
        DeValue::Table(inner) => Value::Table(table(source, inner, depth + 1)?),
    };
    Ok(Node { value, place })
}
