//! URLs, which end where the sentence around them says.

use super::Normaliser;
use crate::fingerprint::shape::URL;

impl Normaliser<'_> {
    /// A URL whose `://` is `colon` bytes after `from`.
    pub(super) fn url(&mut self, from: usize, colon: usize) -> usize {
        let before = &self.text[from..from + colon];
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-');
        let scheme = before.len() - before.trim_end_matches(is_scheme).len();
        let start = from + colon - scheme;
        if start > from {
            self.bare_word(&self.text[from..start]);
        }
        let end = self.url_end(from + colon + 3);
        self.put(URL);
        // Never nothing: the scheme's colon is followed by slashes, which are not trimmed.
        start + without_punctuation(&self.text[start..end]).len()
    }

    /// Where a URL ends that goes on from `from`: at a blank, unless what follows the blank belongs
    /// to the URL.
    fn url_end(&self, from: usize) -> usize {
        let mut end = self.blank_or_quote(from);
        while let Some(next) = self.rest_of_url(end) {
            end = next;
        }
        end
    }

    /// Where a URL with blanks ends that is interrupted at `blank`. Nobody can tell `a b/c.pdf` from
    /// prose for certain: what goes on with a path, a query, an escape or the name of a file is
    /// taken for the URL, as otherwise each file would make a group of its own.
    fn rest_of_url(&self, blank: usize) -> Option<usize> {
        let sentence = |byte: &u8| matches!(byte, b'.' | b',' | b';' | b':' | b'!' | b'?' | b')');
        if self.bytes.get(blank) != Some(&b' ') || self.bytes[..blank].last().is_some_and(sentence)
        {
            return None;
        }
        let mut from = blank;
        for _ in 0..MAX_WORDS {
            let to = self.blank_or_quote(from + 1);
            let word = self.text.get(from + 1..to)?;
            if word.is_empty() || word.len() > MAX_WORD || word.contains("://") {
                return None;
            }
            let bare = without_punctuation(word);
            let inner = bare.contains('/') && !bare.starts_with('/');
            let escape = bare.contains('&') || bare.contains('%');
            if inner || escape || is_file(bare) {
                return Some(to);
            }
            if bare.len() < word.len() || self.bytes.get(to) != Some(&b' ') {
                return None;
            }
            from = to;
        }
        None
    }
}

/// How many words with nothing of a URL about them may be in its middle.
const MAX_WORDS: usize = 3;
/// The longest of them.
const MAX_WORD: usize = 64;

/// `report.pdf`.
fn is_file(word: &str) -> bool {
    let ending = word.rsplit_once('.').filter(|(name, _)| !name.is_empty());
    ending.is_some_and(|(_, ending)| {
        (2..=5).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// `url` without the punctuation of the sentence that it is in: a closing bracket belongs to the
/// sentence if the URL opened none.
fn without_punctuation(url: &str) -> &str {
    const BRACKETS: [(u8, u8); 3] = [(b'(', b')'), (b'[', b']'), (b'{', b'}')];
    let bytes = url.as_bytes();
    let count = |bracket: u8| url.matches(char::from(bracket)).count();
    // How many more are closed than opened, in what is left of the URL.
    let mut surplus = BRACKETS.map(|(open, close)| count(close).saturating_sub(count(open)));
    let mut end = bytes.len();
    while let Some(last) = end.checked_sub(1) {
        match BRACKETS.iter().position(|(_, close)| *close == bytes[last]) {
            Some(kind) if surplus[kind] > 0 => surplus[kind] -= 1,
            None if matches!(bytes[last], b'.' | b',' | b';' | b':' | b'!' | b'?') => {}
            _ => break,
        }
        end = last;
    }
    &url[..end]
}
