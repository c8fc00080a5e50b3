//! Dates in words: what is around the name of a month.

use super::Normaliser;
use crate::fingerprint::shape::DATE;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

impl Normaliser<'_> {
    /// `Mar` after or before a number is part of a date.
    pub(super) fn month(&mut self, word: &str) -> bool {
        if matches!(word, "GMT" | "UTC") && self.written().ends_with("<date> ") {
            self.out.pop();
            return true;
        }
        if !MONTHS.contains(&word) || !self.written().ends_with("<num> ") {
            return false;
        }
        self.out.truncate(self.out.len() - "<num> ".len());
        if self.ends_with_one_of(&DAYS, ", ") {
            self.out.truncate(self.out.len() - "Mon, ".len());
        }
        self.put(DATE);
        true
    }

    /// A number right after a date is its year; one right after the name of a month its day.
    pub(super) fn year_or_day(&mut self) -> bool {
        if self.written().ends_with("<date> ") {
            self.out.pop();
            return true;
        }
        let day = self.ends_with_one_of(&MONTHS, " ");
        if day {
            self.out.truncate(self.out.len() - "Jan ".len());
            self.put(DATE);
        }
        day
    }

    fn ends_with_one_of(&self, names: &[&str], after: &str) -> bool {
        let before = self.written().strip_suffix(after);
        before.is_some_and(|before| names.iter().any(|name| before.ends_with(name)))
    }
}
