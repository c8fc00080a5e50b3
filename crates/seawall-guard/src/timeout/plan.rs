//! When a call has to be over: decided from what is configured and what comes from further out,
//! without a clock.

use std::time::Duration;

use seawall_core::{Attempt, TimedOutBy};
use tokio::time::Instant;

/// The longest limit that can run out, about 2.2 years: the range of tokio's timer, less the
/// millisecond it rounds up by. Anything longer means "never".
pub const LONGEST: Duration = Duration::from_millis((1 << 36) - 2);

/// When a call is due by its own `limit`, if that ever runs out.
#[inline]
pub(super) fn own(began: Instant, limit: Duration) -> Option<Instant> {
    // The seconds alone decide almost always.
    let runs_out = limit.as_secs() < LONGEST.as_secs() || limit <= LONGEST;
    if runs_out { began.checked_add(limit) } else { None }
}

/// What the operation inside is told: it is due when this call is, or sooner.
#[inline]
pub(super) fn narrowed(attempt: Attempt, began: Instant, limit: Duration) -> Attempt {
    match own(began, limit) {
        Some(own) => attempt.due_by(own),
        None => attempt,
    }
}

/// When a call is due. `Never` comes first, as then an `Option` becomes one of these as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Never,
    /// Before it has begun.
    Now,
    At(Instant),
}

impl Due {
    /// By its own limit or by the deadline `outer` that comes from further out, whichever is sooner.
    #[inline]
    pub(super) fn of(began: Instant, limit: Duration, outer: Option<Instant>) -> Self {
        match outer {
            Some(outer) => Self::nearer(began, limit, outer),
            None if limit.is_zero() => Self::Now,
            None => own(began, limit).map_or(Self::Never, Self::At),
        }
    }

    fn nearer(began: Instant, limit: Duration, outer: Instant) -> Self {
        if limit.is_zero() || outer <= began {
            return Self::Now;
        }
        match own(began, limit) {
            Some(own) => Self::At(own.min(outer)),
            None if outer.saturating_duration_since(began) > LONGEST => Self::Never,
            None => Self::At(outer),
        }
    }
}

/// What decides when a call is due.
pub(super) fn by(began: Instant, limit: Duration, outer: Option<Instant>) -> TimedOutBy {
    match (own(began, limit), outer) {
        (Some(own), Some(outer)) if outer < own => TimedOutBy::Deadline,
        (None, Some(_)) => TimedOutBy::Deadline,
        _ => TimedOutBy::Limit,
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
    fn of_limit_and_deadline_the_sooner_counts() {
        let began = Instant::now();
        let at = |after| Due::At(began + after);
        let never = Duration::MAX;
        for (limit, outer, due, by) in [
            (SECOND, None, at(SECOND), BY_LIMIT),
            (TICK, None, at(TICK), BY_LIMIT),
            (Duration::ZERO, None, Due::Now, BY_LIMIT),
            (LONGEST, None, at(LONGEST), BY_LIMIT),
            (LONGEST / 2, None, at(LONGEST / 2), BY_LIMIT),
            (LONGEST + TICK, None, Due::Never, BY_LIMIT),
            (LONGEST + SECOND, None, Due::Never, BY_LIMIT),
            (never, None, Due::Never, BY_LIMIT),
            (SECOND, Some(2 * SECOND), at(SECOND), BY_LIMIT),
            (SECOND, Some(SECOND), at(SECOND), BY_LIMIT),
            (SECOND, Some(SECOND / 2), at(SECOND / 2), BY_DEADLINE),
            (SECOND, Some(Duration::ZERO), Due::Now, BY_DEADLINE),
            (Duration::ZERO, Some(SECOND), Due::Now, BY_LIMIT),
            (Duration::ZERO, Some(Duration::ZERO), Due::Now, BY_LIMIT),
            (never, Some(SECOND), at(SECOND), BY_DEADLINE),
            (never, Some(LONGEST), at(LONGEST), BY_DEADLINE),
            (never, Some(LONGEST + TICK), Due::Never, BY_DEADLINE),
            (SECOND, Some(LONGEST + TICK), at(SECOND), BY_LIMIT),
        ] {
            let outer = outer.map(|after| began + after);
            let case = format!("{limit:?} and {outer:?}");
            assert_eq!(Due::of(began, limit, outer), due, "{case}");
            assert_eq!(super::by(began, limit, outer), by, "{case}");
        }
    }

    #[test]
    fn a_deadline_that_passed_before_the_call_began_is_the_sooner() {
        let passed = Instant::now();
        let began = passed + SECOND;
        for limit in [Duration::ZERO, SECOND, Duration::MAX] {
            assert_eq!(Due::of(began, limit, Some(passed)), Due::Now);
            assert_eq!(by(began, limit, Some(passed)), BY_DEADLINE);
        }
    }

    #[test]
    fn the_operation_inside_is_due_no_later() {
        let began = Instant::now();
        let outer = Attempt::first().due_by(began + SECOND);
        let told = |attempt, limit| narrowed(attempt, began, limit).deadline();
        assert_eq!(told(outer, SECOND / 2), Some(began + SECOND / 2));
        assert_eq!(told(outer, 2 * SECOND), outer.deadline());
        assert_eq!(told(outer, Duration::MAX), outer.deadline());
        assert_eq!(told(Attempt::first(), SECOND), Some(began + SECOND));
        assert_eq!(told(Attempt::first(), LONGEST + TICK), None);
    }
}
