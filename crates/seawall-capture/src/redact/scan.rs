//! One pass over a text, by the shape of what is in it. No text makes it slower than linear, but
//! for values in brackets that are never closed, which end the text.

use super::KEYS;

pub(super) const REDACTED: &str = "[redacted]";
const E_MAIL: &str = "[e-mail]";
const CARD: &str = "[card]";

/// The longest key that is looked at, in bytes.
const MAX_KEY: usize = 64;

/// A key without `-`, `_`, `.` and case.
pub(super) fn plain(key: &str) -> String {
    let letters = key.chars().filter(|c| !matches!(c, '-' | '_' | '.'));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

pub(super) fn is_sensitive(key: &str, own: &[String]) -> bool {
    let mut buffer = [0; MAX_KEY];
    let mut len = 0;
    // The end of the key decides, so a longer one is looked at from its end.
    let start = key.len().saturating_sub(MAX_KEY);
    for byte in key.as_bytes()[start..].iter().filter(|b| !matches!(b, b'-' | b'_' | b'.')) {
        buffer[len] = byte.to_ascii_lowercase();
        len += 1;
    }
    let plain = &buffer[..len];
    KEYS.iter().any(|end| plain.ends_with(end.as_bytes()))
        || own.iter().any(|end| plain.ends_with(end.as_bytes()))
}

/// Which bytes words are made of: a table, as each byte of each text is looked up in it.
static WORDS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u16;
    while byte < 256 {
        let letter = byte.to_le_bytes()[0];
        table[byte as usize] = letter.is_ascii_alphanumeric()
            || letter >= 0x80
            || matches!(letter, b'_' | b'-' | b'.' | b'%' | b'+' | b'@');
        byte += 1;
    }
    table
};

#[inline]
fn is_word(byte: u8) -> bool {
    WORDS[usize::from(byte)]
}

/// Writes `text` without its secrets to `out`. Says whether there were any; if not, `out` holds
/// nothing of use.
pub(super) fn redact(text: &str, own: &[String], out: &mut String) -> bool {
    out.clear();
    let mut scan = Scan { text, bytes: text.as_bytes(), own, out, copied: 0 };
    let mut at = 0;
    while at < scan.bytes.len() {
        at = if is_word(scan.bytes[at]) {
            scan.word(at)
        } else if scan.bytes[at..].starts_with(b"://") {
            scan.authority(at + 3)
        } else {
            at + 1
        };
    }
    let changed = scan.copied > 0;
    if changed {
        let rest = &text[scan.copied..];
        out.push_str(rest);
    }
    changed
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    own: &'a [String],
    out: &'a mut String,
    /// Up to where the text is in `out`, or replaced.
    copied: usize,
}

