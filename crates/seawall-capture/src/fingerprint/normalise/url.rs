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
        let end = self.blank_or_quote(from + colon + 3);
        self.put(URL);
        // Never nothing: the scheme's colon is followed by slashes, which are not trimmed.
        start + without_punctuation(&self.text[start..end]).len()
    }
}

/// `url` without the punctuation of the sentence that it is in.
fn without_punctuation(url: &str) -> &str {
    let count = |url: &str, bracket: char| url.matches(bracket).count();
    let mut url = url;
    loop {
        let open = match url.chars().next_back() {
            Some('.' | ',' | ';' | ':' | '!' | '?') => None,
            Some(')') => Some(('(', ')')),
            Some(']') => Some(('[', ']')),
            Some('}') => Some(('{', '}')),
            _ => return url,
        };
        if open.is_some_and(|(open, close)| count(url, open) >= count(url, close)) {
            return url;
        }
        url = &url[..url.len() - 1];
    }
}
