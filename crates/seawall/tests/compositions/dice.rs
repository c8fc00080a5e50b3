//! Chance that a seed decides.

use std::cell::Cell;
use std::time::Duration;

/// Draws the same for the same seed, by splitmix64.
pub(crate) struct Dice(Cell<u64>);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 on, below `bound`.
    pub(crate) fn below(&self, bound: u32) -> u32 {
        u32::try_from(self.next() % u64::from(bound)).unwrap()
    }

    /// From 1 to `most`.
    pub(crate) fn up_to(&self, most: u32) -> u32 {
        1 + self.below(most)
    }

    /// Whether something happens whose probability is this many percent.
    pub(crate) fn percent(&self, chance: u32) -> bool {
        self.below(100) < chance
    }

    /// Up to this many milliseconds, most of them whole.
    pub(crate) fn millis(&self, most: u32) -> Duration {
        let nanos = if self.percent(20) { self.below(1_000_000) } else { 0 };
        Duration::from_millis(self.below(most).into()) + Duration::from_nanos(nanos.into())
    }

    pub(crate) fn one_of<T: Clone>(&self, all: &[T]) -> T {
        all[self.below(u32::try_from(all.len()).unwrap()) as usize].clone()
    }
}
