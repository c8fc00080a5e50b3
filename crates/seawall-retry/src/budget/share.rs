//! A share of the traffic in flight.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::tokens::WHOLE;
use seawall_core::sync::AtomicU64;

/// How many repetitions may be in flight beside how many calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SharePlan {
    /// In billionths.
    pub(super) share: u64,
    pub(super) floor: u32,
}

impl SharePlan {
    /// Whether one repetition more may be in flight.
    fn has_room(&self, calls: u32, repetitions: u32) -> bool {
        // Most of the time it is the floor that decides, without arithmetic.
        repetitions < self.floor || repetitions < self.limit(calls)
    }

    /// How many repetitions may be in flight beside `calls` calls.
    // Out of line: the compiler would prepare the division ahead of the question.
    pub(super) fn limit(&self, calls: u32) -> u32 {
        let share = u64::from(calls) * self.share / WHOLE;
        u32::try_from(share).unwrap_or(u32::MAX).max(self.floor)
    }
}

/// Calls and repetitions in flight, in one word, so that both are seen at one moment.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) plan: SharePlan,
    word: AtomicU64,
}

/// One call in the word; repetitions are below.
const CALL: u64 = 1 << 32;

const fn calls(word: u64) -> u32 {
    (word >> 32) as u32
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
const fn repetitions(word: u64) -> u32 {
    word as u32
}

impl Share {
    pub(super) fn new(plan: SharePlan) -> Self {
        Self { plan, word: AtomicU64::new(0) }
    }

    // Relaxed: a call only counts. It guards nothing that another thread would have to see.
    pub(super) fn enter(&self) {
        self.word.fetch_add(CALL, Relaxed);
    }

    pub(super) fn leave(&self) {
        self.word.fetch_sub(CALL, Relaxed);
    }

    /// Takes a place for a repetition, if there is one: checked and taken in one step.
    pub(super) fn try_take(&self) -> bool {
        let take = |word| {
            let free = self.plan.has_room(calls(word), repetitions(word));
            free.then_some(word + 1)
        };
        // AcqRel pairs with the Release of `give_back`: who takes a place sees what its former
        // holder did.
        self.word.fetch_update(AcqRel, Acquire, take).is_ok()
    }

    pub(super) fn give_back(&self) {
        self.word.fetch_sub(1, Release);
    }

    pub(super) fn in_flight(&self) -> (u32, u32) {
        let word = self.word.load(Acquire);
        (calls(word), repetitions(word))
    }
}
