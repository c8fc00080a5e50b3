//! Error capture: a failure that is known, and one that is new.

use std::fmt;

use seawall_capture::store::Seen;
use seawall_capture::{Capture, MemoryStore};

use crate::operation::Failure;
use crate::{Case, plain};

/// The cases of capture.
pub fn cases() -> Vec<Case> {
    vec![
        Case::ours("capture/repeat", || {
            let capture = capture();
            let error = Failure(1);
            capture.error(&error);
            plain(move || capture.error(&error), |seen| matches!(seen, Seen::Known))
        })
        .calls(2_000),
        Case::ours("capture/new-group", || {
            let capture = capture();
            let mut names = Names::default();
            plain(move || capture.error(&names.next()), |seen| matches!(seen, Seen::New))
        })
        .calls(2_000),
    ]
}

fn capture() -> Capture {
    Capture::builder()
        .service("benches")
        .version("1.2.3")
        // They would cost milliseconds wherever the environment asks for them.
        .without_backtraces()
        .store(MemoryStore::default())
        .build()
        .expect("a valid capture")
}

/// Errors of which no two have the same message, in letters: numbers would be normalised away.
#[derive(Debug, Default)]
struct Names(usize);

impl Names {
    fn next(&mut self) -> Named {
        self.0 += 1;
        let mut rest = self.0;
        let mut name = [b'a'; 6];
        for letter in &mut name {
            *letter = b"abcdefghijklmnopqrstuvwxyz"[rest % 26];
            rest /= 26;
        }
        Named(name)
    }
}

#[derive(Debug)]
struct Named([u8; 6]);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer from {}", String::from_utf8_lossy(&self.0))
    }
}

impl std::error::Error for Named {}
