use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::{MAX_DEPTH, Node, Source, Table, Value};
use crate::{Mistakes, Place};

/// JSON itself, without what JSONC and JSON5 add.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Parses JSON.
pub(crate) fn parse(source: &Source<'_>) -> Result<Node, Mistakes> {
    let parsed = parse_to_ast(source.text(), &CollectOptions::default(), &STRICT);
    let value = parsed.map_err(|error| {
        let place = source.place(error.range().start);
        Mistakes::one(Some(place), error.kind().to_string())
    })?;
    let place = source.at(1, 1);
    match &value.value {
        Some(object @ ast::Value::Object(_)) => node(source, object, place, 0),
        _ => Err(Mistakes::one(Some(place), "the document is no object")),
    }
}

fn node(
    source: &Source<'_>,
    value: &ast::Value<'_>,
    place: Place,
    depth: usize,
) -> Result<Node, Mistakes> {
    if depth > MAX_DEPTH {
        return Err(Source::too_deep(place));
    }
    let value = match value {
        ast::Value::StringLit(text) => Value::Text(text.value.to_string()),
        ast::Value::NumberLit(number) => super::number(number.value),
        ast::Value::BooleanLit(flag) => Value::Flag(flag.value),
        ast::Value::NullKeyword(_) => Value::Other("null".to_owned()),
        ast::Value::Array(array) => {
            let item =
                |item: &ast::Value<'_>| node(source, item, source.place(item.start()), depth + 1);
            Value::List(array.elements.iter().map(item).collect::<Result<_, _>>()?)
        }
        ast::Value::Object(object) => {
            let mut table = Table::new();
            for property in &object.properties {
                let place = source.place(property.start());
                let inner = node(source, &property.value, place, depth + 1)?;
                Source::insert(&mut table, property.name.as_str().to_owned(), inner)?;
            }
            Value::Table(table)
        }
    };
    Ok(Node { value, place })
}
