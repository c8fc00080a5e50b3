//! Quoted text: a value, or a name.

use super::Normaliser;
use crate::fingerprint::shape::{self, STR};

pub(super) const QUOTES: [u8; 3] = [b'"', b'`', b'\''];

/// Words before a quoted name: what databases, parsers and serialisers call what they name.
const NOUNS: [&str; 41] = [
    "argument",
    "attribute",
    "class",
    "collection",
    "column",
    "constraint",
    "crate",
    "database",
    "enum",
    "exchange",
    "extension",
    "field",
    "flag",
    "function",
    "header",
    "index",
    "method",
    "module",
    "named",
    "option",
    "package",
    "param",
    "parameter",
    "plugin",
    "procedure",
    "property",
    "queue",
    "relation",
    "schema",
    "sequence",
    "setting",
    "struct",
    "table",
    "topic",
    "trait",
    "trigger",
    "type",
    "variable",
    "variant",
    "view",
    "expected",
];

/// How far back a noun is looked for.
const LOOK_BACK: usize = 32;

/// The longest name that is kept. Longer than any database allows.
const MAX_NAME: usize = 128;

impl Normaliser<'_> {
    /// A quoted string, or a quote that is none.
    pub(super) fn quote(&mut self, at: usize, quote: u8) -> usize {
        let Some(end) = self.closing(at, quote) else {
            self.out.push(char::from(quote));
            return at + 1;
        };
        let quoted = &self.text[at + 1..end];
        if is_name(quoted) && self.names_follow(quote) {
            let quote = char::from(quote);
            self.out.push(quote);
            self.parts(quoted);
            self.out.push(quote);
        } else {
            self.put(STR);
        }
        end + 1
    }

    /// Where the quote is closed that opens at `from`.
    fn closing(&mut self, from: usize, quote: u8) -> Option<usize> {
        let kind = QUOTES.iter().position(|known| *known == quote)?;
        if from >= self.unclosed[kind] {
            return None;
        }
        let mut end = from + 1;
        while let Some(byte) = self.bytes.get(end) {
            // An apostrophe within a word closes nothing.
            if *byte == quote && (quote != b'\'' || !self.is_alphanumeric(end.checked_add(1))) {
                return Some(end);
            }
            end += if *byte == b'\\' { 2 } else { 1 };
        }
        self.unclosed[kind] = from;
        None
    }

    /// Whether what was written says that a quoted text is a name: by a noun, or as the next in a
    /// list of names.
    fn names_follow(&self, quote: u8) -> bool {
        let written = self.written();
        let before =
            &written[written.floor_char_boundary(written.len().saturating_sub(LOOK_BACK))..];
        let before = before.trim_end_matches([' ', ':']);
        let list = [", or", ", and", ",", " or", " and"];
        let list = list.iter().find_map(|separator| before.strip_suffix(separator));
        if list.is_some_and(|before| before.ends_with(char::from(quote))) {
            return true;
        }
        let words = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric());
        let noun = &before[words.len()..];
        let words = words.trim_end();
        // What serde calls unknown was in the input.
        let from_input = quote == b'`' && ends_with(words, "unknown");
        let known = NOUNS.iter().any(|known| noun.eq_ignore_ascii_case(known))
            || (noun.eq_ignore_ascii_case("key") && ends_with(words, "for"))
            || (noun.eq_ignore_ascii_case("of") && ends_with(words, "one"));
        known && !from_input
    }
}

fn ends_with(words: &str, word: &str) -> bool {
    let tail = words.len().checked_sub(word.len()).and_then(|at| words.get(at..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(word))
}

/// Whether a text may be a name: `orders_pkey`, `public.orders`, `x-request-id`.
fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME
        && text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '$' | ':'))
        && !shape::is_uuid(text)
}
