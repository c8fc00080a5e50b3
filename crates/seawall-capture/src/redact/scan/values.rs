//! Values of sensitive keys, and where they end.

use super::Scan;
use super::keys::{is_header, is_in_url, is_sensitive};

impl Scan<'_, '_> {
    /// Where the word from `from` to `to` is a sensitive key with a value: takes the value out.
    pub(super) fn value_after(&mut self, from: usize, to: usize) -> Option<usize> {
        let word = &self.text[from..to];
        let mut at = to;
        // `"key"`, `\"key\"`, `'key'`, and blanks before the separator.
        while matches!(self.bytes.get(at), Some(b'"' | b'\'' | b'\\' | b' ' | b'\t')) {
            at += 1;
        }
        if !matches!(self.bytes.get(at), Some(b'=' | b':')) {
            return self.option(word, to);
        }
        let before = from.checked_sub(1).map(|before| self.bytes[before]);
        let in_url = matches!(before, Some(b'?' | b'&')) && self.bytes.get(to) == Some(&b'=');
        if !(is_sensitive(word, self.own) || (in_url && is_in_url(word))) {
            return None;
        }
        while matches!(self.bytes.get(at), Some(b'=' | b':' | b'>' | b' ' | b'\t')) {
            at += 1;
        }
        let (at, end) = match self.next_line(at) {
            Some(next) => (next, self.block_end(next)),
            None => (at, self.value_end(word, at)),
        };
        (end > at).then(|| self.take_out(at, end))
    }

    /// `--password x`.
    fn option(&mut self, word: &str, to: usize) -> Option<usize> {
        if !word.starts_with('-')
            || self.bytes.get(to) != Some(&b' ')
            || !is_sensitive(word, self.own)
        {
            return None;
        }
        let blanks = self.bytes[to..].iter().take_while(|byte| **byte == b' ').count();
        let from = to + blanks;
        if self.bytes.get(from).is_none_or(|byte| matches!(byte, b'-' | b'\n' | b'\r')) {
            return None;
        }
        let end = self.value_end("", from);
        (end > from).then(|| self.take_out(from, end))
    }

    /// `password%3Dhunter2%26user%3Dann`: pairs that were escaped for a URL are one word.
    pub(super) fn escaped_value(&mut self, from: usize, to: usize) -> Option<usize> {
        let word = &self.text[from..to];
        let separators = ["%3D", "%3d", "%3A", "%3a", "%253D", "%253d"];
        let separator = |at: usize| {
            let found = separators.iter().find(|separator| word[at..].starts_with(**separator));
            found.map(|separator| at + separator.len())
        };
        let mut key = 0;
        for at in word.match_indices('%').map(|(at, _)| at) {
            if let Some(value) = separator(at) {
                if key <= at && is_sensitive(&word[key..at], self.own) {
                    let rest = &word[value..];
                    let end = ["%26", "%252"].iter().filter_map(|end| rest.find(end)).min();
                    let end = value + end.unwrap_or(rest.len());
                    return (end > value).then(|| self.take_out(from + value, from + end));
                }
                key = value;
            } else {
                // Another escape parts names, too.
                let digits = word.as_bytes().get(at + 1..at + 3);
                let escape = digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
                key = if escape { at + 3 } else { at + 1 };
            }
        }
        None
    }

    fn value_end(&self, key: &str, from: usize) -> usize {
        let quote = from + usize::from(self.bytes.get(from) == Some(&b'\\'));
        match self.bytes.get(quote) {
            Some(quoted @ (b'"' | b'\'')) => self.quote_end(quote + 1, *quoted),
            _ if is_header(key) => self.block_end(from),
            _ => self.bare_end(from),
        }
    }

    /// After the closing quote, or the end of the text.
    fn quote_end(&self, from: usize, quote: u8) -> usize {
        let escaped = from >= 2 && self.bytes[from - 2] == b'\\';
        let mut at = from;
        while let Some(byte) = self.bytes.get(at) {
            if *byte == b'\\' && !escaped {
                at += 2;
            } else if *byte == quote {
                return at + 1;
            } else {
                at += 1;
            }
        }
        self.bytes.len()
    }

    fn line_end(&self, from: usize) -> usize {
        let rest = &self.bytes[from..];
        rest.iter().position(|b| matches!(b, b'\n' | b'\r')).map_or(self.bytes.len(), |n| from + n)
    }

    /// Where the value begins that is on the next line, further in than its key: after `\n  `, and
    /// after the `|` or `>` of YAML.
    fn next_line(&self, from: usize) -> Option<usize> {
        let rest = self.bytes[from..].iter();
        let marks = rest.take(2).take_while(|b| matches!(b, b'|' | b'>' | b'-' | b'+')).count();
        self.continuation(from + marks)
    }

    /// The first byte of the next line that is no blank, if `at` ends a line and the next is
    /// indented.
    fn continuation(&self, at: usize) -> Option<usize> {
        let at = at + usize::from(self.bytes.get(at) == Some(&b'\r'));
        if self.bytes.get(at) != Some(&b'\n') {
            return None;
        }
        let line = &self.bytes[at + 1..];
        let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let is_text = line.get(blanks).is_some_and(|byte| !matches!(byte, b'\n' | b'\r'));
        (blanks > 0 && is_text).then_some(at + 1 + blanks)
    }

    /// The end of the line, and of the indented lines after it.
    fn block_end(&self, from: usize) -> usize {
        let mut end = self.line_end(from);
        while let Some(next) = self.continuation(end) {
            end = self.line_end(next);
        }
        end
    }

    /// After a value without quotes: to a blank or a separator outside of brackets.
    fn bare_end(&self, from: usize) -> usize {
        let (mut at, mut depth) = (from, 0_usize);
        while let Some(byte) = self.bytes.get(at) {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' if depth == 0 => return at,
                b')' | b']' | b'}' => depth -= 1,
                b'"' | b'\'' if depth > 0 => {
                    at = self.quote_end(at + 1, *byte);
                    continue;
                }
                b'&' | b',' | b';' | b'"' | b'\'' | b'<' | b'>' if depth == 0 => return at,
                byte if byte.is_ascii_whitespace() && depth == 0 => return at,
                _ => {}
            }
            at += 1;
        }
        self.bytes.len()
    }
}
