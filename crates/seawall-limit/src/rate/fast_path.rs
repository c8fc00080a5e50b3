//! One word to take permits from, while nobody waits.
//!
//! Facts that hold at every moment:
//!
//! 1. While the lane is open, the time that permits are taken up to is in its word and nowhere
//!    else. While it is shut, that time is in the meter, behind the lock.
//! 2. It is shut and opened under the lock only, and is open only while nobody waits. So who takes
//!    from it gets past nobody.
//! 3. Its terms change only while it is shut, and it opens with another edition in its word then.
//!    So who has read terms of two editions finds another word than the one it began with.
//!
//! Time is counted in ticks since an anchor: so many to a nanosecond that a permit costs a whole
//! number of them. What doesn't fit a word in ticks is counted under the lock.

use super::gcra::{Fine, GcraRate};
use crate::sync::{AtomicU64, Ordering};

/// The fast way to a permit.
#[derive(Debug)]
pub(crate) struct Lane {
    word: AtomicU64,
    terms: SharedTerms,
}

/// What the lane says to one who wants a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    Taken,
    /// In so many nanoseconds.
    NotYet(u64),
    /// It has to be asked for under the lock.
    Shut,
}

/// Ticks (56 bits), edition (7 bits), shut (1 bit). Ticks come first, so that of two words of one
/// edition the larger is the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Word(u64);

/// What a permit costs, and from when to when the lane can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Terms {
    anchor: u64,
    /// In nanoseconds.
    span: u64,
    /// Ticks in a nanosecond. Here and below they are where they are in a word.
    unit: u64,
    cost: u64,
    /// How far ahead of now the time may be for one more permit.
    slack: u64,
}

/// What is seen at one look at the lane.
enum Look {
    There { word: Word, next: Word },
    NotYet(Refusal),
    Shut { word: Word },
}

/// A word by which there is no permit, and how many ticks it is until there is one.
#[derive(Clone, Copy)]
pub(crate) struct Refusal {
    word: Word,
    ticks: u64,
}

#[derive(Debug)]
struct SharedTerms {
    anchor: AtomicU64,
    span: AtomicU64,
    unit: AtomicU64,
    cost: AtomicU64,
    slack: AtomicU64,
}

/// The most ticks that a span and a burst may have: the sum of both and a permit fits a word.
const LONGEST: u64 = 1 << 54;

impl Word {
    const SHUT: u64 = 1;
    const EDITION: u64 = 2;
    const TICK: u64 = 1 << 8;
    const MOST_TICKS: u64 = u64::MAX / Self::TICK;
    const NOT_TICKS: u64 = Self::TICK - 1;

    #[inline]
    const fn is_shut(self) -> bool {
        self.0 & Self::SHUT != 0
    }

    /// A word of the same edition.
    #[inline]
    const fn at(self, ticks: u64) -> Self {
        Self(ticks | self.0 & Self::NOT_TICKS)
    }

    const fn ticks(self) -> u64 {
        self.0 / Self::TICK
    }

    const fn open(self) -> Self {
        Self(self.0 & !Self::SHUT)
    }

    const fn next_edition(self) -> Self {
        Self(self.0 & !Self::NOT_TICKS | self.0.wrapping_add(Self::EDITION) & Self::NOT_TICKS)
    }
}

impl Refusal {
    /// There may be a permit.
    #[inline]
    const fn unsure(word: Word) -> Self {
        Self { word, ticks: 0 }
    }

    /// Whether the lane was shut.
    #[inline]
    pub(crate) const fn is_of_shut(self) -> bool {
        self.word.is_shut()
    }
}

impl Terms {
    /// `None` where a word is too small for the rate.
    fn of(rate: &GcraRate, anchor: u64) -> Option<Self> {
        let unit = rate.unit();
        let (cost, slack) = (rate.one().ticks_since(0, unit)?, rate.slack().ticks_since(0, unit)?);
        let fits = unit <= LONGEST && cost.checked_add(slack)? <= LONGEST;
        fits.then(|| Self {
            anchor,
            span: LONGEST / unit,
            unit: unit * Word::TICK,
            cost: cost * Word::TICK,
            slack: slack * Word::TICK,
        })
    }

    // Terms of two editions don't fit each other and may wrap around. What comes of them is thrown
    // away.

    /// What is seen if it is `word` that is there.
    #[inline]
    fn look(&self, word: Word, since: u64) -> Look {
        let now = word.at(since.wrapping_mul(self.unit));
        let latest = Word(now.0.wrapping_add(self.slack));
        if word > latest {
            return Look::NotYet(Refusal { word, ticks: word.0 - latest.0 });
        }
        Look::There { word, next: Word(word.max(now).0.wrapping_add(self.cost)) }
    }
}

impl SharedTerms {
    // Acquire, as the word is looked at again afterwards: who sees a new term here sees there that
    // the lane was shut for it.
    #[inline]
    fn load(&self) -> Terms {
        Terms {
            anchor: self.anchor.load(Ordering::Acquire),
            span: self.span.load(Ordering::Acquire),
            unit: self.unit.load(Ordering::Acquire),
            cost: self.cost.load(Ordering::Acquire),
            slack: self.slack.load(Ordering::Acquire),
        }
    }

