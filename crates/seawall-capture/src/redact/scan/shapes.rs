//! Secrets that are known by their shape alone.

use super::{Scan, is_word};

/// How tokens begin that their issuers marked, and how long they are at least.
const ISSUED: [(&str, usize); 16] = [
    ("AKIA", 20),
    ("ASIA", 20),
    ("AIza", 35),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghu_", 20),
    ("ghs_", 20),
    ("ghr_", 20),
    ("github_pat_", 20),
    ("glpat-", 20),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("xoxa-", 20),
    ("sk_live_", 20),
    ("rk_live_", 20),
    ("sk-", 24),
];

/// Whether `word` is a token by its own account: a JSON web token, an access key.
pub(super) fn is_issued(word: &str) -> bool {
    if word.starts_with("eyJ") && word.len() >= 20 && word.contains('.') {
        return true;
    }
    let marked = |(start, least): &(&str, usize)| word.len() >= *least && word.starts_with(start);
    ISSUED.iter().any(marked) && word.bytes().any(|byte| byte.is_ascii_digit())
}

/// Schemes whose authority is followed by a path, in which an `@` says nothing.
const WITH_PATHS: [&str; 6] = ["http", "https", "ws", "wss", "ftp", "file"];

/// The longest user and password that are looked for, in bytes.
const MAX_USER: usize = 256;

impl Scan<'_, '_> {
    /// `Bearer abc...` and `Basic abc...` without a header in front.
    pub(super) fn bare_token(&mut self, word: &str, to: usize) -> Option<usize> {
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
        (token.len() >= 6 && secret).then(|| self.take_out(from, end))
    }

    /// After the end of a PEM block whose beginning ends at `from`, or the end of the text.
    pub(super) fn pem_end(&self, from: usize) -> usize {
        let rest = &self.text[from..];
        let Some(end) = rest.find("-----END") else { return self.text.len() };
        let after = &rest[end + "-----END".len()..];
        let close = after.find("-----").map_or(0, |close| close + "-----".len());
        from + end + "-----END".len() + close
    }

    /// User and password of a URL whose `://` is at `colon`.
    pub(super) fn authority(&mut self, colon: usize) -> usize {
        let from = colon + 3;
        let blank = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'<' | b'>');
        let path = |b: &u8| blank(b) || matches!(b, b'/' | b'?' | b'#');
        let near = &self.bytes[from..self.bytes.len().min(from + MAX_USER)];
        // The next URL looks for its own.
        let next = near.windows(3).position(|bytes| bytes == b"://").unwrap_or(near.len());
        let near = &near[..next];
        let length = |ends: &dyn Fn(&u8) -> bool| near.iter().position(ends).unwrap_or(near.len());
        let authority = &near[..length(&path)];
        let at_sign = |bytes: &[u8]| bytes.iter().rposition(|b| *b == b'@');
        let user = at_sign(authority).or_else(|| {
            // A password may have a `/` or `#` in it that nobody escaped.
            let colon = authority.iter().position(|b| *b == b':')?;
            let is_port = authority[colon + 1..].iter().all(u8::is_ascii_digit);
            let may_be = !is_port || !self.is_scheme_with_paths(from - 3);
            may_be.then(|| at_sign(&near[..length(&blank)])).flatten()
        });
        match user {
            Some(at) if at > 0 => self.take_out(from, from + at),
            _ => from,
        }
    }

    fn is_scheme_with_paths(&self, colon: usize) -> bool {
        let before = &self.text[..colon];
        let scheme = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric()).len();
        WITH_PATHS.iter().any(|known| before[scheme..].eq_ignore_ascii_case(known))
    }

    /// A card number that begins at `from` or at the first digit after it within the word.
    pub(super) fn card(&self, from: usize) -> Option<(usize, usize)> {
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

/// Where in `word` an e-mail address is.
pub(super) fn e_mail(word: &str) -> Option<(usize, usize)> {
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
