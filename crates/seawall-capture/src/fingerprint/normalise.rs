//! A message without what varies.

use self::word::Code;
use super::shape::{self, DATE, NUM};

mod commit;
mod date;
mod quote;
mod url;
mod word;

/// `text` with everything that varies replaced by what it is: `<email>`, `<url>`, `<host>`,
/// `<ip>`, `<uuid>`, `<hash>`, `<date>`, `<duration>`, `<hex>`, `<num>`, `<str>`, `<path>`.
///
/// Lists of one kind become one of them, blanks and control characters become one blank. Digits
/// that are a name stay: those of `utf8` and `sha256`, and codes after a word that says so, as in
/// `status 503`, `os error 2`, `SQLSTATE 23505`. Quoted text is a value and becomes `<str>`, unless
/// a word before it says that it is a name, as in ``missing field `currency` `` and `unique
/// constraint "orders_pkey"`.
///
/// Takes time in proportion to the text, whatever is in it, and a fixed amount of stack.
///
/// ```
/// use seawall_capture::fingerprint::normalise;
///
/// assert_eq!(
///     normalise("no answer from db-3.prod.internal:5432 after 1.5s, order 4711"),
///     "no answer from <host> after <duration>, order <num>",
/// );
/// ```
#[must_use]
pub fn normalise(text: &str) -> String {
    let mut out = String::new();
    into(text, usize::MAX, &mut out);
    out
}

/// Replaces `out` by `text` normalised, cut to `bound` bytes. Says whether all of it is there.
pub(super) fn into(text: &str, bound: usize, out: &mut String) -> bool {
    out.clear();
    append(text, bound, out)
}

/// Appends `text` normalised, of which at most `bound` bytes. Says whether all of it is there.
pub(super) fn append(text: &str, bound: usize, out: &mut String) -> bool {
    let start = out.len();
    let bytes = text.as_bytes();
    let mut normaliser = Normaliser {
        text,
        bytes,
        out,
        start,
        code: Code::No,
        unclosed: [usize::MAX; quote::QUOTES.len()],
    };
    let mut at = 0;
    while at < text.len() && normaliser.out.len() - start <= bound {
        at = normaliser.step(at);
    }
    while out.len() > start && out.ends_with(' ') {
        out.pop();
    }
    let whole = out.len() - start <= bound;
    if !whole {
        out.truncate(out.floor_char_boundary(start + bound));
    }
    whole
}

struct Normaliser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    out: &'a mut String,
    start: usize,
    code: Code,
    /// From where on no quote of a kind is closed any more, by the order of [`quote::QUOTES`]: each
    /// is looked for in vain once.
    unclosed: [usize; quote::QUOTES.len()],
}

/// Which bytes end a word: a table, as each byte of each message is looked up in it.
static DELIMITERS: [bool; 256] = {
    let mut table = [false; 256];
    let mut control = 0;
    while control <= b' ' {
        table[control as usize] = true;
        control += 1;
    }
    let marks = b"()[]{}<>,;|=\"'`\x7f";
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
};

fn is_delimiter(byte: u8) -> bool {
    DELIMITERS[usize::from(byte)]
}

impl Normaliser<'_> {
    fn step(&mut self, at: usize) -> usize {
        match self.bytes[at] {
            byte if byte <= b' ' || byte == 0x7f => {
                if self.out.len() > self.start && !self.out.ends_with(' ') {
                    self.out.push(' ');
                }
                at + 1
            }
            quote @ (b'"' | b'`' | b'\'') => self.quote(at, quote),
            b'[' if self.bracketed(at).is_some() => {
                self.put(shape::IP);
                self.bracketed(at).unwrap_or(at + 1)
            }
            byte if is_delimiter(byte) => {
                self.out.push(char::from(byte));
                at + 1
            }
            _ => self.word(at),
        }
    }

    /// After `[::1]` or `[::1]:80`.
    fn bracketed(&self, from: usize) -> Option<usize> {
        // The longest address, with a zone, has some 60 characters.
        let inside = self.bytes[from + 1..].iter().take(64).position(|byte| *byte == b']')?;
        let end = from + 1 + inside;
        if !self.text.get(from + 1..end).is_some_and(shape::is_ipv6) {
            return None;
        }
        let port = self.bytes.get(end + 1..).unwrap_or_default();
        let digits = port.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
        let port = if port.first() == Some(&b':') && digits > 0 { 1 + digits } else { 0 };
        Some(end + 1 + port)
    }

    fn is_alphanumeric(&self, at: Option<usize>) -> bool {
        let byte = at.and_then(|at| self.bytes.get(at));
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80)
    }

    fn word(&mut self, from: usize) -> usize {
        let mut to = from;
        let mut colon = false;
        while let Some(byte) = self.bytes.get(to) {
            colon |= *byte == b':';
            let apostrophe = *byte == b'\''
                && to > from
                && self.is_alphanumeric(to.checked_sub(1))
                && self.is_alphanumeric(to.checked_add(1));
            if is_delimiter(*byte) && !apostrophe {
                break;
            }
            to += 1;
        }
        let word = &self.text[from..to];
        if let Some(scheme) = colon.then(|| word.find("://")).flatten() {
            return self.url(from, scheme);
        }
        if word.starts_with('/') && word.contains('?') {
            to = self.blank_or_quote(to);
            self.put(shape::PATH);
            return to;
        }
        let bare = word.trim_end_matches(['.', ':', '!', '?', '…']);
        let cut = to - (word.len() - bare.len());
        self.bare_word(&self.text[from..cut]);
        self.out.push_str(&self.text[cut..to]);
        to
    }

    fn blank_or_quote(&self, from: usize) -> usize {
        let ends = |b: &u8| *b <= b' ' || matches!(b, b'"' | b'\'' | b'`' | b'<' | b'>');
        let len = self.bytes[from..].iter().position(ends);
        len.map_or(self.bytes.len(), |len| from + len)
    }

    fn written(&self) -> &str {
        &self.out[self.start..]
    }

    /// Writes a placeholder; once for a list of them.
    fn put(&mut self, placeholder: &'static str) {
        let separators: &[&str] = match placeholder {
            NUM => &["", ".", ",", ", ", "_"],
            DATE => &["", " ", ", "],
            _ => &[",", ", "],
        };
        for separator in separators {
            let before = self.written().strip_suffix(separator);
            if before.is_some_and(|before| before.ends_with(placeholder)) {
                self.out.truncate(self.out.len() - separator.len());
                return;
            }
        }
        self.out.push_str(placeholder);
    }
}
