//! Whether what is seen of a file is to be taken. No clock, no file.

use crate::Mistakes;

/// What a look at the file has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Text(String),
    Unreadable(Mistakes),
}

/// What follows from a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing has changed.
    Same,
    /// It has changed, and may still be under way.
    LookAgain,
    Take(String),
    Reject(Mistakes),
}

/// A file is taken once two looks in a row have shown the same.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// What was decided last.
    decided: Option<Seen>,
    /// What the look before has shown.
    before: Option<Seen>,
}

impl Settled {
    pub(super) fn look(&mut self, seen: Seen) -> Verdict {
        if self.decided.as_ref() == Some(&seen) {
            self.before = None;
            return Verdict::Same;
        }
        if self.before.as_ref() != Some(&seen) {
            self.before = Some(seen);
            return Verdict::LookAgain;
        }
        self.before = None;
        self.decided = Some(seen.clone());
        match seen {
            // A document without anything would take all pipelines away: to truncate a file is
            // not to mean that.
            Seen::Text(text) if text.trim_start_matches('\u{feff}').trim().is_empty() => {
                Verdict::Reject(Mistakes::one(None, "the file is empty"))
            }
            Seen::Text(text) => Verdict::Take(text),
            Seen::Unreadable(mistakes) => Verdict::Reject(mistakes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Seen {
        Seen::Text(text.to_owned())
    }

    #[test]
    fn what_two_looks_show_is_taken_once() {
        let mut settled = Settled::default();
        assert_eq!(settled.look(text("a")), Verdict::LookAgain);
        assert_eq!(settled.look(text("a")), Verdict::Take("a".to_owned()));
        assert_eq!(settled.look(text("a")), Verdict::Same);
        // Half written, then whole.
        assert_eq!(settled.look(text("")), Verdict::LookAgain);
        assert_eq!(settled.look(text("b")), Verdict::LookAgain);
        assert_eq!(settled.look(text("b")), Verdict::Take("b".to_owned()));
        // Gone for a moment.
        let gone = || Seen::Unreadable(Mistakes::one(None, "gone"));
        assert_eq!(settled.look(gone()), Verdict::LookAgain);
        assert_eq!(settled.look(text("b")), Verdict::Same);
        // Gone for good, reported once; then back.
        assert_eq!(settled.look(gone()), Verdict::LookAgain);
        assert!(matches!(settled.look(gone()), Verdict::Reject(_)));
        assert_eq!(settled.look(gone()), Verdict::Same);
        assert_eq!(settled.look(text("b")), Verdict::LookAgain);
        assert_eq!(settled.look(text("b")), Verdict::Take("b".to_owned()));
        // Changed back.
        assert_eq!(settled.look(text("a")), Verdict::LookAgain);
        assert_eq!(settled.look(text("a")), Verdict::Take("a".to_owned()));
        assert_eq!(settled.look(text(" \n")), Verdict::LookAgain);
        assert!(matches!(settled.look(text(" \n")), Verdict::Reject(_)));
    }
}
