//! The user's own rules.

use std::fmt;

use super::glob;
use crate::Record;

/// Rules that say which failures are the same. The first that matches wins.
///
/// One rule a line; blank lines and lines that begin with `#` are passed over:
///
/// ```text
/// # matchers                                 -> the group
/// type:*::PoolTimeout                        -> database-pool
/// message:"*deadline*" !tag.env:test         -> deadline {module}
/// module:billing::* message:*rounding*       -> billing-rounding
/// ```
///
/// A matcher is `field:pattern`, all of a line have to hold, and `!` in front turns one around. The
/// fields are `type`, `message` (as it is, redacted), `tag.<name>` (empty where there is no such
/// tag) and `module` (that of the first in-app frame, else that of the type). Patterns are matched
/// against the whole field, without regard to case; `*` is any text and `?` one character; one with
/// blanks goes into double quotes.
///
/// The group is any text; `{type}`, `{module}` and `{tag.<name>}` stand for what they name.
///
/// ```
/// use seawall_capture::fingerprint::Rules;
///
/// let error = Rules::parse("type:*Timeout -> timeouts\nkind:x -> y").unwrap_err();
/// assert_eq!(error.to_string(), "line 2: `kind` is none of type, message, module, tag.<name>");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Rules(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    line: u32,
    matchers: Vec<Matcher>,
    group: Vec<Piece>,
}

#[derive(Clone, Debug)]
struct Matcher {
    negated: bool,
    field: Field,
    pattern: String,
}

#[derive(Clone, Debug)]
enum Field {
    Type,
    Message,
    Module,
    Tag(String),
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Field(Field),
}

/// A set of rules that was refused, and the line that is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleError {
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl std::error::Error for RuleError {}

impl Rules {
    /// The most rules that are accepted: each failure may be held against all of them.
    pub const MAX: usize = 1_000;
    /// The longest line that is accepted, in bytes.
    pub const MAX_LINE: usize = 1_024;

    /// Reads rules. One bad line refuses them all.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let mut rules = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let refused = |why| RuleError { line, why };
            if text.len() > Self::MAX_LINE {
                return Err(refused(format!("longer than {} bytes", Self::MAX_LINE)));
            }
            if rules.len() == Self::MAX {
                return Err(refused(format!("more than {} rules", Self::MAX)));
            }
            rules.push(rule(line, text).map_err(refused)?);
        }
        Ok(Self(rules))
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The line of the first rule that matches, and the group that it says.
    pub(super) fn first(&self, record: &Record) -> Option<(u32, String)> {
        let rule = self.0.iter().find(|rule| rule.matches(record))?;
        let mut group = String::new();
        for piece in &rule.group {
            group.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Field(field) => field.of(record),
            });
        }
        Some((rule.line, group))
    }
}

impl Rule {
    fn matches(&self, record: &Record) -> bool {
        self.matchers.iter().all(|matcher| {
            glob::matches(&matcher.pattern, matcher.field.of(record)) != matcher.negated
        })
    }
}

impl Field {
    fn named(name: &str) -> Result<Self, String> {
        match name {
            "type" => Ok(Self::Type),
            "message" => Ok(Self::Message),
            "module" => Ok(Self::Module),
            _ => match name.strip_prefix("tag.") {
                Some(tag) if !tag.is_empty() => Ok(Self::Tag(tag.into())),
                _ => Err(format!("`{name}` is none of type, message, module, tag.<name>")),
            },
        }
    }

    fn of<'r>(&self, record: &'r Record) -> &'r str {
        match self {
            Self::Type => &record.type_name,
            Self::Message => &record.details.message,
            Self::Tag(name) => record.tag(name).unwrap_or_default(),
            Self::Module => {
                let path = record.culprit().map_or(&record.type_name, |frame| &frame.function);
                path.rsplit_once("::").map_or("", |(module, _)| module)
            }
        }
    }
}

fn rule(line: u32, text: &str) -> Result<Rule, String> {
    let (mut rest, group) =
        text.rsplit_once("->").ok_or("no `->` between the matchers and the group")?;
    let mut matchers = Vec::new();
    rest = rest.trim();
    while !rest.is_empty() {
        let (matcher, after) = matcher(rest)?;
        matchers.push(matcher);
        rest = after.trim_start();
    }
    if matchers.is_empty() {
        return Err("no matcher before `->`".into());
    }
    let group = pieces(group.trim())?;
    if group.is_empty() {
        return Err("no group after `->`".into());
    }
    Ok(Rule { line, matchers, group })
}

fn matcher(text: &str) -> Result<(Matcher, &str), String> {
    let (negated, text) = match text.strip_prefix('!') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (field, rest) =
        text.split_once(':').ok_or_else(|| format!("`{text}` is not of the form field:pattern"))?;
    let field = Field::named(field)?;
    let (pattern, rest) = if let Some(quoted) = rest.strip_prefix('"') {
        quoted.split_once('"').ok_or("a double quote that is never closed")?
    } else {
        rest.split_once(char::is_whitespace).unwrap_or((rest, ""))
    };
    if pattern.is_empty() {
        return Err("an empty pattern; `?*` is any text, and its negation none".into());
    }
    Ok((Matcher { negated, field, pattern: pattern.into() }, rest))
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("a `{` that is never closed")?;
        if name == "message" {
            return Err("`{message}` in a group would make a group of each message".into());
        }
        pieces.push(Piece::Text(before.into()));
        pieces.push(Piece::Field(Field::named(name)?));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.into()));
    }
    Ok(pieces)
}