    fn store(&self, terms: Terms) {
        self.anchor.store(terms.anchor, Ordering::Release);
        self.span.store(terms.span, Ordering::Release);
        self.unit.store(terms.unit, Ordering::Release);
        self.cost.store(terms.cost, Ordering::Release);
        self.slack.store(terms.slack, Ordering::Release);
    }
}

impl Lane {
    /// A lane that is shut.
    pub(crate) fn new() -> Self {
        let number = AtomicU64::new;
        Self {
            word: number(Word::SHUT),
            terms: SharedTerms {
                anchor: number(0),
                span: number(0),
                unit: number(Word::TICK),
                cost: number(0),
                slack: number(0),
            },
        }
    }

    /// Takes one permit, or says why not.
    pub(crate) fn take(&self, now: u64) -> Take {
        loop {
            match self.look(now) {
                Look::There { word, next } if self.replace(word, next).is_ok() => {
                    return Take::Taken;
                }
                Look::There { .. } => {}
                Look::NotYet(refusal) => {
                    if let Some(wait) = self.wait(refusal) {
                        return Take::NotYet(wait);
                    }
                }
                Look::Shut { .. } => return Take::Shut,
            }
        }
    }

    /// Takes one permit if the lane is open and it is there: one look and one exchange, as it is
    /// inlined everywhere. A refusal is to ask for the [`wait`](Self::wait) with, or else to
    /// [`take`](Self::take) again.
    #[inline]
    pub(crate) fn take_at_once(&self, now: u64) -> Result<(), Refusal> {
        match self.look(now) {
            Look::There { word, next } => self.replace(word, next).map_err(Refusal::unsure),
            Look::NotYet(refusal) => Err(refusal),
            Look::Shut { word } => Err(Refusal::unsure(word)),
        }
    }

    #[inline]
    fn look(&self, now: u64) -> Look {
        // Acquire: the terms are those of this word's edition, or later ones.
        let word = Word(self.word.load(Ordering::Acquire));
        if word.is_shut() {
            return Look::Shut { word };
        }
        let terms = self.terms.load();
        let since = now.wrapping_sub(terms.anchor);
        // After its end, or before its beginning, as clocks may go back.
        if since > terms.span {
            return Look::Shut { word };
        }
        terms.look(word, since)
    }

    /// How many nanoseconds it is until there is a permit. `None` if that is not sure: there may be
    /// one, or another word than was seen. What was read belongs together only if it is the same.
    #[inline]
    pub(crate) fn wait(&self, Refusal { word, ticks }: Refusal) -> Option<u64> {
        if ticks == 0 {
            return None;
        }
        let unit = self.terms.unit.load(Ordering::Acquire);
        let is_still = self.word.load(Ordering::Acquire) == word.0;
        is_still.then(|| match unit {
            // Most rates cost whole nanoseconds, and a division is dear.
            Word::TICK => ticks / Word::TICK,
            unit => ticks.div_ceil(unit),
        })
    }

    /// Gives the word that is there instead, if it is another.
    #[inline]
    fn replace(&self, word: Word, next: Word) -> Result<(), Word> {
        // Relaxed: a permit hands nothing over to the next.
        let order = Ordering::Relaxed;
        self.word.compare_exchange(word.0, next.0, order, order).map(drop).map_err(Word)
    }

    /// Shuts it. Gives the time that permits are taken up to, if it was open. Under the lock.
    pub(crate) fn shut(&self) -> Option<Fine> {
        // Relaxed: the terms, which are stored after it with Release, are not seen without it.
        let word = Word(self.word.fetch_or(Word::SHUT, Ordering::Relaxed));
        if word.is_shut() {
            return None;
        }
        let Terms { anchor, unit, .. } = self.terms.load();
        Some(Fine::from_ticks(anchor, word.ticks(), unit / Word::TICK))
    }

    /// Opens it for `rate`, of which permits are taken up to `tat`, if a word is large enough for
    /// them. Under the lock.
    pub(crate) fn open(&self, rate: &GcraRate, tat: Fine, now: u64) {
        let before = self.terms.load();
        let in_span = now.wrapping_sub(before.anchor) <= before.span;
        let anchor = if in_span { before.anchor } else { now };
        let Some(terms) = Terms::of(rate, anchor) else {
            return;
        };
        let ticks = tat.ticks_since(anchor, rate.unit());
        let Some(ticks) = ticks.filter(|&ticks| ticks <= Word::MOST_TICKS) else {
            return;
        };
        let mut word = Word(self.word.load(Ordering::Relaxed));
        if terms != before {
            self.terms.store(terms);
            word = word.next_edition();
        }
        // Release: who takes from it sees the terms.
        self.word.store(word.at(ticks * Word::TICK).open().0, Ordering::Release);
    }
}

#[cfg(all(test, not(seawall_loom)))]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn editions_come_in_turn_and_leave_the_rest_of_the_word_as_it_is() {
        let first = Word((12_345 * Word::TICK) | Word::SHUT);
        let editions = std::iter::successors(Some(first), |word| Some(word.next_edition()));
        let words: Vec<_> = editions.take(129).collect();
        assert!(words.iter().all(|word| word.ticks() == 12_345 && word.is_shut()));
        assert_eq!(words.iter().map(|word| word.0).collect::<HashSet<_>>().len(), 128);
        assert_eq!(words[128], first);
    }
}
