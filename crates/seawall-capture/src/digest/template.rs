//! Digests in the user's own words.

use std::fmt;
use std::io::{self, Write};

use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior};
use seawall_core::contain;

use self::view::View;
use super::{Digest, TextLines, plain};
use crate::text::{bounded, cut};

mod bounds;
mod view;

/// The longest subject, in bytes.
const SUBJECT: usize = 256;
/// The longest part, in bytes. One that gets longer has failed.
const PART: usize = 1 << 20;
/// How many instructions a template may take: a digest of 200 groups takes some ten thousand.
const FUEL: u64 = 2_000_000;
/// The longest reason in an error, in bytes.
const WHY: usize = 512;

const HTML: &str = include_str!("template/digest.html");

/// The words that a digest is sent in: the subject, the text, and the HTML of a mail, as templates
/// in the language of [minijinja](https://docs.rs/minijinja), which is that of Jinja.
///
/// Each part that is not given is the built-in one. What a template sees:
///
/// | name | is |
/// |---|---|
/// | `id`, `key`, `from`, `to`, `count`, `other` | the fields of [`Digest`] |
/// | `subject` | [`Digest::subject`] |
/// | `text` | [`Digest::text`], in at most [`bytes`](TemplatesBuilder::bytes) |
/// | `new_groups`, `total_groups` | how many groups are new, and how many there are |
/// | `groups` | those that fit into `text`, each with `fingerprint`, `type_name`, `description`, `count`, `new`, `first_seen`, `last_seen`, `sources`, `versions`, `other_sources`, `other_versions`; sources and versions are pairs of a `name` and a `count` |
/// | `more_groups`, `more_failures` | exactly what does not fit |
///
/// Values have no line breaks and nothing that a terminal would obey. In the HTML part they are
/// escaped, once; in the others they are as they are. A name that does not exist is an error, so
/// that what is spelled wrongly is refused by [`build`](TemplatesBuilder::build), which renders two
/// digests to try.
///
/// A template that fails all the same, takes too long, or gets longer than 1 MiB loses nothing: the
/// digest is [rendered](Self::render) in the built-in words then, and says why.
///
/// ```
/// use seawall_capture::digest::Templates;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let templates = Templates::builder()
///     .subject("[{{ key }}] {{ count }} failures")
///     .text("{% for group in groups %}{{ group.count }}× {{ group.description }}\n{% endfor %}")
///     .build()?;
///
/// let refused = Templates::builder().html("<p>\n{{ cuont }}").build().unwrap_err();
/// assert!(refused.to_string().starts_with("the template of the HTML, line 2: undefined value"));
/// # Ok(())
/// # }
/// ```
pub struct Templates {
    environment: Environment<'static>,
    bytes: usize,
}

/// Builds [`Templates`].
///
/// | setting | default | why |
/// |---|---|---|
/// | [`subject`](Self::subject) | `{{ subject }}` | says how many of what |
/// | [`text`](Self::text) | `{{ text }}` | can be read anywhere |
/// | [`html`](Self::html) | a built-in page | no images, no scripts, nothing from elsewhere |
/// | [`bytes`](Self::bytes) | 16 KiB | more than anybody reads |
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct TemplatesBuilder {
    subject: String,
    text: String,
    html: String,
    bytes: usize,
}

/// A digest in words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML; `None` where a template failed.
    pub html: Option<String>,
    /// The template that failed: then these are the built-in words, which say so.
    pub failed: Option<TemplateError>,
}

/// What a template is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Subject,
    Text,
    Html,
}

/// A template that was refused, or that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TemplateError {
    /// What it is for: `subject`, `text` or `HTML`.
    pub part: &'static str,
    /// Its line, counted from 1, where one is to blame.
    pub line: Option<usize>,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the template of the {}", self.part)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.why)
    }
}

impl std::error::Error for TemplateError {}

impl Part {
    const ALL: [Self; 3] = [Self::Subject, Self::Text, Self::Html];

