//! The attempt that an operation is started as.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

use crate::{CarriedOut, Class, Verdict};

/// The context of one start of an operation: which attempt it is, how many there may be, how much
/// time is left, and how the attempt before it ended.
///
/// Policies pass it inwards and narrow it on the way: a retry numbers it, a timeout shortens its
/// deadline. It is a small `Copy` value, so a future may keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    number: NonZeroU32,
    max: Option<NonZeroU32>,
    began: Option<Instant>,
    deadline: Option<Instant>,
    last: Option<Class>,
    marks: Marks,
}

/// What is known about the call, in one byte: an attempt is copied by each layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Marks(u8);

impl Marks {
    const NONE: Self = Self(0);
    const IDEMPOTENT: Self = Self(1);
    const NOT_IDEMPOTENT: Self = Self(2);
    /// An attempt before may have been carried out.
    const CARRIED_OUT: Self = Self(4);

    const fn with(self, mark: Self) -> Self {
        Self(self.0 | mark.0)
    }

    const fn without(self, mark: Self) -> Self {
        Self(self.0 & !mark.0)
    }

    const fn has(self, mark: Self) -> bool {
        self.0 & mark.0 != 0
    }
}

impl Attempt {
    /// The first attempt of a call without a limit or a deadline.
    pub const fn first() -> Self {
        Self {
            number: NonZeroU32::MIN,
            max: None,
            began: None,
            deadline: None,
            last: None,
            marks: Marks::NONE,
        }
    }

    /// The number of this attempt. The first call is attempt 1.
    pub const fn number(&self) -> u32 {
        self.number.get()
    }

    /// How many attempts there may be in all, the first call included; `None` if unlimited or if
    /// nothing repeats the call.
    pub fn max(&self) -> Option<u32> {
        self.max.map(NonZeroU32::get)
    }

    /// When the call has to have ended.
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// How much time is left until the deadline: zero once it has passed, `None` without one.
    /// Reads the clock.
    #[inline]
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// The class of the attempt before this one; `None` for the first.
    pub const fn last(&self) -> Option<Class> {
        self.last
    }

    /// Whether the operation may be carried out more than once without harm; `None` if the caller did
    /// not set it.
    pub const fn is_idempotent(&self) -> Option<bool> {
        match (self.marks.has(Marks::IDEMPOTENT), self.marks.has(Marks::NOT_IDEMPOTENT)) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }

    /// This attempt, of an operation that may be carried out more than once without harm, or may not.
    /// It takes precedence over the configuration of a retry or hedge, so that one pipeline serves
    /// both kinds of operation.
    #[must_use]
    pub const fn idempotent(mut self, idempotent: bool) -> Self {
        let (said, other) = if idempotent {
            (Marks::IDEMPOTENT, Marks::NOT_IDEMPOTENT)
        } else {
            (Marks::NOT_IDEMPOTENT, Marks::IDEMPOTENT)
        };
        self.marks = self.marks.without(other).with(said);
        self
    }

    /// When this attempt began.
    ///
    /// Starting is synchronous, so all the layers of one attempt share one clock reading: the first
    /// layer that needs it takes it, the layers inside find it here. A layer that waits before it
    /// starts its inner operation must [`restart_clock`](Self::restart_clock).
    #[inline]
    pub fn began(&mut self) -> Instant {
        match self.began {
            Some(began) => began,
            None => *self.began.insert(Instant::now()),
        }
    }

    /// This attempt, beginning at `now`.
    #[must_use]
    pub const fn beginning_at(mut self, now: Instant) -> Self {
        self.began = Some(now);
        self
    }

    /// This attempt without a clock reading.
    #[must_use]
    pub const fn restart_clock(mut self) -> Self {
        self.began = None;
        self
    }

    /// This attempt, to end by `deadline` or earlier: of two deadlines the earlier one counts, so a
    /// child never outlives its parent.
    #[inline]
    #[must_use]
    pub fn due_by(mut self, deadline: Instant) -> Self {
        self.deadline = Some(match self.deadline {
            Some(sooner) if sooner < deadline => sooner,
            _ => deadline,
        });
        self
    }

    /// This attempt as number `number` of at most `max`; zero means "not limited" for `max` and is
    /// taken as 1 for `number`.
    #[must_use]
    pub const fn numbered(mut self, number: u32, max: u32) -> Self {
        self.number = match NonZeroU32::new(number) {
            Some(number) => number,
            None => NonZeroU32::MIN,
        };
        self.max = NonZeroU32::new(max);
        self
    }

    /// The attempt of the same call that follows this one, which ended with `verdict`.
    #[inline]
    #[must_use]
    pub fn next(self, verdict: Verdict) -> Self {
        Self { number: self.number.saturating_add(1), ..self.after(verdict) }
    }

    /// Whether any attempt before this one may have been carried out; `No` for the first.
    pub const fn carried_out(&self) -> CarriedOut {
        if self.marks.has(Marks::CARRIED_OUT) { CarriedOut::Maybe } else { CarriedOut::No }
    }

    /// This attempt, after one that ended with `verdict`.
    #[must_use]
    pub fn after(mut self, verdict: impl Into<Verdict>) -> Self {
        let Verdict { class, carried_out } = verdict.into();
        self.last = Some(class);
        if carried_out == CarriedOut::Maybe {
            self.marks = self.marks.with(Marks::CARRIED_OUT);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn of_two_deadlines_the_sooner_counts() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let attempt = Attempt::first().due_by(now + second);
        assert_eq!(attempt.due_by(now + 2 * second).time_left(), Some(second));
        assert_eq!(attempt.due_by(now).time_left(), Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn layers_of_one_attempt_share_one_clock_reading() {
        let mut outer = Attempt::first();
        let began = outer.began();
        tokio::time::advance(Duration::from_secs(1)).await;
        let mut inner = outer;
        assert_eq!(inner.began(), began);
        assert_eq!(inner.restart_clock().began(), began + Duration::from_secs(1));
    }

    #[test]
    fn numbering_counts_from_one() {
        let attempt = Attempt::first();
        assert_eq!((attempt.number(), attempt.max(), attempt.last()), (1, None, None));
        let second = attempt.numbered(2, 3).after(Class::Transient);
        assert_eq!((second.number(), second.max()), (2, Some(3)));
        assert_eq!(second.last(), Some(Class::Transient));
        assert_eq!(second.carried_out(), CarriedOut::Maybe);
        let refused = attempt.after(Class::Transient.not_carried_out());
        assert_eq!(refused.carried_out(), CarriedOut::No);
        assert_eq!(second.after(refused.last().unwrap()).carried_out(), CarriedOut::Maybe);
        assert_eq!(attempt.numbered(0, 0).number(), 1);
    }

    #[test]
    fn what_the_caller_said_about_repeating_stays_said() {
        assert_eq!(Attempt::first().is_idempotent(), None);
        for said in [true, false] {
            let attempt = Attempt::first().idempotent(said).numbered(2, 3).restart_clock();
            assert_eq!(attempt.is_idempotent(), Some(said));
        }
    }
}
