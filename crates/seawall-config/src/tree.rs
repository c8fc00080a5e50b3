//! A document as a tree with places: what TOML, JSON and YAML have in common.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::{Mistakes, Place};

#[cfg(feature = "json")]
pub(crate) mod json;
#[cfg(feature = "toml")]
pub(crate) mod toml;
#[cfg(feature = "yaml")]
pub(crate) mod yaml;

/// The longest document: 1 MiB.
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// How deep tables and lists may lie in each other.
pub(crate) const MAX_DEPTH: usize = 32;

pub(crate) type Table = BTreeMap<String, Node>;

/// A value, and where it stands: where its key does, if it has one.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Table(Table),
    List(Vec<Node>),
    Text(String),
    Whole(i64),
    Number(f64),
    Flag(bool),
    /// `null`, or a date: what no setting is.
    Other(String),
}

/// Places differ between two sources of one tree.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Node {
    pub(crate) const fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.table()?.get(key)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_false(&self) -> bool {
        self.value == Value::Flag(false)
    }
}

/// As it would be written in TOML, cut where it is long.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.value.to_string();
        match text.char_indices().nth(80) {
            Some((cut, _)) => write!(f, "{}…", &text[..cut]),
            None => f.write_str(&text),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(table) if table.is_empty() => f.write_str("{}"),
            Self::Table(table) => {
                f.write_str("{ ")?;
                for (index, (key, node)) in table.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{key} = {}", node.value)?;
                }
                f.write_str(" }")
            }
            Self::List(list) => {
                f.write_str("[")?;
                for (index, node) in list.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{}", node.value)?;
                }
                f.write_str("]")
            }
            Self::Text(text) => write!(f, "\"{}\"", text.escape_debug()),
            Self::Whole(number) => number.fmt(f),
            Self::Number(number) => write!(f, "{number:?}"),
            Self::Flag(flag) => flag.fmt(f),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// A text that is being parsed: its name, and where its lines begin.
pub(crate) struct Source<'t> {
    name: Arc<str>,
    text: &'t str,
    lines: Vec<usize>,
}

impl<'t> Source<'t> {
    /// Checks the length, and ignores a byte order mark.
    pub(crate) fn new(name: &str, text: &'t str) -> Result<Self, Mistakes> {
        let name: Arc<str> = name.into();
        if text.len() > MAX_BYTES {
            let place = Place::new(name, 0, 0);
            let given = format!("a document of {} bytes: at most {MAX_BYTES} are read", text.len());
            return Err(Mistakes::one(Some(place), given));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Ok(Self { name, text, lines })
    }

    pub(crate) const fn text(&self) -> &'t str {
        self.text
    }

    /// The place of a byte of the text.
    #[cfg(any(feature = "toml", feature = "json"))]
    pub(crate) fn place(&self, byte: usize) -> Place {
        let line = self.lines.partition_point(|begin| *begin <= byte).max(1);
        let begin = self.lines.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(begin..byte).map_or(0, |text| text.chars().count());
        self.at(line, column + 1)
    }

    pub(crate) fn at(&self, line: usize, column: usize) -> Place {
        let small = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Place::new(Arc::clone(&self.name), small(line), small(column))
    }

    pub(crate) fn too_deep(place: Place) -> Mistakes {
        Mistakes::one(Some(place), format!("tables lie more than {MAX_DEPTH} deep in each other"))
    }

    /// Adds an entry to a table, unless it has one of that name.
    #[cfg(any(feature = "json", feature = "yaml"))]
    pub(crate) fn insert(table: &mut Table, key: String, node: Node) -> Result<(), Mistakes> {
        if table.contains_key(&key) {
            return Err(Mistakes::one(Some(node.place), format!("{key} is there twice")));
        }
        table.insert(key, node);
        Ok(())
    }
}

/// A number as it is written in JSON and in YAML, or the text that it is instead.
#[cfg(any(feature = "json", feature = "yaml"))]
fn number(text: &str) -> Value {
    let is_decimal = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    if let Ok(whole) = text.parse() {
        return Value::Whole(whole);
    }
    match text.parse() {
        Ok(number) if text.bytes().all(is_decimal) => Value::Number(number),
        _ => Value::Text(text.to_owned()),
    }
}
