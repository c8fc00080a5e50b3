//! What a word without blanks looks like.

use std::net::{Ipv4Addr, Ipv6Addr};

pub(super) const EMAIL: &str = "<email>";
pub(super) const URL: &str = "<url>";
pub(super) const HOST: &str = "<host>";
pub(super) const IP: &str = "<ip>";
pub(super) const UUID: &str = "<uuid>";
pub(super) const HASH: &str = "<hash>";
pub(super) const DATE: &str = "<date>";
pub(super) const DURATION: &str = "<duration>";
pub(super) const HEX: &str = "<hex>";
pub(super) const NUM: &str = "<num>";
pub(super) const STR: &str = "<str>";
pub(super) const PATH: &str = "<path>";

/// Top-level domains that make a dotted name a host. The whole list would make hosts of
/// `user.name` and of `main.rs`.
const TOP: [&str; 34] = [
    "com",
    "net",
    "org",
    "io",
    "dev",
    "app",
    "cloud",
    "local",
    "lan",
    "internal",
    "intern",
    "corp",
    "home",
    "localdomain",
    "svc",
    "cluster",
    "test",
    "example",
    "invalid",
    "localhost",
    "edu",
    "gov",
    "mil",
    "info",
    "biz",
    "eu",
    "de",
    "uk",
    "us",
    "fr",
    "nl",
    "ch",
    "jp",
    "ai",
];

/// Endings of files, which make a dotted name no host.
const FILES: [&str; 30] = [
    "rs", "py", "js", "ts", "go", "java", "kt", "c", "cc", "cpp", "h", "hpp", "rb", "php", "json",
    "toml", "yaml", "yml", "xml", "html", "txt", "log", "sql", "sh", "conf", "cfg", "ini", "lock",
    "csv", "proto",
];

/// Words whose digits belong to the name.
const NAMES: [&str; 46] = [
    "utf8", "utf16", "utf32", "latin1", "sha1", "sha2", "sha3", "sha256", "sha384", "sha512",
    "md5", "crc32", "base64", "base32", "base58", "i8", "i16", "i32", "i64", "i128", "u8", "u16",
    "u32", "u64", "u128", "f32", "f64", "ipv4", "ipv6", "http1", "http2", "http3", "h2", "h3",
    "s3", "ec2", "x86", "x64", "x509", "oauth1", "oauth2", "ed25519", "k8s", "amd64", "arm64",
    "aes256",
];

const UNITS: [&str; 20] = [
    "ns", "us", "µs", "μs", "ms", "s", "sec", "secs", "m", "min", "mins", "h", "hr", "hrs", "d",
    "day", "days", "w", "y", "msec",
];

/// Whether `text` is an IPv6 address, as it stands in brackets before a port.
pub(super) fn is_ipv6(text: &str) -> bool {
    text.split_once('%').map_or(text, |(host, _)| host).parse::<Ipv6Addr>().is_ok()
}

/// What `word` is as a whole.
pub(super) fn of(word: &str) -> Option<&'static str> {
    if word.eq_ignore_ascii_case("localhost") {
        return Some(HOST);
    }
    let bytes = word.as_bytes();
    let digits = bytes.iter().any(u8::is_ascii_digit);
    let marks = bytes.iter().any(|b| matches!(b, b'@' | b'.' | b':' | b'/' | b'\\'));
    if !digits && !marks {
        return None;
    }
    if marks && is_email(word) {
        return Some(EMAIL);
    }
    if digits {
        let shape = of_digits(word);
        if shape.is_some() {
            return shape;
        }
    }
    if marks {
        if is_path(word) {
            return Some(PATH);
        }
        if is_host(word) {
            return Some(HOST);
        }
    }
    None
}

fn of_digits(word: &str) -> Option<&'static str> {
    if is_uuid(word) {
        Some(UUID)
    } else if is_ip(word) {
        Some(IP)
    } else if is_number(word) {
        Some(NUM)
    } else if is_date(word) {
        Some(DATE)
    } else if is_duration(word) {
        Some(DURATION)
    } else {
        of_hex(word)
    }
}

fn is_email(word: &str) -> bool {
    let Some((local, domain)) = word.rsplit_once('@') else { return false };
    let domain_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    let local_part = |c: char| !matches!(c, ':' | '/' | '@' | '\\');
    !local.is_empty()
        && local.chars().all(local_part)
        && domain.contains('.')
        && !domain.starts_with('.')
        && domain.chars().all(domain_part)
}

pub(super) fn is_uuid(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `5`, `-1.5e-3`, `1_000`, `1.2.3`.
fn is_number(word: &str) -> bool {
    let word = word.strip_prefix(['-', '+']).unwrap_or(word);
    let (mantissa, exponent) = match word.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (word, None),
    };
    let digits = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit())
            && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_'))
    };
    let signed = |text: &str| digits(text.strip_prefix(['-', '+']).unwrap_or(text));
    digits(mantissa) && exponent.is_none_or(signed)
}

/// Dates and times of day, with nines for digits: `9999-99-99`, `99:99:99.999Z`, and both.
fn is_date(word: &str) -> bool {
    if word.len() < 5 || word.len() > 40 || !word.is_ascii() {
        return false;
    }
    if is_day(word) || is_time(word) {
        return true;
    }
    let halves = word.split_once(['T', 't', '_']);
    halves.is_some_and(|(day, time)| is_day(day) && is_time(time))
}

fn shaped(word: &str, shape: &str) -> bool {
    word.len() == shape.len()
        && word.bytes().zip(shape.bytes()).all(|(byte, want)| match want {
            b'9' => byte.is_ascii_digit(),
            want => byte == want,
        })
}

