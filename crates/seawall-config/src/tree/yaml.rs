use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

use super::{MAX_DEPTH, Node, Source, Table, Value};
use crate::{Mistakes, Place};

/// Parses YAML: tables, lists and scalars of the core schema. Aliases, tags and a second document are
/// refused: what is inherited has a base.
pub(crate) fn parse(source: &Source<'_>) -> Result<Node, Mistakes> {
    let mut builder = Builder { source, open: Vec::new(), root: None, documents: 0 };
    for event in Parser::new_from_str(source.text()) {
        let (event, span) = event.map_err(|error| builder.unreadable(&error))?;
        let place = builder.place(&span.start);
        builder.event(event, place)?;
    }
    let empty = || Node { value: Value::Table(Table::new()), place: source.at(1, 1) };
    let root = builder.root.unwrap_or_else(empty);
    match root.value {
        Value::Table(_) => Ok(root),
        _ => Err(Mistakes::one(Some(root.place), "the document is no mapping")),
    }
}

struct Builder<'s, 't> {
    source: &'s Source<'t>,
    open: Vec<Open>,
    root: Option<Node>,
    documents: u32,
}

/// What began and has not ended.
struct Open {
    place: Place,
    holds: Holds,
}

enum Holds {
    Table(Table, Option<(String, Place)>),
    List(Vec<Node>),
}

impl Builder<'_, '_> {
    fn place(&self, mark: &Marker) -> Place {
        self.source.at(mark.line(), mark.col() + 1)
    }

    fn unreadable(&self, error: &ScanError) -> Mistakes {
        Mistakes::one(Some(self.place(error.marker())), error.info())
    }

    fn event(&mut self, event: Event<'_>, place: Place) -> Result<(), Mistakes> {
        let refuse = |place, what: &str| Err(Mistakes::one(Some(place), what));
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return refuse(place, "a second document: one file is one document");
                }
            }
            Event::Alias(_) => return refuse(place, "an alias: what is inherited has a base"),
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => {
                return refuse(place, "a tag: values are written as they are");
            }
            Event::Scalar(text, style, _, None) => return self.scalar(&text, style, place),
            Event::SequenceStart(_, None) => self.begin(Holds::List(Vec::new()), place)?,
            Event::MappingStart(_, None) => self.begin(Holds::Table(Table::new(), None), place)?,
            Event::SequenceEnd | Event::MappingEnd => return self.end(),
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, holds: Holds, place: Place) -> Result<(), Mistakes> {
        if self.open.len() > MAX_DEPTH {
            return Err(Source::too_deep(place));
        }
        if let Some(Open { holds: Holds::Table(_, None), .. }) = self.open.last() {
            return Err(Mistakes::one(Some(place), "a key that is no text"));
        }
        self.open.push(Open { place, holds });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Mistakes> {
        let Some(Open { place, holds }) = self.open.pop() else { return Ok(()) };
        let value = match holds {
            Holds::Table(table, _) => Value::Table(table),
            Holds::List(list) => Value::List(list),
        };
        self.put(Node { value, place })
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, place: Place) -> Result<(), Mistakes> {
        if let Some(Open { holds: Holds::Table(_, key @ None), .. }) = self.open.last_mut() {
            *key = Some((text.to_owned(), place));
            return Ok(());
        }
        let value =
            if style == ScalarStyle::Plain { plain(text) } else { Value::Text(text.into()) };
        self.put(Node { value, place })
    }

    fn put(&mut self, node: Node) -> Result<(), Mistakes> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { holds: Holds::List(list), .. }) => list.push(node),
            Some(Open { holds: Holds::Table(table, key), .. }) => {
                if let Some((key, place)) = key.take() {
                    return Source::insert(table, key, Node { place, ..node });
                }
            }
        }
        Ok(())
    }
}

/// A scalar without quotes, by the core schema of YAML 1.2: `no` is a text.
fn plain(text: &str) -> Value {
    match text {
        "true" | "True" | "TRUE" => Value::Flag(true),
        "false" | "False" | "FALSE" => Value::Flag(false),
        "" | "~" | "null" | "Null" | "NULL" => Value::Other("null".to_owned()),
        _ if text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) => {
            super::number(text.strip_prefix('+').unwrap_or(text))
        }
        _ => Value::Text(text.to_owned()),
    }
}