    const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Text => "text",
            Self::Html => "HTML",
        }
    }

    fn error(self, error: &Error) -> TemplateError {
        let why = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        TemplateError { line: error.line(), ..self.failed(&why) }
    }

    fn failed(self, why: &str) -> TemplateError {
        TemplateError { part: self.name(), line: None, why: bounded(&plain(why), WHY) }
    }
}

impl Default for TemplatesBuilder {
    fn default() -> Self {
        Self {
            subject: "{{ subject }}".into(),
            text: "{{ text }}".into(),
            html: HTML.into(),
            bytes: TextLines::<io::Sink>::BYTES,
        }
    }
}

impl TemplatesBuilder {
    /// The template of the subject. What it gives is put on one line, of at most 256 bytes.
    pub fn subject(mut self, template: impl Into<String>) -> Self {
        self.subject = template.into();
        self
    }

    /// The template of the text.
    pub fn text(mut self, template: impl Into<String>) -> Self {
        self.text = template.into();
        self
    }

    /// The template of the HTML.
    pub fn html(mut self, template: impl Into<String>) -> Self {
        self.html = template.into();
        self
    }

    /// How long the built-in text is at most, in bytes; the groups that fit into it are those that
    /// the templates get.
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Reads the templates and tries them. The first that is bad is refused, with its line: also one
    /// that is longer than 256 KiB, has a tag longer than 1,024 bytes, or nests blocks deeper than 64.
    pub fn build(self) -> Result<Templates, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|name| match name {
            name if name == Part::Html.name() => AutoEscape::Html,
            _ => AutoEscape::None,
        });
        let sources = [self.subject, self.text, self.html];
        for (part, source) in Part::ALL.into_iter().zip(sources) {
            if let Some((line, why)) = bounds::refused(&source) {
                return Err(TemplateError { line: Some(line), ..part.failed(&why) });
            }
            let added = environment.add_template_owned(part.name(), source);
            added.map_err(|error| part.error(&error))?;
        }
        let templates = Templates { environment, bytes: self.bytes };
        for digest in view::samples() {
            templates.try_render(&digest)?;
        }
        Ok(templates)
    }
}

impl Templates {
    /// A builder with the built-in templates.
    pub fn builder() -> TemplatesBuilder {
        TemplatesBuilder::default()
    }

    /// `digest` in words: those of the templates, or, where one of them fails, the built-in ones.
    pub fn render(&self, digest: &Digest) -> Rendered {
        self.try_render(digest).unwrap_or_else(|failed| {
            let text = format!(
                "{}\n-- \nThese are the built-in words, because one's own failed:\n{failed}\n",
                digest.text(self.bytes)
            );
            Rendered { subject: subject(&digest.subject()), text, html: None, failed: Some(failed) }
        })
    }

    fn try_render(&self, digest: &Digest) -> Result<Rendered, TemplateError> {
        let view = Value::from(Serde(View::of(digest, self.bytes)));
        let part = |part| self.part(part, &view);
        Ok(Rendered {
            subject: subject(&part(Part::Subject)?),
            text: part(Part::Text)?,
            html: Some(part(Part::Html)?),
            failed: None,
        })
    }

    fn part(&self, part: Part, view: &Value) -> Result<String, TemplateError> {
        let mut page = Page(Vec::new());
        let render = || {
            let template = self.environment.get_template(part.name())?;
            template.render_captured_to(view.clone(), &mut page).map(drop)
        };
        let rendered = contain(render).map_err(|report| part.failed(&report.message))?;
        rendered.map_err(|error| part.error(&error))?;
        String::from_utf8(page.0).map_err(|error| part.failed(&error.to_string()))
    }
}

fn subject(text: &str) -> String {
    let mut subject = plain(text.trim());
    cut(&mut subject, SUBJECT);
    subject
}

impl Default for Templates {
    fn default() -> Self {
        // That the built-in templates are good is what a test is for.
        let built = TemplatesBuilder::default().build();
        built.unwrap_or_else(|_| Self { environment: Environment::new(), bytes: 0 })
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// What a template writes to: refuses what is too long.
struct Page(Vec<u8>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > PART {
            return Err(io::Error::other(format!("gets longer than {PART} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
