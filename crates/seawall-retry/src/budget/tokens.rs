//! Tokens: what calls pay in and repetitions take out. Numbers are billionths of a token, so that
//! fractions carry exactly.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::sync::AtomicU64;

/// Billionths in a whole.
pub(super) const WHOLE: u64 = 1_000_000_000;

/// How tokens come and go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TokenPlan {
    pub(super) deposit: u64,
    pub(super) cost: u64,
    pub(super) reserve: u64,
    pub(super) capacity: u64,
    pub(super) per_second: u64,
}

impl TokenPlan {
    /// What a clock that advances from `since` to `now`, in nanoseconds, earns; and up to when that
    /// was earned, so that what is less than a billionth carries over.
    pub(super) fn earned(&self, since: u64, now: u64) -> Option<(u64, u64)> {
        let elapsed = u128::from(now.checked_sub(since)?);
        let (rate, whole) = (u128::from(self.per_second), u128::from(WHOLE));
        let earned = elapsed * rate / whole;
        if earned == 0 {
            return None;
        }
        // The rounding is against the taker: never two grants from one nanosecond.
        let until = since + u64::try_from((earned * whole).div_ceil(rate)).unwrap_or(now - since);
        Some((u64::try_from(earned).unwrap_or(u64::MAX), until.min(now)))
    }
}

/// Tokens that are there.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) plan: TokenPlan,
    // Billionths, and below them whether the budget was last told to be exhausted: what a taker has
    // to know is read at once.
    word: AtomicU64,
    // The capacity, as in the word.
    full: u64,
    // The cost, as in the word, where there is nothing to do but to take it.
    price: u64,
    // Up to when the refill has been credited, in nanoseconds of the budget's own clock.
    credited: AtomicU64,
}

/// A billionth in the word.
const BILLIONTH: u64 = 2;
const EXHAUSTED: u64 = 1;

/// More than there can be, and no overflow when it is added to what is there.
const NOT_IN_PLACE: u64 = u64::MAX / 2;

impl Tokens {
    /// Tokens that are `alone` in the budget: nothing else limits it.
    pub(super) fn new(plan: TokenPlan, alone: bool) -> Self {
        let in_place = alone && plan.per_second == 0;
        Self {
            plan,
            word: AtomicU64::new(plan.reserve * BILLIONTH),
            full: plan.capacity * BILLIONTH,
            price: if in_place { plan.cost * BILLIONTH } else { NOT_IN_PLACE },
            credited: AtomicU64::new(0),
        }
    }

    pub(super) const fn refills(&self) -> bool {
        self.plan.per_second > 0
    }

    /// A call pays in. While the budget is full, which is when all is well, this is one load.
    #[inline]
    pub(super) fn deposit(&self) {
        if self.word.load(Relaxed) < self.full {
            self.pay_in();
        }
    }

    #[cold]
    #[inline(never)]
    fn pay_in(&self) {
        self.gain(self.plan.deposit);
    }

    /// Takes what a repetition costs, where that is all there is to do. Where not, or where another
    /// thread comes in between, [`try_take`](Self::try_take) decides.
    #[inline]
    pub(super) fn take_in_place(&self) -> bool {
        let word = self.word.load(Relaxed);
        // The orderings are those of `try_take`.
        word.checked_sub(self.price)
            .is_some_and(|less| self.word.compare_exchange(word, less, AcqRel, Relaxed).is_ok())
    }

    /// Takes what a repetition costs, if it is there: checked and taken in one step, so one token
    /// is never granted to two takers.
    pub(super) fn try_take(&self) -> bool {
        let cost = self.plan.cost * BILLIONTH;
        // AcqRel pairs with the Release of `gain`: who takes a token sees what was done before it
        // was given back. The count itself would be right with less.
        self.word.fetch_update(AcqRel, Acquire, |word| word.checked_sub(cost)).is_ok()
    }

    /// Gives back what was [taken in place](Self::take_in_place), where there is room for it and no
    /// other thread comes in between. Where not, [`give_back`](Self::give_back) does.
    #[inline]
    pub(super) fn give_back_in_place(&self) -> bool {
        let word = self.word.load(Relaxed);
        let more = word + self.price;
        more <= self.full && self.word.compare_exchange(word, more, Release, Relaxed).is_ok()
    }

    /// Gives back what was taken for a repetition that was never started.
    pub(super) fn give_back(&self) {
        self.gain(self.plan.cost);
    }

    // No overflow: what is there is at most the capacity, what is gained at most the larger of that
    // and what `build()` lets pass, and both are at most 10¹⁸ billionths.
    fn gain(&self, gain: u64) {
        let gain = gain * BILLIONTH;
        let more = |word: u64| Some((word + gain).min(self.full | (word & EXHAUSTED)));
        let result = self.word.fetch_update(Release, Relaxed, more);
        debug_assert!(result.is_ok(), "the update is never refused");
    }

    /// Credits what the clock has earned up to `now`.
    ///
    /// One of several that come at once wins the span of time and credits it. Until it has, the
    /// others find the tokens missing: refused once too often, never granted twice.
    #[inline(never)]
    pub(super) fn refill(&self, now: u64) {
        let since = self.credited.load(Acquire);
        if let Some((earned, until)) = self.plan.earned(since, now)
            && self.credited.compare_exchange(since, until, AcqRel, Relaxed).is_ok()
        {
            self.gain(earned.min(self.plan.capacity));
        }
    }

    pub(super) fn left(&self) -> u64 {
        self.word.load(Acquire) / BILLIONTH
    }

    /// Whether the last refusal was told and recovery was not.
    #[inline]
    pub(super) fn is_exhausted(&self) -> bool {
        self.word.load(Relaxed) & EXHAUSTED != 0
    }

    /// Whether this made it exhausted: of several refusals, the first.
    // Relaxed, as below: whoever reads the word after this still sees what came before it.
    pub(super) fn exhaust(&self) -> bool {
        self.word.fetch_or(EXHAUSTED, Relaxed) & EXHAUSTED == 0
    }

    /// Whether this put an end to its being exhausted.
    pub(super) fn recover(&self) -> bool {
        self.word.fetch_and(!EXHAUSTED, Relaxed) & EXHAUSTED != 0
    }
}