impl Scan<'_> {
    fn replace(&mut self, from: usize, to: usize, by: &str) -> usize {
        self.out.push_str(&self.text[self.copied..from]);
        self.out.push_str(by);
        self.copied = to;
        to
    }

    /// Looks at the word that begins at `from`. Gives where to go on.
    fn word(&mut self, from: usize) -> usize {
        let mut to = from;
        let (mut digits, mut at_sign) = (0, false);
        while let Some(byte) = self.bytes.get(to).copied().filter(|byte| is_word(*byte)) {
            digits += usize::from(byte.is_ascii_digit());
            at_sign |= byte == b'@';
            to += 1;
        }
        let word = &self.text[from..to];
        if let Some(value) = self.value_after(word, to) {
            return value;
        }
        if at_sign && let Some((start, end)) = e_mail(word) {
            return self.replace(from + start, from + end, E_MAIL);
        }
        if word.starts_with("eyJ") && word.len() >= 20 && word.contains('.') {
            return self.replace(from, to, REDACTED);
        }
        if let Some(end) = self.bare_token(word, to) {
            return end;
        }
        // Groups of a card number are words of their own.
        if digits >= 3
            && let Some((start, end)) = self.card(from)
        {
            return self.replace(start, end, CARD);
        }
        to
    }

    /// Where `word` is a sensitive key with a value: takes the value out.
    fn value_after(&mut self, word: &str, to: usize) -> Option<usize> {
        let mut at = to;
        // `"key"`, `\"key\"`, `'key'`, and blanks before the separator.
        while matches!(self.bytes.get(at), Some(b'"' | b'\'' | b'\\' | b' ' | b'\t')) {
            at += 1;
        }
        if !matches!(self.bytes.get(at), Some(b'=' | b':')) || !is_sensitive(word, self.own) {
            return None;
        }
        while matches!(self.bytes.get(at), Some(b'=' | b':' | b'>' | b' ' | b'\t')) {
            at += 1;
        }
        let end = self.value_end(word, at);
        (end > at).then(|| self.replace(at, end, REDACTED))
    }

    fn value_end(&self, key: &str, from: usize) -> usize {
        let quote = from + usize::from(self.bytes.get(from) == Some(&b'\\'));
        match self.bytes.get(quote) {
            Some(quoted @ (b'"' | b'\'')) => self.quote_end(quote + 1, *quoted),
            _ if is_header(key) => self.line_end(from),
            _ => self.bare_end(from),
        }
    }

    /// After the closing quote, or the end of the text.
    fn quote_end(&self, from: usize, quote: u8) -> usize {
        let escaped = from >= 2 && self.bytes[from - 2] == b'\\';
        let mut at = from;
        while let Some(byte) = self.bytes.get(at) {
            if *byte == b'\\' && !escaped {
                at += 2;
            } else if *byte == quote {
                return at + 1;
            } else {
                at += 1;
            }
        }
        self.bytes.len()
    }

    fn line_end(&self, from: usize) -> usize {
        let rest = &self.bytes[from..];
        rest.iter().position(|b| matches!(b, b'\n' | b'\r')).map_or(self.bytes.len(), |n| from + n)
    }

    /// After a value without quotes: to a blank or a separator outside of brackets.
    fn bare_end(&self, from: usize) -> usize {
        let (mut at, mut depth) = (from, 0_usize);
        while let Some(byte) = self.bytes.get(at) {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' if depth == 0 => return at,
                b')' | b']' | b'}' => depth -= 1,
                b'"' | b'\'' if depth > 0 => {
                    at = self.quote_end(at + 1, *byte);
                    continue;
                }
                b'&' | b',' | b';' | b'"' | b'\'' | b'<' | b'>' if depth == 0 => return at,
                byte if byte.is_ascii_whitespace() && depth == 0 => return at,
                _ => {}
            }
            at += 1;
        }
        self.bytes.len()
    }

    /// `Bearer abc...` and `Basic abc...` without a header in front.
    fn bare_token(&mut self, word: &str, to: usize) -> Option<usize> {
        let scheme = word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic");
        if !scheme || self.bytes.get(to) != Some(&b' ') {
            return None;
        }
        let from = to + 1;
        let is_token = |b: &u8| is_word(*b) || matches!(b, b'/' | b'=' | b'~');
        let end = from
            + self.bytes[from..]
                .iter()
                .position(|b| !is_token(b))
                .unwrap_or(self.bytes.len() - from);
        let token = &self.bytes[from..end];
        // Words in a sentence have neither digits nor capitals inside, and are short.
        let secret = token.iter().any(u8::is_ascii_digit)
            || token.iter().skip(1).any(u8::is_ascii_uppercase)
            || token.len() > 24;
        (token.len() >= 6 && secret).then(|| self.replace(from, end, REDACTED))
    }

    /// User and password of a URL whose authority begins at `from`.
    fn authority(&mut self, from: usize) -> usize {
        let ends = |b: &u8| {
            b.is_ascii_whitespace() || matches!(b, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>')
        };
        let len = self.bytes[from..].iter().position(ends).unwrap_or(self.bytes.len() - from);
        match self.bytes[from..from + len].iter().rposition(|b| *b == b'@') {
            Some(at) if at > 0 => self.replace(from, from + at, REDACTED),
            _ => from,
        }
    }

    /// A card number that begins at `from` or at the first digit after it within the word.
    fn card(&self, from: usize) -> Option<(usize, usize)> {
        let start = from + self.bytes[from..].iter().position(u8::is_ascii_digit)?;
        if start > 0 && is_letter(self.bytes[start - 1]) {
            return None;
        }
        let (mut digits, mut len) = ([0_u8; 19], 0);
        let mut end = start;
        let mut at = start;
        while let Some(byte) = self.bytes.get(at) {
            if byte.is_ascii_digit() {
                if len == digits.len() {
                    return None;
                }
                digits[len] = byte - b'0';
                len += 1;
                end = at + 1;
            } else if !(matches!(byte, b' ' | b'-') && end == at) {
                break;
            }
            at += 1;
        }
        let whole = self.bytes.get(end).is_none_or(|byte| !is_letter(*byte));
        (len >= 13 && whole && luhn(&digits[..len])).then_some((start, end))
    }
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

/// Headers whose value goes on to the end of the line.
fn is_header(key: &str) -> bool {
    let mut buffer = [0; MAX_KEY];
    let mut len = 0;
    for byte in key.bytes().filter(u8::is_ascii_alphabetic).take(MAX_KEY) {
        buffer[len] = byte.to_ascii_lowercase();
        len += 1;
    }
    buffer[..len].ends_with(b"authorization") || buffer[..len].ends_with(b"cookie")
}

/// Where in `word` an e-mail address is.
fn e_mail(word: &str) -> Option<(usize, usize)> {
    let word = word.trim_end_matches(['.', '-', '%', '+']);
    let (local, domain) = word.rsplit_once('@')?;
    let start = local.len() - local.trim_start_matches(['.', '-', '%', '+', '@']).len();
    let dotted = domain.split_once('.').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
    (start < local.len() && dotted).then_some((start, word.len()))
}

/// The check of ISO/IEC 7812-1, annex B.
fn luhn(digits: &[u8]) -> bool {
    let double = |digit: u8| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(n, digit)| u32::from(if n % 2 == 1 { double(*digit) } else { *digit }))
        .sum();
    sum > 0 && sum.is_multiple_of(10)
}
