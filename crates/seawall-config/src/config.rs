//! A document that was read and found to be right.

use std::fmt;
use std::path::Path;

use seawall::policy::LayerContext;
use seawall::{ConfigError, Description, ExpectedLoad, Listeners, Pipeline, StandardPipeline};

use crate::code::Code;
use crate::document::{Document, STANDARD};
use crate::environment;
use crate::keys;
use crate::kind::Kind;
use crate::layers::{self, Item};
use crate::mistakes::Notes;
use crate::policies::{self, Policies};
use crate::reader::Reader;
use crate::stack::Layers;
use crate::tree::Node;
use crate::{Mistakes, Place};

/// The settings of pipelines, as a document gives them.
///
/// Whatever can be wrong without the program's own code was looked at: a `Config` that exists has known
/// keys only, values in their ranges, and bases that are there.
#[derive(Clone)]
pub struct Config {
    pub(crate) document: Document,
}

impl Config {
    /// Reads TOML.
    ///
    /// # Errors
    ///
    /// All that is wrong, each with its place and what is allowed.
    #[cfg(feature = "toml")]
    pub fn from_toml(text: &str) -> Result<Self, Mistakes> {
        Self::read(crate::tree::toml::parse(&crate::tree::Source::new("toml", text)?)?)
    }

    /// Reads JSON.
    ///
    /// # Errors
    ///
    /// All that is wrong, each with its place and what is allowed.
    #[cfg(feature = "json")]
    pub fn from_json(text: &str) -> Result<Self, Mistakes> {
        Self::read(crate::tree::json::parse(&crate::tree::Source::new("json", text)?)?)
    }

    /// Reads YAML.
    ///
    /// # Errors
    ///
    /// All that is wrong, each with its place and what is allowed.
    #[cfg(feature = "yaml")]
    pub fn from_yaml(text: &str) -> Result<Self, Mistakes> {
        Self::read(crate::tree::yaml::parse(&crate::tree::Source::new("yaml", text)?)?)
    }

    /// Reads a file whose name ends in `.toml`, `.json`, `.yaml` or `.yml`, and then the
    /// [environment](Self::with_environment) of the process.
    ///
    /// # Errors
    ///
    /// All that is wrong, each with its place and what is allowed; and where the file can't be read.
    pub fn from_file(file: impl AsRef<Path>) -> Result<Self, Mistakes> {
        let file = file.as_ref();
        let text = crate::file::read(file)?;
        Self::from_text(file, &text)
    }

    /// What [`from_file`](Self::from_file) does with the text of the file.
    pub(crate) fn from_text(file: &Path, text: &str) -> Result<Self, Mistakes> {
        let root = crate::file::parse(file, text)?;
        Self::overridden(root, environment::of_the_process())
    }

