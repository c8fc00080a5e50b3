//! When a child is restarted, and how often is too often: decided without a clock.

use std::collections::VecDeque;
use std::time::Duration;

use seawall_core::{Class, PanicReport};
use tokio::time::Instant;

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ChildEnd {
    /// With `Ok`.
    Normal,
    /// With an error of this message.
    Failed(String),
    Panicked(PanicReport),
    /// Cancelled, but not by its supervisor.
    Cancelled,
}

impl ChildEnd {
    pub(super) const fn class(&self) -> Class {
        match self {
            Self::Normal => Class::Success,
            Self::Failed(_) => Class::Transient,
            Self::Panicked(_) => Class::Panicked,
            Self::Cancelled => Class::Cancelled,
        }
    }
}

/// After which ends a child is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Restart {
    /// After each. Erlang's `permanent`.
    Always,
    /// After an error, a panic or a cancellation. Erlang's `transient`.
    OnFailure,
    /// After none. Erlang's `temporary`.
    Never,
}

impl Restart {
    pub(super) const fn applies(self, end: &ChildEnd) -> bool {
        match self {
            Self::Always => true,
            Self::OnFailure => !matches!(end, ChildEnd::Normal),
            Self::Never => false,
        }
    }
}

/// The restarts of the last period. Holds at most `max` points in time.
#[derive(Clone, Debug)]
pub(super) struct Intensity {
    max: u32,
    within: Duration,
    restarts: VecDeque<Instant>,
}

impl Intensity {
    pub(super) fn new(max: u32, within: Duration) -> Self {
        Self { max, within, restarts: VecDeque::new() }
    }

    /// Notes a restart at `now` and returns how many there were within the period, or `None` if this would
    /// be one too many. A clock that goes backwards drops nothing.
    pub(super) fn restart(&mut self, now: Instant) -> Option<u32> {
        while let Some(oldest) = self.restarts.front()
            && now.saturating_duration_since(*oldest) > self.within
        {
            self.restarts.pop_front();
        }
        let count = u32::try_from(self.restarts.len()).unwrap_or(u32::MAX);
        if count >= self.max {
            return None;
        }
        self.restarts.push_back(now);
        Some(count + 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn restarts_by_kind_of_end() {
        let report = seawall_core::contain(|| panic!("boom")).unwrap_err();
        let ends = [
            ChildEnd::Normal,
            ChildEnd::Failed(String::new()),
            ChildEnd::Panicked(report),
            ChildEnd::Cancelled,
        ];
        let table = [
            (Restart::Always, [true, true, true, true]),
            (Restart::OnFailure, [false, true, true, true]),
            (Restart::Never, [false, false, false, false]),
        ];
        for (restart, applies) in table {
            assert_eq!(ends.each_ref().map(|end| restart.applies(end)), applies, "{restart:?}");
        }
    }

    #[test]
    fn none_at_all_is_a_limit_too() {
        let mut intensity = Intensity::new(0, Duration::MAX);
        assert_eq!(intensity.restart(Instant::now()), None);
    }

    proptest! {
        // Miri is some hundred times slower.
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

        /// Against a model that keeps every restart and counts.
        #[test]
        fn at_most_max_within_any_period(
            max in 0_u32..5,
            within in 0_u64..20,
            gaps in prop::collection::vec(0_u64..10, 0..60),
        ) {
            let within = Duration::from_secs(within);
            let mut intensity = Intensity::new(max, within);
            let mut granted: Vec<Instant> = Vec::new();
            let mut now = Instant::now();
            for gap in gaps {
                now += Duration::from_secs(gap);
                let recent = granted.iter().filter(|at| now - **at <= within).count();
                let expected = (recent < max as usize).then(|| recent as u64 + 1);
                prop_assert_eq!(intensity.restart(now).map(u64::from), expected);
                if expected.is_some() {
                    granted.push(now);
                }
                prop_assert!(intensity.restarts.len() <= max as usize);
            }
        }
    }
}
