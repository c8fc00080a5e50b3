//! A secret that was found once is taken out everywhere in the text: `password=x: 'x' is too short`.

use super::REDACTED;

/// How many different secrets are looked for again, each in one pass over the text.
const MOST: usize = 16;
/// Shorter ones are words of the language more often than not.
const SHORTEST: usize = 4;
/// From this length on a secret is also taken out of the middle of a word.
const LONG: usize = 8;

/// Words of values that are no secrets.
const PLAIN: [&str; 15] = [
    "secure",
    "httponly",
    "strict",
    "bearer",
    "basic",
    "digest",
    "negotiate",
    "some",
    "none",
    "null",
    "true",
    "false",
    "redacted",
    "e-mail",
    "card",
];

/// Notes the secrets of a value that was taken out.
pub(super) fn note<'a>(value: &'a str, secrets: &mut Vec<&'a str>) {
    let parts = |c: char| {
        c.is_whitespace()
            || matches!(c, '"' | '\'' | '\\' | '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';')
    };
    for part in value.split(parts) {
        // Of `name=value` in a cookie, and of `user:password`, what comes last.
        let secret = part.rsplit(['=', ':']).find(|secret| !secret.is_empty()).unwrap_or_default();
        let known = PLAIN.iter().any(|plain| secret.eq_ignore_ascii_case(plain));
        if secret.len() >= SHORTEST && !known && secrets.len() < MOST && !secrets.contains(&secret)
        {
            secrets.push(secret);
        }
    }
}

/// Takes `secrets` out of `text`.
pub(super) fn take_out(secrets: &[&str], text: &mut String) {
    for secret in secrets {
        if text.contains(secret) {
            *text = without(secret, text);
        }
    }
}

fn without(secret: &str, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (at, _) in text.match_indices(secret) {
        let end = at + secret.len();
        let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let inside =
            is_letter(text[..at].chars().next_back()) || is_letter(text[end..].chars().next());
        if secret.len() >= LONG || !inside {
            out.push_str(&text[copied..at]);
            out.push_str(REDACTED);
            copied = end;
        }
    }
    out.push_str(&text[copied..]);
    out
}
