//! Reads values strictly, and notes every mistake with its place and what is allowed.

use std::fmt;
use std::time::Duration;

use crate::code::{Code, Named};
use crate::document::Document;
use crate::kind::Kind;
use crate::mistakes::{Notes, one_of};
use crate::policies::Policies;
use crate::time;
use crate::tree::{Node, Table, Value};

/// What is read, and where.
pub(crate) struct Reader<'r> {
    document: &'r Document,
    /// The shared policies that are built already.
    policies: &'r Policies,
    /// The code that the program registered; without it any name is taken.
    code: Option<&'r Code>,
    pub(crate) notes: &'r mut Notes,
    path: Vec<String>,
}

impl<'r> Reader<'r> {
    pub(crate) const fn new(
        document: &'r Document,
        policies: &'r Policies,
        code: Option<&'r Code>,
        notes: &'r mut Notes,
    ) -> Self {
        Self { document, policies, code, notes, path: Vec::new() }
    }

    /// The same, with other notes.
    pub(crate) fn with_notes<'n>(&self, notes: &'n mut Notes) -> Reader<'n>
    where
        'r: 'n,
    {
        let Self { document, policies, code, .. } = *self;
        Reader { document, policies, code, notes, path: self.path.clone() }
    }

    /// `node` with what a table of this kind inherits.
    pub(crate) fn inherited(&mut self, kind: Kind, node: &Node) -> Option<Node> {
        if node.table().is_none() {
            let named = kind.section().map_or("", |_| "a name, or ");
            return self.wrong(node, format_args!("{named}a table, or false"));
        }
        self.document.inherited(kind, node, &self.path(), self.notes)
    }

    /// The shared policy of this kind that is called so. Where it has a mistake itself, `None` without
    /// another.
    pub(crate) fn shared<P: Clone>(
        &mut self,
        node: &Node,
        kind: Kind,
        of: impl FnOnce(&Policies) -> &Named<P>,
    ) -> Option<P> {
        let name = self.text(node)?;
        if let Some(policy) = of(self.policies).get(name) {
            return Some(policy.clone());
        }
        let known: Vec<&str> = self.document.section(kind).map(|it| it.0).collect();
        if !known.contains(&name) {
            let section = kind.section().unwrap_or_default();
            let allowed = format!("a name under `{section}`: {}", one_of(name, known));
            self.refuse(node, node, allowed);
        }
        None
    }

    /// Reads what stands under `key`.
    pub(crate) fn within<R>(
        &mut self,
        key: impl Into<String>,
        read: impl FnOnce(&mut Self) -> R,
    ) -> R {
        self.path.push(key.into());
        let result = read(self);
        self.path.pop();
        result
    }

    /// The field that is read.
    pub(crate) fn path(&self) -> String {
        let mut path = String::new();
        for part in &self.path {
            if !path.is_empty() && !part.starts_with('[') {
                path.push('.');
            }
            path.push_str(part);
        }
        path
    }

    pub(crate) fn refuse(
        &mut self,
        node: &Node,
        given: impl fmt::Display,
        allowed: impl fmt::Display,
    ) {
        let path = self.path();
        self.notes.refuse(path, &node.place, given, allowed);
    }

    fn wrong<T>(&mut self, node: &Node, allowed: impl fmt::Display) -> Option<T> {
        self.refuse(node, node, allowed);
        None
    }

    pub(crate) fn count(&mut self, node: &Node) -> Option<u32> {
        let number = match node.value {
            Value::Whole(number) => u32::try_from(number).ok(),
            _ => None,
        };
        number.or_else(|| self.wrong(node, "a whole number of at least 0"))
    }

    pub(crate) fn large(&mut self, node: &Node) -> Option<u64> {
        let number = match node.value {
            Value::Whole(number) => u64::try_from(number).ok(),
            _ => None,
        };
        number.or_else(|| self.wrong(node, "a whole number of at least 0"))
    }

    pub(crate) fn size(&mut self, node: &Node) -> Option<usize> {
        self.large(node).and_then(|number| usize::try_from(number).ok())
    }

    pub(crate) fn number(&mut self, node: &Node) -> Option<f64> {
        match node.value {
            #[expect(clippy::cast_precision_loss, reason = "no field needs more than 53 bits")]
            Value::Whole(number) => Some(number as f64),
            Value::Number(number) => Some(number),
            _ => self.wrong(node, "a number"),
        }
    }

    pub(crate) fn time(&mut self, node: &Node) -> Option<Duration> {
        match &node.value {
            Value::Text(text) => time::parse(text).or_else(|| self.wrong(node, time::ALLOWED)),
            Value::Whole(number) => {
                self.wrong(node, format_args!("{}: \"{number}s\" or \"{number}ms\"", time::ALLOWED))
            }
            _ => self.wrong(node, time::ALLOWED),
        }
    }

    pub(crate) fn text<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        node.text().or_else(|| self.wrong(node, "a name"))
    }

    /// A switch: `true`, or `false` as if it was not there.
    pub(crate) fn flag(&mut self, node: &Node) -> Option<bool> {
        match node.value {
            Value::Flag(flag) => Some(flag),
            _ => self.wrong(node, "true or false"),
        }
    }

    pub(crate) fn list<'n>(&mut self, node: &'n Node) -> Option<&'n [Node]> {
        match &node.value {
            Value::List(list) => Some(list),
            _ => self.wrong(node, "a list"),
        }
    }

    pub(crate) fn table<'n>(&mut self, node: &'n Node) -> Option<&'n Table> {
        node.table().or_else(|| self.wrong(node, "a table"))
    }

    /// One of `words`.
    pub(crate) fn word<T: Copy>(&mut self, node: &Node, words: &[(&'static str, T)]) -> Option<T> {
        let given = node.text().unwrap_or_default();
        let found = words.iter().find(|word| word.0 == given).map(|word| word.1);
        let known = || words.iter().map(|word| word.0);
        found.or_else(|| self.wrong(node, one_of(given, known())))
    }

    /// A table with these keys and no other. Those that are there are read by `read`, by their number.
    pub(crate) fn fields(
        &mut self,
        node: &Node,
        keys: &[&'static str],
        mut read: impl FnMut(&mut Self, usize, &Node),
    ) {
        let Some(table) = self.table(node) else { return };
        for (key, inner) in table {
            let known = keys.iter().position(|it| it == key);
            self.within(key.clone(), |reader| match known {
                Some(number) => read(reader, number, inner),
                None => {
                    reader.refuse(inner, "unknown", one_of(key, keys.iter().copied()));
                }
            });
        }
        self.contradictions(table);
    }

    /// A value of a table that has to be there.
    pub(crate) fn needed<T>(&mut self, node: &Node, key: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && node.table().is_some_and(|table| !table.contains_key(key)) {
            self.within(key, |reader| reader.refuse(node, "missing", "given"));
        }
        value
    }

    /// Refuses keys of one table that say the same thing in two ways.
    pub(crate) fn contradictions(&mut self, table: &Table) {
        for (key, node) in table {
            let other = crate::merge::alternatives(key)
                .find(|other| *other < key.as_str() && is_said(table.get(*other)));
            if let Some(other) = other.filter(|_| is_said(Some(node))) {
                self.within(key.clone(), |reader| {
                    let given = format_args!("given together with {other}");
                    reader.refuse(node, given, "given alone");
                });
            }
        }
    }

    /// What the program registered as `name`, of what it registered for this key. Where it isn't known
    /// what was, `None` without a mistake.
    pub(crate) fn code<T: Clone>(
        &mut self,
        node: &Node,
        find: impl FnOnce(&Code) -> &Named<T>,
    ) -> Option<T> {
        let name = self.text(node)?;
        let named = find(self.code?);
        let found = named.get(name).cloned();
        found.or_else(|| {
            let known: Vec<&str> = named.keys().map(String::as_str).collect();
            let allowed = if known.is_empty() {
                "registered by the program, which registers none for this key".to_owned()
            } else {
                format!("registered by the program: {}", one_of(name, known.iter().copied()))
            };
            self.wrong(node, allowed)
        })
    }
}

/// A switch that is `false` says nothing.
fn is_said(node: Option<&Node>) -> bool {
    node.is_some_and(|node| !node.is_false())
}
