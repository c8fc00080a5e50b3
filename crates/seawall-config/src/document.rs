//! A document: its sections, and what its tables inherit.

use crate::kind::Kind;
use crate::merge::merge;
use crate::mistakes::{Notes, one_of};
use crate::tree::{Node, Table, Value};

/// How many pipelines a document may have, and how many shared policies of a kind.
pub(crate) const MAX_NAMES: usize = 4_096;

/// How long a chain of bases may be.
const MAX_BASES: usize = 8;

/// The base that is built in.
pub(crate) const STANDARD: &str = "standard";

/// A document whose sections are what they have to be.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    root: Node,
}

impl Document {
    pub(crate) fn new(root: Node, notes: &mut Notes) -> Self {
        for (key, node) in root.table().into_iter().flatten() {
            match key.as_str() {
                "version" => version(node, notes),
                "defaults" => each(key, node, notes, |kind, path, inner, notes| {
                    kind_of(kind, path, inner, notes);
                }),
                "templates" => each(key, node, notes, |kind, path, inner, notes| {
                    if kind_of(kind, path, inner, notes) {
                        each(path, inner, notes, |_, path, it, notes| is_table(path, it, notes));
                    }
                }),
                _ if Kind::ALL.iter().any(|kind| kind.section() == Some(key)) => {
                    each(key, node, notes, |_, path, it, notes| is_table(path, it, notes));
                }
                _ => notes.refuse(key, &node.place, "unknown", one_of(key, sections())),
            }
        }
        Self { root }
    }

    /// The tables of a section, by name: the pipelines, or the shared policies of a kind.
    pub(crate) fn section(&self, kind: Kind) -> impl Iterator<Item = (&str, &Node)> {
        let table = kind.section().and_then(|section| self.root.get(section)?.table());
        let tables = table.into_iter().flatten().take(MAX_NAMES);
        tables.map(|(name, node)| (name.as_str(), node))
    }

    /// The templates of a kind.
    pub(crate) fn templates(&self, kind: Kind) -> impl Iterator<Item = (&str, &Node)> {
        let table = self.root.get("templates").and_then(|it| it.get(kind.word())?.table());
        table.into_iter().flatten().map(|(name, node)| (name.as_str(), node))
    }

    /// What `defaults` says for a kind.
    pub(crate) fn defaults(&self, kind: Kind) -> Option<&Node> {
        self.root.get("defaults")?.get(kind.word())
    }

    pub(crate) const fn root(&self) -> &Node {
        &self.root
    }

    /// `node` with what it inherits: the defaults of its kind, then its bases, the outermost first. A
    /// pipeline keeps the base that is built in.
    pub(crate) fn inherited(
        &self,
        kind: Kind,
        node: &Node,
        path: &str,
        notes: &mut Notes,
    ) -> Option<Node> {
        let path = format!("{path}.base");
        let mut chain = vec![node];
        let mut names: Vec<&str> = Vec::new();
        let mut standard = None;
        let mut current = node;
        while let Some(base) = current.get("base") {
            let Some(name) = base.text() else {
                notes.refuse(path, &base.place, base, "the name of a template");
                return None;
            };
            if kind == Kind::Pipeline && name == STANDARD {
                standard = Some(base);
                break;
            }
            if names.contains(&name) {
                let chain = [&names[..], &[name]].concat().join(" → ");
                notes.refuse(path, &base.place, chain, "a chain that ends");
                return None;
            }
            names.push(name);
            if names.len() > MAX_BASES {
                let chain = names.join(" → ");
                let allowed = format_args!("a chain of at most {MAX_BASES}");
                notes.refuse(path, &base.place, chain, allowed);
                return None;
            }
            let Some((_, found)) = self.templates(kind).find(|it| it.0 == name) else {
                let built_in = (kind == Kind::Pipeline).then_some(STANDARD);
                let known: Vec<_> = self.templates(kind).map(|it| it.0).chain(built_in).collect();
                let allowed = format!("a template of kind {kind}: {}", one_of(name, known));
                notes.refuse(path, &base.place, base, allowed);
                return None;
            };
            chain.push(found);
            current = found;
        }
        let start = Node { value: Value::Table(Table::new()), place: node.place.clone() };
        let defaults = self.defaults(kind).unwrap_or(&start);
        let bases = chain.into_iter().rev();
        let mut merged = bases.fold(defaults.clone(), |before, it| merge(&before, it));
        if let Value::Table(table) = &mut merged.value {
            table.remove("base");
            if let Some(base) = standard {
                table.insert("base".to_owned(), base.clone());
            }
        }
        Some(merged)
    }
}

fn sections() -> impl Iterator<Item = &'static str> + Clone {
    let sections = Kind::ALL.into_iter().filter_map(Kind::section);
    ["version", "defaults", "templates"].into_iter().chain(sections)
}

fn version(node: &Node, notes: &mut Notes) {
    match node.value {
        Value::Whole(1) => {}
        Value::Whole(later @ 2..) => {
            notes.refuse(
                "version",
                &node.place,
                format_args!("{later}, made for a later seawall"),
                1,
            );
        }
        _ => notes.refuse("version", &node.place, node, 1),
    }
}

fn kind_of(word: &str, path: &str, node: &Node, notes: &mut Notes) -> bool {
    let known = Kind::ALL.map(Kind::word);
    if !known.contains(&word) {
        notes.refuse(path, &node.place, "unknown", one_of(word, known));
        return false;
    }
    is_table(path, node, notes);
    true
}

fn is_table(path: &str, node: &Node, notes: &mut Notes) {
    if node.table().is_none() {
        notes.refuse(path, &node.place, node, "a table");
    }
}

fn each(
    path: &str,
    node: &Node,
    notes: &mut Notes,
    mut check: impl FnMut(&str, &str, &Node, &mut Notes),
) {
    let Some(table) = node.table() else { return is_table(path, node, notes) };
    if table.len() > MAX_NAMES {
        let tables = table.len();
        let given = format_args!("{tables} tables");
        notes.refuse(path, &node.place, given, format_args!("at most {MAX_NAMES}"));
    }
    for (key, inner) in table.iter().take(MAX_NAMES) {
        check(key, &format!("{path}.{key}"), inner, notes);
    }
}
