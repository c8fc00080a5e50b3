//! Variables of the environment, which beat a document.

use crate::Place;
use crate::kind::Kind;
use crate::mistakes::{Notes, one_of};
use crate::tree::{Node, Table, Value};

const PREFIX: &str = "SEAWALL__";

/// Those of the process that are text.
pub(crate) fn of_the_process() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Puts those among `variables` that are meant for us into the document.
pub(crate) fn apply(
    root: &mut Node,
    variables: impl IntoIterator<Item = (String, String)>,
    notes: &mut Notes,
) {
    let mut ours: Vec<_> =
        variables.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
    // The same result whatever order the environment has.
    ours.sort();
    for (name, text) in ours {
        let place = Place::new(name.as_str().into(), 0, 0);
        let path: Vec<&str> = name[PREFIX.len()..].split("__").collect();
        if path.len() < 3 || path.iter().any(|part| part.is_empty()) {
            let allowed = "SEAWALL__, a section, a name and keys, with __ between them";
            notes.refuse(name.clone(), &place, "unknown", allowed);
            continue;
        }
        match find(root, &path, 0, &place) {
            Ok(node) => *node = Node { value: value(&text), place },
            Err((part, known)) => {
                let part = part.to_lowercase();
                let given = format!("unknown: there is no {part}");
                notes.refuse(
                    name.clone(),
                    &place,
                    given,
                    one_of(&part, known.iter().map(|it| &**it)),
                );
            }
        }
    }
}

/// Where the value of a variable stands. A section and a name have to be there, or the part of the path
/// that is not comes back, with those that are; a key is read strictly later.
fn find<'n>(
    node: &'n mut Node,
    path: &[&str],
    depth: usize,
    place: &Place,
) -> Result<&'n mut Node, (String, Vec<String>)> {
    let Some((part, rest)) = path.split_first() else { return Ok(node) };
    let Some(key) = key_of(node, part, depth) else {
        let names = node.table().into_iter().flatten().map(|it| it.0.clone()).collect();
        return Err(((*part).to_owned(), names));
    };
    if node.table().is_none() {
        *node = empty(place);
    }
    let Value::Table(table) = &mut node.value else { return Err((key, Vec::new())) };
    for other in crate::merge::alternatives(&key) {
        table.remove(other);
    }
    let inner = table.entry(key).or_insert_with(|| empty(place));
    find(inner, rest, depth + 1, place)
}

fn empty(place: &Place) -> Node {
    Node { value: Value::Table(Table::new()), place: place.clone() }
}

/// The key of a table that a part of a variable's name means.
fn key_of(node: &Node, part: &str, depth: usize) -> Option<String> {
    let folded = |key: &str| key.to_uppercase().replace('-', "_");
    let table = node.table();
    let there = table.into_iter().flatten().map(|it| it.0).find(|key| folded(key) == part);
    match (there, depth) {
        (Some(key), _) => Some(key.clone()),
        // The defaults of a kind need not be there.
        (None, 0) if part == "DEFAULTS" => Some("defaults".to_owned()),
        (None, 1) => {
            let kind = Kind::ALL.into_iter().find(|kind| folded(kind.word()) == part);
            kind.map(|kind| kind.word().to_owned())
        }
        (None, 0) => None,
        (None, _) => Some(part.to_lowercase()),
    }
}

/// A value as TOML would have it, where that is no text.
fn value(text: &str) -> Value {
    match text {
        "true" => return Value::Flag(true),
        "false" => return Value::Flag(false),
        _ => {}
    }
    if let Ok(whole) = text.parse() {
        return Value::Whole(whole);
    }
    let is_decimal = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    match text.parse() {
        Ok(number) if text.bytes().all(is_decimal) => Value::Number(number),
        _ => Value::Text(text.to_owned()),
    }
}
