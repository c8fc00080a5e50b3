//! One pass over a text, by the shape of what is in it, and one more for each secret that it found.
//! Takes time in proportion to the text, whatever is in it.

use std::borrow::Cow;

pub(super) use keys::{is_sensitive, plain};

mod again;
mod keys;
mod shapes;
mod values;

pub(super) const REDACTED: &str = "[redacted]";
const E_MAIL: &str = "[e-mail]";
const CARD: &str = "[card]";

/// Which bytes words are made of: a table, as each byte of each text is looked up in it.
static WORDS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u16;
    while byte < 256 {
        let letter = byte.to_le_bytes()[0];
        table[byte as usize] = letter.is_ascii_alphanumeric()
            || letter >= 0x80
            || matches!(letter, b'_' | b'-' | b'.' | b'%' | b'+' | b'@');
        byte += 1;
    }
    table
};

fn is_word(byte: u8) -> bool {
    WORDS[usize::from(byte)]
}

/// Writes `text` without its secrets to `out`. Says whether there were any; if not, `out` holds
/// nothing of use.
pub(super) fn redact(text: &str, own: &[String], out: &mut String) -> bool {
    out.clear();
    let text = with_plain_blanks(text);
    let mut scan =
        Scan { text: &text, bytes: text.as_bytes(), own, out, copied: 0, secrets: Vec::new() };
    let mut at = 0;
    while at < scan.bytes.len() {
        at = if is_word(scan.bytes[at]) {
            scan.word(at)
        } else if scan.bytes[at..].starts_with(b"://") {
            scan.authority(at)
        } else {
            at + 1
        };
    }
    let Scan { copied, secrets, .. } = scan;
    if copied == 0 {
        return false;
    }
    out.push_str(&text[copied..]);
    again::take_out(&secrets, out);
    true
}

/// Blanks that are none to a scanner of bytes, such as those that do not break a line, are.
fn with_plain_blanks(text: &str) -> Cow<'_, str> {
    const BLANKS: [char; 4] = ['\u{a0}', '\u{2007}', '\u{202f}', '\u{3000}'];
    if text.is_ascii() || !text.contains(BLANKS) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(BLANKS, " "))
}

struct Scan<'a, 'o> {
    text: &'a str,
    bytes: &'a [u8],
    own: &'a [String],
    out: &'o mut String,
    /// Up to where the text is in `out`, or replaced.
    copied: usize,
    /// What was taken out as the value of a key, to be taken out everywhere.
    secrets: Vec<&'a str>,
}

impl Scan<'_, '_> {
    fn replace(&mut self, from: usize, to: usize, by: &str) -> usize {
        self.out.push_str(&self.text[self.copied..from]);
        self.out.push_str(by);
        self.copied = to;
        to
    }

    /// Takes out a value, here and wherever else it is.
    fn take_out(&mut self, from: usize, to: usize) -> usize {
        again::note(&self.text[from..to], &mut self.secrets);
        self.replace(from, to, REDACTED)
    }

    /// Looks at the word that begins at `from`. Gives where to go on.
    fn word(&mut self, from: usize) -> usize {
        let mut to = from;
        let (mut digits, mut at_sign, mut escape) = (0, false, false);
        while let Some(byte) = self.bytes.get(to).copied().filter(|byte| is_word(*byte)) {
            digits += usize::from(byte.is_ascii_digit());
            at_sign |= byte == b'@';
            escape |= byte == b'%';
            to += 1;
        }
        let word = &self.text[from..to];
        if let Some(end) = self.value_after(from, to) {
            return end;
        }
        if escape && let Some(end) = self.escaped_value(from, to) {
            return end;
        }
        if at_sign && let Some((start, end)) = shapes::e_mail(word) {
            return self.replace(from + start, from + end, E_MAIL);
        }
        if word == "-----BEGIN" {
            let end = self.pem_end(to);
            return self.replace(from, end, REDACTED);
        }
        if shapes::is_issued(word) {
            return self.take_out(from, to);
        }
        if let Some(end) = self.bare_token(word, to) {
            return end;
        }
        // Groups of a card number are words of their own.
        if digits >= 3
            && let Some((start, end)) = self.card(from)
        {
            return self.replace(start, end, CARD);
        }
        to
    }
}
