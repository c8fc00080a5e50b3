//! No text takes more time than in proportion to its length, or more than a fixed stack: what fails
//! often says what a stranger wrote.

use std::time::{Duration, Instant};

use seawall_capture::Redactor;
use seawall_capture::fingerprint::normalise;

/// What scanners stop at, look back from, or look ahead of.
const TOKENS: [&str; 29] = [
    "http://",
    "]",
    ")",
    "}",
    "(",
    "[",
    "'",
    " '",
    " 'a",
    "\"",
    "\\\"",
    "`",
    "[::",
    "a@",
    "://",
    "/?",
    "-",
    "1.",
    "1",
    " ",
    "Jan ",
    "token=",
    "key: ",
    "é",
    "<",
    "bearer ",
    "a.b",
    "field \"a\" ",
    "550e8400-e29b-41d4-a716-446655440000-",
];

/// A hundred times what it takes, and a tenth of what it took.
const ENOUGH: Duration = Duration::from_secs(1);
const LENGTH: usize = 16 << 10;

fn check(text: &str, what: &str) {
    let began = Instant::now();
    let normal = normalise(text);
    assert!(began.elapsed() < ENOUGH, "normalising {what}: {:?}", began.elapsed());
    assert!(normal.len() <= text.len() * 5 + 10, "{what}");
    let began = Instant::now();
    let _ = Redactor::default().key("a").text(text);
    assert!(began.elapsed() < ENOUGH, "redacting {what}: {:?}", began.elapsed());
}

#[test]
fn of_any_two_tokens_again_and_again() {
    for first in TOKENS {
        for second in TOKENS {
            let pair = format!("{first}{second}");
            check(&pair.repeat(LENGTH / pair.len()), &format!("{pair:?} repeated"));
        }
    }
}

#[test]
fn of_one_token_again_and_again_after_one_that_opens_something() {
    for first in ["http://", "\"", "'", "token=(", "/a?"] {
        for second in TOKENS {
            let rest = second.repeat(LENGTH / second.len());
            check(&format!("{first}{rest}"), &format!("{first:?} and {second:?} repeated"));
        }
    }
}

#[test]
fn a_word_of_thirty_thousand_uuids_needs_no_stack() {
    let text = "550e8400-e29b-41d4-a716-446655440000-".repeat(30_000);
    let normal = std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(move || normalise(&text))
        .unwrap()
        .join()
        .unwrap();
    assert!(normal.starts_with("<uuid>-<uuid>-"));
}
