//! When a call has to be over: decided from its limit and from the deadline of the layers outside,
//! without a clock.

use std::time::Duration;

use seawall_core::{Attempt, TimedOutBy};
use tokio::time::Instant;

/// The longest limit that can run out, about 2.2 years: the range of tokio's timer, less the
/// millisecond that it rounds up by. Anything longer means "never".
pub const MAX_LIMIT: Duration = Duration::from_millis((1 << 36) - 2);

/// The time that a call has.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) began: Instant,
    pub(super) limit: Duration,
    /// The deadline of the layers outside.
    pub(super) outer: Option<Instant>,
}

/// When a call is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Never,
    /// Before it began.
    Now,
    At(Instant),
}

impl Span {
    /// When the call is due by its own limit, if that ever runs out.
    #[inline]
    pub(super) fn own(self) -> Option<Instant> {
        // A copy, as `checked_add` takes its address: the span itself stays in registers.
        let Self { began, limit, .. } = self;
        if limit > MAX_LIMIT { None } else { began.checked_add(limit) }
    }

    /// The attempt for the operation inside, which is due when this call is, or earlier.
    #[inline]
    pub(super) fn narrow(self, attempt: Attempt) -> Attempt {
        self.own().map_or(attempt, |own| attempt.due_by(own))
    }

    /// When the call is due: by its own limit or by the outer deadline, whichever is earlier.
    pub(super) fn due(self) -> Due {
        let Self { began, limit, outer } = self;
        if limit.is_zero() || outer.is_some_and(|outer| outer <= began) {
            return Due::Now;
        }
        match (self.own(), outer) {
            (Some(own), Some(outer)) => Due::At(own.min(outer)),
            (Some(own), None) => Due::At(own),
            (None, Some(outer)) if outer.saturating_duration_since(began) <= MAX_LIMIT => {
                Due::At(outer)
            }
            (None, _) => Due::Never,
        }
    }

    /// Which of the two decides when the call is due.
    pub(super) fn by(self) -> TimedOutBy {
        match (self.own(), self.outer) {
            (Some(own), Some(outer)) if outer < own => TimedOutBy::Deadline,
            (None, Some(_)) => TimedOutBy::Deadline,
            _ => TimedOutBy::Limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_nanos(1);
    const SECOND: Duration = Duration::from_secs(1);
    const BY_LIMIT: TimedOutBy = TimedOutBy::Limit;
    const BY_DEADLINE: TimedOutBy = TimedOutBy::Deadline;

    #[test]
    fn of_limit_and_deadline_the_earlier_counts() {
        let began = Instant::now();
        let at = |after| Due::At(began + after);
        let never = Duration::MAX;
        for (limit, outer, due, by) in [
            (SECOND, None, at(SECOND), BY_LIMIT),
            (TICK, None, at(TICK), BY_LIMIT),
            (Duration::ZERO, None, Due::Now, BY_LIMIT),
            (MAX_LIMIT, None, at(MAX_LIMIT), BY_LIMIT),
            (MAX_LIMIT / 2, None, at(MAX_LIMIT / 2), BY_LIMIT),
            (MAX_LIMIT + TICK, None, Due::Never, BY_LIMIT),
            (MAX_LIMIT + SECOND, None, Due::Never, BY_LIMIT),
            (never, None, Due::Never, BY_LIMIT),
            (SECOND, Some(2 * SECOND), at(SECOND), BY_LIMIT),
            (SECOND, Some(SECOND), at(SECOND), BY_LIMIT),
            (SECOND, Some(SECOND / 2), at(SECOND / 2), BY_DEADLINE),
            (SECOND, Some(Duration::ZERO), Due::Now, BY_DEADLINE),
            (Duration::ZERO, Some(SECOND), Due::Now, BY_LIMIT),
            (Duration::ZERO, Some(Duration::ZERO), Due::Now, BY_LIMIT),
            (never, Some(SECOND), at(SECOND), BY_DEADLINE),
            (never, Some(MAX_LIMIT), at(MAX_LIMIT), BY_DEADLINE),
            (never, Some(MAX_LIMIT + TICK), Due::Never, BY_DEADLINE),
            (SECOND, Some(MAX_LIMIT + TICK), at(SECOND), BY_LIMIT),
        ] {
            let outer = outer.map(|after| began + after);
            let case = format!("{limit:?} and {outer:?}");
            let span = Span { began, limit, outer };
            assert_eq!(span.due(), due, "{case}");
            assert_eq!(span.by(), by, "{case}");
        }
    }

    #[test]
    fn a_deadline_that_passed_before_the_call_began_is_the_earlier() {
        let passed = Instant::now();
        let began = passed + SECOND;
        for limit in [Duration::ZERO, SECOND, Duration::MAX] {
            let span = Span { began, limit, outer: Some(passed) };
            assert_eq!((span.due(), span.by()), (Due::Now, BY_DEADLINE));
        }
    }
    #[test]
    fn the_operation_inside_is_due_no_later() {
        let began = Instant::now();
        let outer = Attempt::first().due_by(began + SECOND);
        let due = |attempt, limit| Span { began, limit, outer: None }.narrow(attempt).deadline();
        assert_eq!(due(outer, SECOND / 2), Some(began + SECOND / 2));
        assert_eq!(due(outer, 2 * SECOND), outer.deadline());
        assert_eq!(due(outer, Duration::MAX), outer.deadline());
        assert_eq!(due(Attempt::first(), SECOND), Some(began + SECOND));
        assert_eq!(due(Attempt::first(), MAX_LIMIT + TICK), None);
    }
}
