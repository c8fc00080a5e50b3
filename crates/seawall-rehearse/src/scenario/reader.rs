//! Reads a table strictly, and notes every mistake with its place and what is allowed.

use std::cell::RefCell;
use std::fmt;
use std::ops::RangeInclusive;

use toml::{Table, Value};

use crate::time::{self, Nanos};

/// All that is wrong with a scenario, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(Vec<String>);

impl Mistakes {
    pub(crate) fn one(line: impl Into<String>) -> Self {
        Self(vec![line.into()])
    }

    /// The lines. Each begins with the field.
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Mistakes {}

/// Where mistakes are noted.
#[derive(Debug, Default)]
pub(crate) struct Notes(RefCell<Vec<String>>);

impl Notes {
    pub(crate) fn refuse(&self, field: &str, given: impl fmt::Display, allowed: impl fmt::Display) {
        self.0.borrow_mut().push(format!("{field} is {given}, but must be {allowed}"));
    }

    pub(crate) fn finish<T>(self, value: T) -> Result<T, Mistakes> {
        let notes = self.0.into_inner();
        if notes.is_empty() { Ok(value) } else { Err(Mistakes(notes)) }
    }
}

/// A table that is being read.
pub(crate) struct Reader<'a> {
    path: String,
    table: &'a Table,
    known: RefCell<Vec<&'static str>>,
    notes: &'a Notes,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(path: String, table: &'a Table, notes: &'a Notes) -> Self {
        Self { path, table, known: RefCell::default(), notes }
    }

    /// The full name of a field.
    pub(crate) fn field(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(crate) fn notes(&self) -> &'a Notes {
        self.notes
    }

    pub(crate) fn refuse(&self, key: &str, given: impl fmt::Display, allowed: impl fmt::Display) {
        self.notes.refuse(&self.field(key), given, allowed);
    }

    /// The value as it is written.
    pub(crate) fn raw(&self, key: &'static str) -> Option<&'a Value> {
        self.known.borrow_mut().push(key);
        self.table.get(key)
    }

    /// Whether the field is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A number in `range`.
    pub(crate) fn number(&self, key: &'static str, range: &RangeInclusive<f64>) -> Option<f64> {
        let value = self.raw(key)?;
        let number = match value {
            #[expect(clippy::cast_precision_loss, reason = "no field needs more than 53 bits")]
            Value::Integer(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            _ => None,
        };
        let allowed = || format!("a number between {} and {}", range.start(), range.end());
        match number {
            Some(number) if range.contains(&number) => Some(number),
            _ => {
                self.refuse(key, value, allowed());
                None
            }
        }
    }

    /// A whole number in `range`.
    pub(crate) fn whole(&self, key: &'static str, range: &RangeInclusive<u32>) -> Option<u32> {
        let value = self.raw(key)?;
        let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
        match number {
            Some(number) if range.contains(&number) => Some(number),
            _ => {
                let (least, most) = (range.start(), range.end());
                self.refuse(key, value, format_args!("a whole number between {least} and {most}"));
                None
            }
        }
    }

    /// A time in `range`.
    pub(crate) fn time(&self, key: &'static str, range: &RangeInclusive<Nanos>) -> Option<Nanos> {
        let value = self.raw(key)?;
        let time = value.as_str().and_then(time::parse);
        match time {
            Some(time) if range.contains(&time) => Some(time),
            _ => {
                let (least, most) = (time::display(*range.start()), time::display(*range.end()));
                let allowed = format!("a time such as \"500ms\", between {least} and {most}");
                self.refuse(key, value, allowed);
                None
            }
        }
    }

    /// A text of 1 to 80 characters.
    pub(crate) fn text(&self, key: &'static str) -> Option<&'a str> {
        let value = self.raw(key)?;
        let text = value.as_str().filter(|text| {
            (1..=80).contains(&text.chars().count()) && !text.chars().any(char::is_control)
        });
        if text.is_none() {
            self.refuse(
                key,
                value,
                "a text of 1 to 80 characters, none of them a control character",
            );
        }
        text
    }

    /// One of `words`.
    pub(crate) fn word(&self, key: &'static str, words: &[&'static str]) -> Option<&'static str> {
        let value = self.raw(key)?;
        let found = words.iter().find(|word| value.as_str() == Some(word)).copied();
        if found.is_none() {
            self.refuse(key, value, format_args!("one of: {}", words.join(", ")));
        }
        found
    }

    pub(crate) fn flag(&self, key: &'static str) -> Option<bool> {
        let value = self.raw(key)?;
        if value.as_bool().is_none() {
            self.refuse(key, value, "true or false");
        }
        value.as_bool()
    }

    /// A table inside this one.
    pub(crate) fn table(&self, key: &'static str) -> Option<Reader<'a>> {
        let value = self.raw(key)?;
        let Some(table) = value.as_table() else {
            self.refuse(key, value, "a table");
            return None;
        };
        Some(Reader::new(self.field(key), table, self.notes))
    }

    /// The tables of an array, at most `most`.
    pub(crate) fn tables(&self, key: &'static str, most: usize) -> Vec<Reader<'a>> {
        let Some(value) = self.raw(key) else { return Vec::new() };
        let tables = value.as_array().map(Vec::as_slice).unwrap_or_default();
        if value.as_array().is_none() || tables.iter().any(|table| !table.is_table()) {
            self.refuse(key, value.type_str(), "a list of tables");
            return Vec::new();
        }
        if tables.len() > most {
            self.refuse(
                key,
                format_args!("{} tables", tables.len()),
                format_args!("at most {most}"),
            );
        }
        let reader = |(index, table): (usize, &'a Value)| {
            let path = format!("{}[{index}]", self.field(key));
            Some(Reader::new(path, table.as_table()?, self.notes))
        };
        tables.iter().take(most).enumerate().filter_map(reader).collect()
    }

    /// Says that the field has to be there.
    pub(crate) fn missing(&self, key: &str, allowed: impl fmt::Display) {
        // Where it is there and wrong, that was said.
        if !self.has(key) {
            self.refuse(key, "missing", allowed);
        }
    }

    /// Refuses fields that nobody asked for.
    pub(crate) fn finish(self) {
        let known = self.known.into_inner();
        for key in self.table.keys().filter(|key| !known.contains(&key.as_str())) {
            let field =
                if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            self.notes.refuse(&field, "unknown", format_args!("one of: {}", known.join(", ")));
        }
    }
}
