//! Tokens: calls pay them in, repetitions take them out. Numbers are billionths of a token, so that
//! fractions carry exactly.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use seawall_core::sync::AtomicU64;

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
    /// What is earned from `since` to `now`, both in nanoseconds, and the time up to which it was
    /// earned, so that less than a billionth carries over.
    pub(super) fn earned(&self, since: u64, now: u64) -> Option<(u64, u64)> {
        let elapsed = u128::from(now.checked_sub(since)?);
        let (rate, whole) = (u128::from(self.per_second), u128::from(WHOLE));
        let earned = elapsed * rate / whole;
        if earned == 0 {
            return None;
        }
        // Rounded up, so that no nanosecond is credited twice.
        let until = since + u64::try_from((earned * whole).div_ceil(rate)).unwrap_or(now - since);
        Some((u64::try_from(earned).unwrap_or(u64::MAX), until.min(now)))
    }
}

/// Tokens that are there.
#[derive(Debug)]
pub(super) struct Tokens {
    plan: SharedPlan,
    // Billionths, and in the lowest bit whether the budget was last reported as exhausted, so that one
    // load reads both.
    word: AtomicU64,
    // Up to when the refill has been credited, in nanoseconds of the budget's own clock.
    credited: AtomicU64,
}

/// A plan that can be replaced. Each figure is read by itself: for a moment a call may see some of
/// the old plan and some of the new.
#[derive(Debug)]
struct SharedPlan {
    deposit: Figure,
    cost: Figure,
    reserve: Figure,
    capacity: Figure,
    per_second: Figure,
}

/// The standard library's atomic, not loom's: no balance depends on its order.
type Figure = std::sync::atomic::AtomicU64;

impl SharedPlan {
    fn new(plan: TokenPlan) -> Self {
        let TokenPlan { deposit, cost, reserve, capacity, per_second } = plan;
        Self {
            deposit: deposit.into(),
            cost: cost.into(),
            reserve: reserve.into(),
            capacity: capacity.into(),
            per_second: per_second.into(),
        }
    }

    fn replace(&self, plan: TokenPlan) {
        self.deposit.store(plan.deposit, Relaxed);
        self.cost.store(plan.cost, Relaxed);
        self.reserve.store(plan.reserve, Relaxed);
        self.capacity.store(plan.capacity, Relaxed);
        self.per_second.store(plan.per_second, Relaxed);
    }

    fn load(&self) -> TokenPlan {
        TokenPlan {
            deposit: self.deposit.load(Relaxed),
            cost: self.cost.load(Relaxed),
            reserve: self.reserve.load(Relaxed),
            capacity: self.capacity.load(Relaxed),
            per_second: self.per_second.load(Relaxed),
        }
    }
}

/// A billionth in the word.
const BILLIONTH: u64 = 2;
const EXHAUSTED: u64 = 1;

impl Tokens {
    pub(super) fn new(plan: TokenPlan) -> Self {
        Self {
            plan: SharedPlan::new(plan),
            word: AtomicU64::new(plan.reserve * BILLIONTH),
            credited: AtomicU64::new(0),
        }
    }

    pub(super) fn plan(&self) -> TokenPlan {
        self.plan.load()
    }

    /// Replaces the plan and keeps the tokens, as far as they fit.
    pub(super) fn replace_plan(&self, plan: TokenPlan) {
        self.plan.replace(plan);
        self.gain(0);
    }

    pub(super) fn refills(&self) -> bool {
        self.plan.per_second.load(Relaxed) > 0
    }

