//! What a word is, as a whole or in its parts.

use super::Normaliser;
use super::commit::{is_commit, of_described_commit};
use crate::fingerprint::shape::{self, NUM, UUID};

/// What a word says of the next.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Code {
    No,
    /// After `os`, which `error` may follow.
    Os,
    /// If it is a number, it is a code.
    Next,
    /// If it is hexadecimal, it is a commit: even of digits or letters alone.
    Commit,
}

impl Normaliser<'_> {
    pub(super) fn bare_word(&mut self, word: &str) {
        let code = std::mem::replace(&mut self.code, Code::No);
        if word.is_empty() {
            return;
        }
        if is_commit(word, code == Code::Commit) {
            self.put(shape::HASH);
            return;
        }
        if word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            if !self.month(word) {
                self.code = after(word, code);
                if word.eq_ignore_ascii_case("localhost") {
                    self.put(shape::HOST);
                } else {
                    self.out.push_str(word);
                }
            }
            return;
        }
        let is_number = word.len() <= 5 && word.bytes().all(|byte| byte.is_ascii_digit());
        if shape::is_code(word) || (is_number && code == Code::Next) {
            self.out.push_str(word);
        } else if let Some(shape) = shape::of(word) {
            if !(is_number && self.year_or_day()) {
                self.put(shape);
            }
        } else {
            self.parts(word);
            if word.len() > 5 && word.as_bytes()[..5].eq_ignore_ascii_case(b"http/") {
                self.code = Code::Next;
            }
        }
    }

    /// A word that is nothing as a whole: looks at its parts.
    pub(super) fn parts(&mut self, word: &str) {
        let mut rest = word;
        while let Some(at) = uuid_in(rest) {
            self.alphanumeric_parts(&rest[..at]);
            self.put(UUID);
            rest = &rest[at + 36..];
        }
        self.alphanumeric_parts(rest);
    }

    fn alphanumeric_parts(&mut self, word: &str) {
        let mut rest = word;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            self.part(&rest[..end]);
            let mark = rest[end..].chars().next().map_or(0, char::len_utf8);
            self.out.push_str(&rest[end..end + mark]);
            rest = &rest[end + mark..];
        }
    }

    /// Letters and digits: digits are numbers unless they belong to the name.
    fn part(&mut self, part: &str) {
        if let Some(commit) = of_described_commit(part) {
            self.put(commit);
            return;
        }
        if !part.bytes().any(|byte| byte.is_ascii_digit()) || shape::is_name(part) {
            self.out.push_str(part);
            return;
        }
        if let Some(hex) = shape::of_hex(part) {
            self.put(hex);
            return;
        }
        let mut rest = part;
        while !rest.is_empty() {
            let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            self.out.push_str(&rest[..end]);
            rest = &rest[end..];
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            if digits > 0 {
                self.put(NUM);
            }
            rest = &rest[digits..];
        }
    }
}

/// What `word` says of what follows it.
fn after(word: &str, before: Code) -> Code {
    const CODES: [&str; 7] = ["code", "status", "errno", "sqlstate", "http", "signal", "exit"];
    const COMMITS: [&str; 5] = ["commit", "revision", "rev", "sha", "head"];
    if word.len() > 8 {
        Code::No
    } else if COMMITS.iter().any(|commit| word.eq_ignore_ascii_case(commit)) {
        Code::Commit
    } else if word.eq_ignore_ascii_case("os") {
        Code::Os
    } else if CODES.iter().any(|code| word.eq_ignore_ascii_case(code))
        || (before == Code::Os && word.eq_ignore_ascii_case("error"))
    {
        Code::Next
    } else {
        Code::No
    }
}

/// Where in `word` a UUID begins that stands by itself.
fn uuid_in(word: &str) -> Option<usize> {
    let bytes = word.as_bytes();
    let last = bytes.len().checked_sub(36)?;
    (0..=last).find(|at| {
        let free = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at)).is_none_or(|byte| !byte.is_ascii_alphanumeric())
        };
        bytes[at + 8] == b'-'
            && free(at.checked_sub(1))
            && free(at.checked_add(36))
            && word.get(*at..at + 36).is_some_and(shape::is_uuid)
    })
}
