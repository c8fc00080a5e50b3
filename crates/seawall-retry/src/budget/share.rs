//! A share of the traffic in flight.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::tokens::WHOLE;
use seawall_core::sync::AtomicU64;

/// How many repetitions may be in flight for how many calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SharePlan {
    /// In billionths.
    pub(super) share: u64,
    pub(super) floor: u32,
}

impl SharePlan {
    // The share is at most a billion, so it fits 32 bits.
    const fn packed(self) -> u64 {
        self.share << 32 | self.floor as u64
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower half is the floor")]
    const fn unpacked(word: u64) -> Self {
        Self { share: word >> 32, floor: word as u32 }
    }

    /// Whether one repetition more may be in flight.
    fn has_room(&self, calls: u32, repetitions: u32) -> bool {
        // The floor decides most of the time, without arithmetic.
        repetitions < self.floor || repetitions < self.limit(calls)
    }

    /// How many repetitions may be in flight while `calls` calls are.
    pub(super) fn limit(&self, calls: u32) -> u32 {
        let share = u64::from(calls) * self.share / WHOLE;
        u32::try_from(share).unwrap_or(u32::MAX).max(self.floor)
    }
}

/// Calls and repetitions in flight, in one word, so that both are seen at one moment.
#[derive(Debug)]
pub(super) struct Share {
    // Both figures of the plan in one word; the standard library's, not loom's: nothing that is
    // counted depends on it.
    plan: std::sync::atomic::AtomicU64,
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
        Self { plan: plan.packed().into(), word: AtomicU64::new(0) }
    }

    pub(super) fn plan(&self) -> SharePlan {
        SharePlan::unpacked(self.plan.load(Relaxed))
    }

    /// Replaces the plan. Repetitions in flight stay counted.
    pub(super) fn replace_plan(&self, plan: SharePlan) {
        self.plan.store(plan.packed(), Relaxed);
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
        let plan = self.plan();
        let take = |word| {
            let free = plan.has_room(calls(word), repetitions(word));
            free.then_some(word + 1)
        };
        // AcqRel pairs with the Release of `give_back`: the thread that takes a place sees what its
        // former holder did.
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
