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

    // No overflow: what is there is at most the capacity, what is gained at most the larger of that
    // and what `build()` lets pass, and both are at most 10¹⁸.
    #[inline]
    fn after_gain(&self, left: u64, gain: u64) -> u64 {
        (left + gain).min(self.capacity)
    }
}

/// Tokens that are there.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) plan: TokenPlan,
    left: AtomicU64,
    // Up to when the refill has been credited, in nanoseconds of the budget's own clock.
    credited: AtomicU64,
}

impl Tokens {
    pub(super) fn new(plan: TokenPlan) -> Self {
        Self { plan, left: AtomicU64::new(plan.reserve), credited: AtomicU64::new(0) }
    }

    pub(super) const fn refills(&self) -> bool {
        self.plan.per_second > 0
    }

    /// A call pays in. While the budget is full, which is when all is well, this is one load.
    #[inline]
    pub(super) fn deposit(&self) {
        if self.left.load(Relaxed) < self.plan.capacity {
            self.pay_in();
        }
    }

    #[cold]
    #[inline(never)]
    fn pay_in(&self) {
        self.gain(self.plan.deposit);
    }

    /// Takes what a repetition costs, if it is there: checked and taken in one step, so one token
    /// is never granted to two takers.
    #[inline]
    pub(super) fn try_take(&self) -> bool {
        let cost = self.plan.cost;
        // AcqRel pairs with the Release of `gain`: who takes a token sees what was done before it
        // was given back. The count itself would be right with less.
        self.left.fetch_update(AcqRel, Acquire, |left| left.checked_sub(cost)).is_ok()
    }

    /// Gives back what was taken for a repetition that was never started.
    #[inline]
    pub(super) fn give_back(&self) {
        self.gain(self.plan.cost);
    }

    #[inline]
    fn gain(&self, gain: u64) {
        let result =
            self.left.fetch_update(Release, Relaxed, |left| Some(self.plan.after_gain(left, gain)));
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
        self.left.load(Acquire)
    }
}
