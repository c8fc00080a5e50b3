//! Taking out what must not be kept.
//!
//! | what | example | becomes |
//! |---|---|---|
//! | the value of a sensitive key | `password=hunter2`, `"token": "abc"`, `secret: Some("x")`, `password%3Dx` | `password=[redacted]` |
//! | a value on the lines after its key, indented | `password: \|` and two lines | `password: \|` and `[redacted]` |
//! | the value of a sensitive option | `--password hunter2` | `--password [redacted]` |
//! | `sig`, `key`, `code`, `auth` and `pass` in the query of a URL | `?sig=abc` | `?sig=[redacted]` |
//! | the value of an authorization or cookie header, folded lines included | `Authorization: Bearer abc` | `Authorization: [redacted]` |
//! | a bearer or basic token without its header | `Bearer eyJhbGciOi...` | `Bearer [redacted]` |
//! | a JSON web token, an access key that its issuer marked | `eyJhbGciOi...`, `AKIA...`, `ghp_...` | `[redacted]` |
//! | a PEM block | `-----BEGIN PRIVATE KEY-----...` | `[redacted]` |
//! | user and password in a URL | `postgres://app:pw@db/x` | `postgres://[redacted]@db/x` |
//! | an e-mail address | `ann@example.org` | `[e-mail]` |
//! | a card-like number: 13 to 19 digits that pass the Luhn check | `4111 1111 1111 1111` | `[card]` |
//!
//! A key is sensitive if, without `-`, `_` and case, it ends with one of [`KEYS`] or of the user's,
//! or with one of them and `s`, digits or a word such as `value`. What was the value of a key, of at
//! least 4 bytes, is taken out wherever else it is in the text: `password=hunter2: 'hunter2' is too
//! short`. Shorter than 8 bytes it is left in the middle of words.
//!
//! It goes by shape, so it errs on the side of taking out too much, and it can't know a secret that
//! looks like a word: user rules are for those.
//!
//! Type names, functions and files are the program's own text and are not looked at.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use seawall_core::contain;

use crate::text::cut;

mod scan;

/// Endings of sensitive keys, without `-`, `_` and case.
pub const KEYS: [&str; 16] = [
    "authorization",
    "cookie",
    "token",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "apikey",
    "accesskey",
    "privatekey",
    "secretkey",
    "credential",
    "credentials",
    "sessionid",
    "signature",
];

/// What stands for a text that a user's rule panicked on.
const FAILED: &str = "[redacted: a rule failed]";

thread_local! {
    /// Whether a user's rule is running on this thread.
    static IN_RULES: Cell<bool> = const { Cell::new(false) };
}

type Rule = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Takes out what must not be kept, before anything is hashed or stored.
///
/// ```
/// use seawall_capture::Redactor;
///
/// let redactor = Redactor::default().key("iban").rule(|text| {
///     text.contains("PROJECT-X").then(|| text.replace("PROJECT-X", "[project]"))
/// });
/// assert_eq!(
///     redactor.text("PROJECT-X: iban=DE02120300000000202051 of ann@example.org"),
///     "[project]: iban=[redacted] of [e-mail]",
/// );
/// ```
#[derive(Clone, Default)]
pub struct Redactor {
    keys: Vec<String>,
    rules: Vec<Rule>,
    off: bool,
}

impl Redactor {
    /// Takes nothing out, not even passwords. There for data that is made up, such as in tests;
    /// there is no other way to switch redaction off.
    pub fn that_keeps_every_secret_in_the_clear() -> Self {
        Self { off: true, ..Self::default() }
    }

    /// Takes the values of keys out that end with `key`, too. `-`, `_` and case do not matter.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        let key = scan::plain(key);
        if !key.is_empty() {
            self.keys.push(key);
        }
        self
    }

    /// Applies `rule` to every text, after what is built in. It gives the new text, or `None` if
    /// there is nothing to take out. If it panics the whole text is taken out. What a rule redacts
    /// by itself goes through what is built in alone.
    #[must_use]
    pub fn rule(mut self, rule: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.rules.push(Arc::new(rule));
        self
    }

    /// `text`, redacted.
    pub fn text(&self, text: &str) -> String {
        let mut out = text.to_owned();
        self.apply(&mut out, usize::MAX, &mut String::new());
        out
    }

    /// Whether the values of `key` are taken out.
    pub fn is_sensitive(&self, key: &str) -> bool {
        !self.off && scan::is_sensitive(key, &self.keys)
    }

    /// Redacts `text`, which stays within `bound` bytes.
    pub(crate) fn apply(&self, text: &mut String, bound: usize, scratch: &mut String) {
        if self.off || text.is_empty() {
            return;
        }
        if scan::redact(text, &self.keys, scratch) {
            std::mem::swap(text, scratch);
        }
        self.apply_rules(text);
        cut(text, bound);
    }

    /// Applies the user's rules. Not to what a rule itself has redacted: that would never end.
    fn apply_rules(&self, text: &mut String) {
        if self.rules.is_empty() || IN_RULES.replace(true) {
            return;
        }
        for rule in &self.rules {
            match contain(|| rule(text)) {
                Ok(Some(new)) => *text = new,
                Ok(None) => {}
                Err(_) => FAILED.clone_into(text),
            }
        }
        IN_RULES.set(false);
    }

    /// Redacts a value that has a key, and the key.
    pub(crate) fn apply_pair(
        &self,
        key: &mut String,
        value: &mut String,
        bound: usize,
        scratch: &mut String,
    ) {
        if self.is_sensitive(key) {
            scan::REDACTED.clone_into(value);
        } else {
            self.apply(value, bound, scratch);
        }
        self.apply(key, crate::record::limits::KEY, scratch);
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor")
            .field("keys", &self.keys)
            .field("rules", &self.rules.len())
            .field("off", &self.off)
            .finish()
    }
}
