//! What rules know over a restart.

use std::collections::BTreeMap;

use super::known::Known;
use super::rule::Rule;
use super::{Armed, Inner};
use crate::spool::{Entries, EntryWriter, KNOWN, LEARNING, Source};
use crate::{Fingerprint, Timestamp};

/// How many fingerprints are told of under one lock: those who capture wait for it.
const CHUNK: usize = 256;

/// What was read of a spool.
pub(super) struct Remembered {
    pub(super) known: Entries,
    pub(super) learning: Entries,
}

impl Remembered {
    /// Gives `known` back what a rule of that name knew.
    pub(super) fn restore(&self, name: &str, known: &mut Known) {
        let began = self.learning.get(name.as_bytes()).and_then(|value| number(value));
        let began = began.and_then(|millis| i64::try_from(millis).ok()).map(Timestamp::from_millis);
        let of_this = self.known.iter().filter_map(|(key, value)| {
            let (fingerprint, of) = key.split_first_chunk()?;
            let fingerprint = Fingerprint::from_bits(u128::from_be_bytes(*fingerprint));
            (of == name.as_bytes()).then_some((number(value)?, fingerprint))
        });
        let mut seen: Vec<_> = of_this.collect();
        seen.sort_unstable();
        known.restore(began, seen);
    }
}

fn number(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_le_bytes)
}

fn put(name: &str, number: u64, fingerprint: Fingerprint, to: &mut EntryWriter<'_>) {
    to.put(KNOWN, &key(name, fingerprint), |to| to.extend_from_slice(&number.to_le_bytes()));
}

fn key(name: &str, fingerprint: Fingerprint) -> Vec<u8> {
    let mut key = fingerprint.to_bits().to_be_bytes().to_vec();
    key.extend_from_slice(name.as_bytes());
    key
}

/// Changes that were taken from the rules, by the rules' places, to be told of next.
pub(super) type Telling = BTreeMap<usize, Vec<(u64, Fingerprint)>>;

impl Inner {
    /// Lets `look` see what the rule at `place` knows, if it is one that knows something.
    fn look<R>(&self, place: usize, look: impl FnOnce(&str, &mut Known) -> R) -> Option<R> {
        match self.state.lock().rules.get_mut(place)? {
            Armed { name, rule: Rule::New(known), .. } => Some(look(name, known)),
            _ => None,
        }
    }

    fn places(&self) -> usize {
        self.state.lock().rules.len()
    }
}

impl Source for Inner {
    fn begin(&self) -> bool {
        let mut telling = self.telling.lock();
        let mut too_many = false;
        for place in 0..self.places() {
            let Some(noted) = self.look(place, |_, known| known.take_noted()) else { continue };
            too_many |= noted.too_many;
            telling.insert(place, noted.changes);
        }
        too_many
    }

    fn next(&self, to: &mut EntryWriter<'_>) {
        for (place, changes) in &mut *self.telling.lock() {
            while !changes.is_empty() && !to.is_full() {
                let rest = changes.len().saturating_sub(CHUNK);
                self.look(*place, |name, known| {
                    for (number, fingerprint) in changes.drain(rest..) {
                        if known.knows(fingerprint) {
                            put(name, number, fingerprint, to);
                        } else {
                            to.remove(KNOWN, &key(name, fingerprint));
                        }
                    }
                });
            }
        }
    }

    fn all(&self, to: &mut EntryWriter<'_>) {
        let mut telling = self.telling.lock();
        telling.clear();
        for place in 0..self.places() {
            let mut from = self.look(place, |name, known| {
                // What is noted so far is about to be told.
                known.take_noted();
                if let Some(began) = known.began() {
                    let millis = began.as_millis().to_le_bytes();
                    to.put(LEARNING, name.as_bytes(), |to| to.extend_from_slice(&millis));
                }
                0
            });
            while let Some(number) = from {
                from = self
                    .look(place, |name, known| tell(name, &known.from(number, CHUNK), to))
                    .flatten();
            }
        }
    }
}

/// Tells of some. Says where to go on.
fn tell(name: &str, some: &[(u64, Fingerprint)], to: &mut EntryWriter<'_>) -> Option<u64> {
    for (number, fingerprint) in some {
        put(name, *number, *fingerprint, to);
    }
    some.last().map(|(number, _)| number + 1)
}
