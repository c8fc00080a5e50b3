//! Text with a bound.

use std::fmt::{self, Display, Write};

use seawall_core::contain;

/// What marks a text that was cut. Counts towards the bound.
const CUT: &str = "…";

/// How far back a cut goes to find the end of a word, so that no half of a secret is left that
/// nobody would know for one.
const WORD: usize = 128;

/// What stands for a text whose `Display` panicked.
pub(crate) const PANICKED: &str = "<its Display panicked>";

struct Bounded<'a> {
    out: &'a mut String,
    bound: usize,
    cut: bool,
}

impl Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.cut {
            return Err(fmt::Error);
        }
        let room = self.bound - self.out.len();
        if text.len() <= room {
            self.out.push_str(text);
            return Ok(());
        }
        self.out.push_str(&text[..text.floor_char_boundary(room)]);
        self.cut = true;
        Err(fmt::Error)
    }
}

/// Replaces `out` by what `value` displays, in at most `bound` bytes. A `Display` that never ends
/// is stopped at the bound; one that panics is contained.
pub(crate) fn render(out: &mut String, bound: usize, value: &dyn Display) {
    out.clear();
    let mut bounded = Bounded { out, bound, cut: false };
    // An error is the bound's own, or one of a `Display` that gives up; what is there is kept.
    let ended = contain(|| write!(bounded, "{value}").is_ok()).is_ok();
    let cut = bounded.cut;
    if !ended {
        out.clear();
        out.push_str(&PANICKED[..PANICKED.len().min(bound)]);
    } else if cut {
        mark_cut(out, bound);
    }
}

/// Replaces `out` by `text`, in at most `bound` bytes.
pub(crate) fn assign(out: &mut String, bound: usize, text: &str) {
    out.clear();
    if text.len() <= bound {
        out.push_str(text);
    } else {
        out.push_str(&text[..text.floor_char_boundary(bound)]);
        mark_cut(out, bound);
    }
}

/// `text` in at most `bound` bytes.
pub(crate) fn bounded(text: &str, bound: usize) -> String {
    let mut out = String::new();
    assign(&mut out, bound, text);
    out
}

/// Cuts `text` to at most `bound` bytes.
pub(crate) fn cut(text: &mut String, bound: usize) {
    if text.len() > bound {
        text.truncate(text.floor_char_boundary(bound));
        mark_cut(text, bound);
        text.shrink_to_fit();
    }
}

/// Whether a terminal or an editor obeys `c`, or shows nothing where it is: controls, ends of lines
/// of Unicode, what turns the direction of text around.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}')
}

/// `json` with what is hidden in its strings escaped, so that the line is what it looks like.
pub(crate) fn visible_json(json: String) -> String {
    let hidden = |c: char| c > '\u{7e}' && is_hidden(c);
    if json.is_ascii() && !json.contains('\u{7f}') || !json.contains(hidden) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a `String` can't fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Replaces `out` by an id, in at most `bound` bytes: visible characters of ASCII, as ids come from
/// strangers and go into headers, files and logs.
pub(crate) fn assign_id(out: &mut String, bound: usize, id: &str) {
    out.clear();
    let visible = id.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' });
    out.extend(visible.take(bound));
}

fn mark_cut(out: &mut String, bound: usize) {
    if bound < CUT.len() {
        return;
    }
    let word = out.rfind(char::is_whitespace).filter(|at| out.len() - at <= WORD);
    let end = word.unwrap_or(out.len()).min(bound - CUT.len());
    out.truncate(out.floor_char_boundary(end));
    out.truncate(out.trim_end().len());
    out.push_str(CUT);
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Endless;

    impl Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("on and on ")?;
            }
        }
    }

    struct Broken;

    impl Display for Broken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half")?;
            panic!("no words")
        }
    }

    #[test]
    fn a_display_without_end_stops_at_the_bound() {
        let mut out = String::new();
        render(&mut out, 20, &Endless);
        assert_eq!(out, "on and on on and…");
    }

    #[test]
    fn a_display_that_panics_is_contained() {
        let mut out = String::from("old");
        render(&mut out, 64, &Broken);
        assert_eq!(out, PANICKED);
    }

    #[test]
    fn a_cut_leaves_no_half_word() {
        assert_eq!(bounded("mail to someone@example.org", 20), "mail to…");
        assert_eq!(bounded("short", 20), "short");
        assert_eq!(bounded(&"x".repeat(30), 10), format!("{}…", "x".repeat(7)));
        assert_eq!(bounded("äöü", 3), "…");
        assert_eq!(bounded("äöü", 1), "");
        assert_eq!(bounded("abc", 2), "ab");
    }
}
