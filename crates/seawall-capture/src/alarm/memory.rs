//! What rules know over a restart.

use std::collections::BTreeMap;

use super::known::Known;
use super::rule::Rule;
use super::{Armed, Inner};
use crate::spool::{Entries, EntryWriter, KNOWN, LEARNING, Source};
use crate::{Fingerprint, Timestamp};

/// How many fingerprints are read under one lock: threads that capture wait for it.
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
        let all = self.known.iter().filter_map(|(key, value)| parse(key, value));
        let of_this = all.filter(|(of, ..)| *of == name.as_bytes());
        let mut seen: Vec<_> = of_this.map(|(_, number, name)| (number, name)).collect();
        seen.sort_unstable();
        known.restore(began, seen);
    }

    /// How many entries are not understood.
    pub(super) fn unread(&self) -> u64 {
        self.known.iter().filter(|(key, value)| parse(key, value).is_none()).count() as u64
    }
}

/// The rule's name, the number, the fingerprint.
fn parse<'e>(key: &'e [u8], value: &[u8]) -> Option<(&'e [u8], u64, Fingerprint)> {
    let (fingerprint, rule) = key.split_first_chunk()?;
    Some((rule, number(value)?, Fingerprint::from_bits(u128::from_be_bytes(*fingerprint))))
}

fn number(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_le_bytes)
}

fn key(name: &str, fingerprint: Fingerprint) -> Vec<u8> {
    let mut key = fingerprint.to_bits().to_be_bytes().to_vec();
    key.extend_from_slice(name.as_bytes());
    key
}

/// An entry of a fingerprint: the key, and its number if it is known.
type Entry = (Vec<u8>, Option<u64>);

fn tell(entries: Vec<Entry>, to: &mut EntryWriter<'_>) {
    for (key, number) in entries {
        match number {
            Some(number) => to.put(KNOWN, &key, |to| to.extend_from_slice(&number.to_le_bytes())),
            None => to.remove(KNOWN, &key),
        }
    }
}

/// Changes that were taken from the rules, by the rules' places, to be written next.
pub(super) type Telling = BTreeMap<usize, Vec<(u64, Fingerprint)>>;

impl Inner {
    /// Lets `look` see what the rule at `place` knows, if it is one that knows something. Threads
    /// that capture wait for it, so nothing is written here.
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
                let some = changes.split_off(changes.len().saturating_sub(CHUNK));
                let entries = self.look(*place, |name, known| {
                    let entry = |(number, fingerprint)| {
                        (key(name, fingerprint), known.knows(fingerprint).then_some(number))
                    };
                    some.into_iter().map(entry).collect()
                });
                tell(entries.unwrap_or_default(), to);
            }
        }
    }

    fn all(&self, to: &mut EntryWriter<'_>) {
        let mut telling = self.telling.lock();
        telling.clear();
        for place in 0..self.places() {
            // What is noted so far is about to be written.
            let began = self.look(place, |name, known| {
                known.take_noted();
                (name.to_owned(), known.began())
            });
            let Some((name, Some(began))) = began else { continue };
            let began = began.as_millis().to_le_bytes();
            to.put(LEARNING, name.as_bytes(), |to| to.extend_from_slice(&began));
            let mut from = 0;
            while let Some(some) = self.look(place, |_, known| known.from(from, CHUNK)) {
                let Some((last, _)) = some.last() else { break };
                from = last + 1;
                let entry = |(number, fingerprint)| (key(&name, fingerprint), Some(number));
                tell(some.into_iter().map(entry).collect(), to);
            }
        }
    }
}