    /// Whether there is room for a deposit. A full budget, as in a healthy system, has none.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.word.load(Relaxed) < self.plan.capacity.load(Relaxed) * BILLIONTH
    }

    /// A call pays in. Says whether this is [exhausted](Self::is_exhausted).
    pub(super) fn deposit(&self) -> bool {
        self.gain(self.plan.deposit.load(Relaxed)) & EXHAUSTED != 0
    }

    /// Takes what a repetition costs, if it is there: checked and taken in one step, so one token
    /// is never granted to two takers.
    pub(super) fn try_take(&self) -> bool {
        let cost = self.plan.cost.load(Relaxed) * BILLIONTH;
        // AcqRel pairs with the Release of `gain`: the thread that takes a token sees what was done
        // before it was given back. The count itself would be right with less.
        self.word.fetch_update(AcqRel, Acquire, |word| word.checked_sub(cost)).is_ok()
    }

    /// Gives back what was taken for a repetition that was never started.
    pub(super) fn give_back(&self) {
        self.gain(self.plan.cost.load(Relaxed));
    }

    // No overflow: the balance is at most the capacity, the gain at most the larger of that and what
    // `build()` lets pass, and both are at most 10¹⁸ billionths. Returns the word as it was.
    fn gain(&self, gain: u64) -> u64 {
        let gain = gain * BILLIONTH;
        let full = self.plan.capacity.load(Relaxed) * BILLIONTH;
        let more = |word: u64| Some((word + gain).min(full + (word & EXHAUSTED)));
        let result = self.word.fetch_update(Release, Relaxed, more);
        debug_assert!(result.is_ok(), "the update is never refused");
        result.unwrap_or_else(|word| word)
    }

    /// Credits what the clock has earned up to `now`.
    ///
    /// Of several threads one wins the span of time and credits it. Until it has, the others find the
    /// tokens missing: they may refuse once too often, but never grant twice.
    pub(super) fn refill(&self, now: u64) {
        let since = self.credited.load(Acquire);
        let plan = self.plan();
        if let Some((earned, until)) = plan.earned(since, now)
            && self.credited.compare_exchange(since, until, AcqRel, Relaxed).is_ok()
        {
            self.gain(earned.min(plan.capacity));
        }
    }

    pub(super) fn left(&self) -> u64 {
        self.word.load(Acquire) / BILLIONTH
    }

    /// Whether a refusal was reported, and recovery was not.
    #[inline]
    pub(super) fn is_exhausted(&self) -> bool {
        self.word.load(Relaxed) & EXHAUSTED != 0
    }

    /// Whether this made it exhausted: of several refusals, the first.
    // Relaxed, as below: a thread that reads the word after this still sees what came before it.
    pub(super) fn exhaust(&self) -> bool {
        self.word.fetch_or(EXHAUSTED, Relaxed) & EXHAUSTED == 0
    }

    /// Whether this put an end to its being exhausted.
    pub(super) fn recover(&self) -> bool {
        self.word.fetch_and(!EXHAUSTED, Relaxed) & EXHAUSTED != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> TokenPlan {
        TokenPlan { deposit: 7, cost: 10, reserve: 25, capacity: 30, per_second: 0 }
    }

    #[test]
    fn what_is_given_back_finds_room_up_to_the_capacity() {
        let tokens = Tokens::new(plan());
        assert!(tokens.try_take() && tokens.try_take());
        assert!(!tokens.try_take());
        assert_eq!(tokens.left(), 5);
        tokens.give_back();
        tokens.give_back();
        assert_eq!(tokens.left(), 25);
        // No room for all of it.
        tokens.give_back();
        assert_eq!(tokens.left(), 30);
        assert!(!tokens.refills());
        assert!(Tokens::new(TokenPlan { per_second: 1, ..plan() }).refills());
    }

    #[test]
    fn to_be_exhausted_changes_no_count_and_no_count_changes_it() {
        let tokens = Tokens::new(plan());
        assert!(!tokens.is_exhausted() && !tokens.recover());
        assert!(tokens.exhaust() && !tokens.exhaust());
        assert_eq!(tokens.left(), 25);
        assert!(tokens.try_take() && tokens.try_take() && !tokens.try_take());
        tokens.give_back();
        for _ in 0..9 {
            tokens.deposit();
        }
        assert_eq!(tokens.left(), 30, "full, and not more");
        assert!(tokens.is_exhausted());
        assert!(tokens.recover() && !tokens.recover());
        assert_eq!((tokens.left(), tokens.is_exhausted()), (30, false));
    }

    #[test]
    fn what_the_clock_earns_is_rounded_down_and_its_time_up() {
        // Three tenths of a billionth in a nanosecond.
        let plan = TokenPlan { per_second: WHOLE / 10 * 3, ..plan() };
        for (since, now, earned) in [
            (5, 4, None),
            (5, 5, None),
            (5, 8, None),
            (5, 9, Some((1, 9))),
            (5, 11, Some((1, 9))),
            (5, 12, Some((2, 12))),
            (5, 15, Some((3, 15))),
            (0, u64::MAX, Some((5_534_023_222_112_865_484, u64::MAX - 1))),
        ] {
            assert_eq!(plan.earned(since, now), earned, "from {since} to {now}");
        }
        let most = TokenPlan { per_second: u64::MAX, ..plan };
        let (earned, until) = most.earned(0, u64::MAX).unwrap();
        assert_eq!((earned, until), (u64::MAX, u64::MAX));
    }
}
