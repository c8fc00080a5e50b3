//! Names of secrets.

use super::super::KEYS;

/// The longest key that is looked at, in bytes.
const MAX_KEY: usize = 64;

/// Names of secrets in the query of a URL, which elsewhere are anything.
const IN_URLS: [&str; 5] = ["sig", "key", "code", "auth", "pass"];

/// What a name may end with and still be that of a secret: `client_secret_value`, `tokens`.
const ENDINGS: [&str; 12] = [
    "s",
    "value",
    "string",
    "text",
    "raw",
    "data",
    "plain",
    "hash",
    "base64",
    "old",
    "new",
    "confirmation",
];

/// A key without `-`, `_`, `.` and case.
pub(in super::super) fn plain(key: &str) -> String {
    let letters = key.chars().filter(|c| !matches!(c, '-' | '_' | '.'));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// Looks at a key without `-`, `_`, `.` and case. The end decides, so a longer one is
/// looked at from its end.
fn with_plain<R>(key: &str, look: impl FnOnce(&[u8]) -> R) -> R {
    let mut buffer = [0; MAX_KEY];
    let mut len = 0;
    let start = key.len().saturating_sub(MAX_KEY);
    for byte in key.as_bytes()[start..].iter().filter(|b| !matches!(b, b'-' | b'_' | b'.')) {
        buffer[len] = byte.to_ascii_lowercase();
        len += 1;
    }
    look(&buffer[..len])
}

pub(in super::super) fn is_sensitive(key: &str, own: &[String]) -> bool {
    with_plain(key, |mut plain| {
        loop {
            let ends = |end: &str| plain.ends_with(end.as_bytes());
            if KEYS.iter().any(|end| ends(end)) || own.iter().any(|end| ends(end)) {
                return true;
            }
            let shorter = match plain.split_last() {
                Some((digit, rest)) if digit.is_ascii_digit() => Some(rest),
                _ => ENDINGS.iter().find_map(|end| plain.strip_suffix(end.as_bytes())),
            };
            match shorter {
                Some(shorter) => plain = shorter,
                None => return false,
            }
        }
    })
}

/// Whether `key` is the name of a secret in the query of a URL.
pub(super) fn is_in_url(key: &str) -> bool {
    IN_URLS.iter().any(|known| key.eq_ignore_ascii_case(known))
}

/// Headers whose value goes on to the end of the line.
pub(super) fn is_header(key: &str) -> bool {
    with_plain(key, |plain| plain.ends_with(b"authorization") || plain.ends_with(b"cookie"))
}