    /// This document with the variables among `variables` whose names begin with `SEAWALL__`, which
    /// beat it: `SEAWALL__PIPELINES__INVENTORY__TIMEOUT=2s` is `timeout = "2s"` of the pipeline
    /// `inventory`. Names are compared without regard to case, and a hyphen is `_`.
    ///
    /// # Errors
    ///
    /// Those of a document, and a variable that names nothing in it.
    pub fn with_environment(
        &self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Mistakes> {
        Self::overridden(self.document.root().clone(), variables)
    }

    fn overridden(
        mut root: Node,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Mistakes> {
        let mut notes = Notes::default();
        environment::apply(&mut root, variables, &mut notes);
        Self::check(root, notes)
    }

    fn read(root: Node) -> Result<Self, Mistakes> {
        Self::check(root, Notes::default())
    }

    fn check(root: Node, mut notes: Notes) -> Result<Self, Mistakes> {
        let document = Document::new(root, &mut notes);
        let config = Self { document };
        config.templates(&mut notes);
        config.build(None, &mut notes);
        notes.finish(config)
    }

    /// Whether templates and defaults can be read, also those that nothing inherits.
    fn templates(&self, notes: &mut Notes) {
        let document = &self.document;
        let policies = Policies::default();
        for kind in Kind::ALL {
            let defaults = document.defaults(kind).map(|node| (None, node));
            let templates = document.templates(kind).map(|(name, node)| (Some(name), node));
            for (name, node) in defaults.into_iter().chain(templates) {
                let mut reader = Reader::new(document, &policies, None, notes);
                let section = if name.is_some() { "templates" } else { "defaults" };
                reader.within(section, |reader| {
                    reader.within(kind.word(), |reader| match name {
                        Some(name) => reader.within(name, |reader| keys::look(kind, node, reader)),
                        None => keys::look(kind, node, reader),
                    });
                });
            }
        }
    }

    /// Builds everything, and notes what is wrong. Nothing of it is kept.
    pub(crate) fn build(&self, code: Option<&Code>, notes: &mut Notes) -> Parts {
        let listeners = Listeners::default();
        let policies = Policies::build(
            &self.document,
            code,
            &policies::context(&listeners),
            &Policies::default(),
            notes,
        );
        let pipelines = self.pipelines().filter_map(|(name, node)| {
            let mut reader = Reader::new(&self.document, &policies, code, notes);
            let context = LayerContext::new(name);
            let begin = || Pipeline::standard(name);
            let part = part(name, node, &mut reader, &context, begin)?;
            Some((name.to_owned(), part))
        });
        let pipelines = pipelines.collect();
        Parts { pipelines }
    }

    pub(crate) fn pipelines(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.document.section(Kind::Pipeline)
    }

    /// The names of the pipelines, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pipelines().map(|(name, _)| name)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.names().collect();
        f.debug_struct("Config").field("pipelines", &names).finish_non_exhaustive()
    }
}

/// What a document builds.
pub(crate) struct Parts {
    pub(crate) pipelines: Vec<(String, Part)>,
}

/// A pipeline of a document, without the type of its results.
pub(crate) struct Part {
    pub(crate) node: Node,
    pub(crate) form: Form,
    /// The classifier's name.
    pub(crate) classify: Option<String>,
    pub(crate) load: Option<ExpectedLoad>,
}

pub(crate) enum Form {
    Standard(Box<StandardPipeline>),
    /// A standard pipeline that a rule refuses.
    Refused(ConfigError),
    Layers(Vec<Item>),
}

impl Part {
    /// What it is, without findings.
    pub(crate) fn describe(&self) -> Option<Description> {
        match &self.form {
            Form::Standard(pipeline) => Some(pipeline.describe()),
            Form::Layers(items) => {
                let layers: Layers = layers::stack(items);
                Some(layers.describe(Description::bare()))
            }
            Form::Refused(_) => None,
        }
    }
}

/// Reads a pipeline and builds its policies.
pub(crate) fn part(
    name: &str,
    node: &Node,
    reader: &mut Reader<'_>,
    context: &LayerContext,
    begin: impl Fn() -> seawall::StandardBuilder,
) -> Option<Part> {
    reader.within("pipelines", |reader| {
        reader.within(name, |reader| {
            let node = reader.inherited(Kind::Pipeline, node)?;
            check_name(name, &node, reader);
            let layers = node.get("layers");
            let is_standard = node.get("base").and_then(Node::text) == Some(STANDARD);
            match (layers, is_standard) {
                (Some(layers), false) => in_order(&node, layers, reader, context),
                (None, true) => standard(&node, reader, begin),
                (None, false) => {
                    let allowed = "given `base = \"standard\"`, or `layers`";
                    reader.refuse(&node, "without layers", allowed);
                    None
                }
                (Some(layers), true) => {
                    let given = "given together with `base = \"standard\"`";
                    reader.within("layers", |reader| reader.refuse(layers, given, "given alone"));
                    None
                }
            }
        })
    })
}

fn check_name(name: &str, node: &Node, reader: &mut Reader<'_>) {
    // The builder's own check, for a pipeline whose layers are built one by one.
    if let Err(error) = Pipeline::builder(name).build() {
        let place: &Place = &node.place;
        reader.notes.refuse(reader.path(), place, error.value, error.allowed);
    }
}

fn standard(
    node: &Node,
    reader: &mut Reader<'_>,
    begin: impl Fn() -> seawall::StandardBuilder,
) -> Option<Part> {
    let form = keys::build(begin, node, reader, |builder| match builder.build() {
        Err(error) if error.rule.is_some() => Ok(Form::Refused(error)),
        built => built.map(|pipeline| Form::Standard(Box::new(pipeline))),
    })?;
    Some(finish(node, form, reader))
}

fn in_order(
    node: &Node,
    list: &Node,
    reader: &mut Reader<'_>,
    context: &LayerContext,
) -> Option<Part> {
    let known = ["layers", "classify", "expected_load"];
    for (key, value) in reader.table(node)? {
        reader.within(key.clone(), |reader| match key.as_str() {
            "classify" => drop(reader.code(value, |code| &code.classifiers)),
            "expected_load" => drop(keys::load(value, reader)),
            _ if known.contains(&key.as_str()) => {}
            _ => reader.refuse(value, "unknown", crate::mistakes::one_of(key, known)),
        });
    }
    let items = reader.within("layers", |reader| layers::read(list, reader, context))?;
    Some(finish(node, Form::Layers(items), reader))
}

fn finish(node: &Node, form: Form, reader: &mut Reader<'_>) -> Part {
    let mut scratch = Notes::default();
    let mut again = reader.with_notes(&mut scratch);
    let load = node.get("expected_load").and_then(|node| keys::load(node, &mut again));
    Part {
        form,
        classify: node.get("classify").and_then(Node::text).map(str::to_owned),
        load: load.map(keys::Load::value),
        node: node.clone(),
    }
}