fn is_day(word: &str) -> bool {
    const SHAPES: [&str; 6] =
        ["9999-99-99", "9999/99/99", "99/99/9999", "99.99.9999", "99-99-9999", "99999999"];
    let compact = shaped(word, "99999999") && !matches!(&word[..2], "19" | "20");
    !compact && SHAPES.iter().any(|shape| shaped(word, shape))
}

fn is_time(word: &str) -> bool {
    let word = word.strip_suffix(['Z', 'z']).unwrap_or(word);
    let word = match word.rfind(['+', '-']) {
        Some(at) if matches!(word.len() - at, 3 | 5 | 6) => &word[..at],
        _ => word,
    };
    let word = match word.split_once(['.', ',']) {
        Some((time, decimals)) if decimals.bytes().all(|byte| byte.is_ascii_digit()) => time,
        _ => word,
    };
    ["99:99:99", "99:99", "999999"].iter().any(|shape| shaped(word, shape))
}

/// `250ms`, `1.5s`, `1h30m`.
fn is_duration(word: &str) -> bool {
    let mut rest = word;
    if !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (_, unit) = rest.split_at(number);
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        if number == 0 || !UNITS.contains(&&unit[..end]) {
            return false;
        }
        rest = &unit[end..];
    }
    true
}

pub(super) fn of_hex(word: &str) -> Option<&'static str> {
    if let Some(hex) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return (!hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit())).then_some(HEX);
    }
    let bytes = word.as_bytes();
    let count = |is: fn(&u8) -> bool| bytes.iter().filter(|byte| is(byte)).count();
    let digits = count(u8::is_ascii_digit);
    if bytes.iter().all(u8::is_ascii_hexdigit) && digits > 0 && digits < bytes.len() {
        return match bytes.len() {
            0..7 => None,
            7..32 => Some(HEX),
            _ => Some(HASH),
        };
    }
    // Tokens and keys in base 64 and base 62.
    let letters =
        bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'_' | b'-'));
    let mixed = count(u8::is_ascii_uppercase) > 1 && count(u8::is_ascii_lowercase) > 1;
    (bytes.len() >= 20 && letters && mixed && digits > 2).then_some(HASH)
}

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_ip(word: &str) -> bool {
    if !word.bytes().any(|byte| matches!(byte, b'.' | b':')) {
        return false;
    }
    let host = match word.rsplit_once([':', '/']) {
        Some((host, port)) if is_port(port) => host,
        _ => word,
    };
    if host.parse::<Ipv4Addr>().is_ok() {
        return true;
    }
    let whole = word.split_once('%').map_or(word, |(host, _)| host);
    let prefix = whole.split_once('/').map_or(whole, |(host, _)| host);
    // `a::b` is a path of Rust, if it is anything.
    let likely = prefix.len() > 2
        && (prefix.bytes().any(|b| b.is_ascii_digit())
            || prefix.bytes().filter(|b| *b == b':').count() > 2);
    likely && prefix.parse::<Ipv6Addr>().is_ok()
}

/// `file.rs:10:5` without line and column.
fn without_line(word: &str) -> &str {
    let mut word = word;
    for _ in 0..2 {
        match word.rsplit_once(':') {
            Some((rest, number)) if is_port(number) => word = rest,
            _ => break,
        }
    }
    word
}

fn is_path(word: &str) -> bool {
    let named = |text: &str| text.chars().any(char::is_alphanumeric);
    if word.starts_with('/') || word.starts_with("~/") || word.starts_with("\\\\") {
        return named(word);
    }
    if word.starts_with("./") || word.starts_with("../") {
        return named(word);
    }
    let bytes = word.as_bytes();
    if bytes.len() > 3 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' {
        return matches!(bytes[2], b'\\' | b'/') && named(&word[2..]);
    }
    let Some((folders, file)) = without_line(word).rsplit_once(['/', '\\']) else { return false };
    let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_ending = (1..=5).contains(&ending.len())
        && ending.starts_with(|c: char| c.is_ascii_alphabetic())
        && ending.bytes().all(|byte| byte.is_ascii_alphanumeric());
    named(folders) && is_ending
}

fn is_host(word: &str) -> bool {
    let (name, port) = match word.rsplit_once(':') {
        Some((name, port)) if is_port(port) => (name, true),
        _ => (word, false),
    };
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let label = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    if !name.split('.').all(label) {
        return false;
    }
    let Some((rest, top)) = name.rsplit_once('.') else {
        // One label and a port: a host only if it can't be `line:10`.
        return port
            && name.bytes().any(|b| b == b'-' || b.is_ascii_digit())
            && name.starts_with(|c: char| c.is_ascii_alphabetic());
    };
    let top = top.to_ascii_lowercase();
    let letters = top.len() > 1 && top.bytes().all(|byte| byte.is_ascii_alphabetic());
    let country = top.len() == 2 && rest.contains('.');
    letters && !FILES.contains(&top.as_str()) && (port || country || TOP.contains(&top.as_str()))
}

/// Whether the digits of a word belong to its name, as in `utf8`.
pub(super) fn is_name(word: &str) -> bool {
    word.len() <= 8 && NAMES.iter().any(|name| word.eq_ignore_ascii_case(name))
}

/// Whether a word is the code of an error: `E0308`, `ORA-00942`, `ERR-17`.
pub(super) fn is_code(word: &str) -> bool {
    let end = word.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(word.len());
    let (prefix, rest) = word.split_at(end);
    let digits = rest.strip_prefix('-').unwrap_or(rest);
    matches!(prefix, "E" | "ORA" | "ERR" | "HTTP" | "SQL" | "PGRST" | "TS" | "LNK")
        && (2..=6).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}
