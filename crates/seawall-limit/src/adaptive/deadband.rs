//! The deadband: which calls change nothing about the limit, so that they don't take its lock.
//!
//! Measured: a call costs 206 instructions, and 369 if it takes the lock. In good health most calls
//! are in the deadband.

use std::sync::atomic::{AtomicU64, Ordering};

/// A good call within these bounds leaves the state as it is, to the bit.
///
/// The reverse does not hold: a call outside may change nothing either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deadband {
    /// The fewest calls in flight: with less, the limit counts as idle and falls.
    pub(super) fewest: u64,
    /// The most calls in flight: with more, the limit counts as in use and rises.
    pub(super) most: u64,
    /// The longest that a call may take, in nanoseconds: one that takes longer is lost.
    pub(super) longest: u64,
    /// How long callers wait, in nanoseconds: a caller that waits for longer, or much shorter,
    /// changes what counts as slow.
    pub(super) patience: u64,
}

/// A caller that waits for a shorter time than the longest of late pulls that down by this part of
/// the difference.
pub(super) const FADES_BY: u64 = 1024;

impl Deadband {
    /// No call is within it: each may change something.
    pub(super) const EMPTY: Self = Self { fewest: u64::MAX, most: 0, longest: 0, patience: 0 };

    /// Whether a good call that took `took` ns changes nothing. A `patience` of 0 is not known.
    #[inline]
    pub(super) const fn covers(self, in_flight: u32, took: u64, patience: u64) -> bool {
        self.fewest <= in_flight as u64
            && in_flight as u64 <= self.most
            && took <= self.longest
            && (patience == 0 || patience <= self.patience && self.patience - patience < FADES_BY)
    }
}

/// A deadband that is read without a lock.
///
/// Its words are written under the state's lock and read one by one. A call that ends in that very
/// moment may find itself within a mixture of old and new bounds: that is a sample less, as when it
/// finds the lock taken. Hence relaxed.
#[derive(Debug)]
pub(super) struct SharedDeadband([AtomicU64; 4]);

impl SharedDeadband {
    pub(super) fn new(deadband: Deadband) -> Self {
        let Deadband { fewest, most, longest, patience } = deadband;
        Self([fewest, most, longest, patience].map(AtomicU64::new))
    }

    pub(super) fn set(&self, Deadband { fewest, most, longest, patience }: Deadband) {
        for (word, value) in self.0.iter().zip([fewest, most, longest, patience]) {
            word.store(value, Ordering::Relaxed);
        }
    }

    #[inline]
    pub(super) fn get(&self) -> Deadband {
        let words = self.0.each_ref().map(|word| word.load(Ordering::Relaxed));
        let [fewest, most, longest, patience] = words;
        Deadband { fewest, most, longest, patience }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::state::{End, Ended, State};
    use super::super::{Adaptation, Adaptive, Aimd, Gradient, Range, Vegas};
    use super::*;

    fn adaptation() -> impl Strategy<Value = Adaptation> {
        let slow = prop_oneof![Just(Duration::MAX), (0_u64..3_000).prop_map(Duration::from_nanos)];
        let aimd = (slow, 0.01_f64..9.0, 0.01_f64..0.99).prop_map(|(slow, increase, decrease)| {
            Adaptation::Aimd(Aimd::default().slow(slow).increase(increase).decrease(decrease))
        });
        prop_oneof![
            4 => aimd,
            1 => Just(Adaptation::Vegas(Vegas::default())),
            1 => Just(Adaptation::Gradient(Gradient::default())),
        ]
    }

    fn range() -> impl Strategy<Value = Range> {
        (1_u32..9, 0_u32..60, 0_u32..60).prop_map(|(min, above, more)| Range {
            min,
            max: min + above + more,
            initial: min + above,
        })
    }

    prop_compose! {
        fn call()(
            step in 0_u64..2_000,
            took in 0_u64..4_000,
            patience in prop_oneof![Just(0), Just(5_000), 3_000_u64..5_500, Just(u64::MAX)],
            in_flight in 0_u32..50,
            end in prop_oneof![
                9 => Just(End::Answered),
                1 => Just(End::Overloaded),
                1 => Just(End::TimedOut),
                1 => Just(End::GivenUp),
                1 => Just(End::Other),
            ],
        ) -> (u64, Ended) {
            (step, Ended { took, now: 0, patience, in_flight, end })
        }
    }

    proptest! {
        // The words of a state, its floats to the bit, are what it prints.
        #[test]
        fn a_call_within_the_deadband_changes_not_a_bit(
            adaptation in adaptation(),
            range in range(),
            calls in proptest::collection::vec(call(), 0..200),
        ) {
            let mut state = State::new(Adaptive::new(adaptation, range));
            let mut now = 0;
            for (step, mut ended) in calls {
                now += step;
                ended.now = now;
                let covered = state.deadband().covers(ended.in_flight, ended.took, ended.patience);
                let before = format!("{state:?}");
                let is_free = state.end(&ended);
                let freed = state.freed(now);
                if covered && ended.end == End::Answered {
                    prop_assert_eq!(format!("{state:?}"), before);
                    prop_assert!(is_free && freed == 0);
                }
            }
        }

        #[test]
        fn the_deadband_that_is_shared_is_the_one_that_is_read(fewest: u64, most: u64, longest: u64, patience: u64) {
            let shared = SharedDeadband::new(Deadband::EMPTY);
            prop_assert_eq!(shared.get(), Deadband::EMPTY);
            let deadband = Deadband { fewest, most, longest, patience };
            shared.set(deadband);
            prop_assert_eq!(shared.get(), deadband);
        }
    }

    fn aimd(initial: u32) -> State {
        let range = Range { min: 2, max: 200, initial };
        State::new(Adaptive::new(Adaptation::Aimd(Aimd::default()), range))
    }

    fn answered(in_flight: u32, took: u64) -> Ended {
        Ended { took, now: took, patience: 1_000, in_flight, end: End::Answered }
    }

    #[test]
    fn the_deadband_is_from_a_quarter_to_a_half_of_the_limit() {
        let mut state = aimd(20);
        assert!(!state.deadband().covers(5, 500, 1_000), "how long callers wait is not known yet");
        state.end(&answered(5, 1));
        let covers = |in_flight, took| state.deadband().covers(in_flight, took, 1_000);
        assert!(covers(5, 500) && covers(9, 500));
        assert!(!covers(4, 500) && !covers(10, 500), "idle and in use");
        assert!(!covers(5, 501), "slow");
        assert!(state.deadband().covers(5, 500, 0), "its caller never gives up");
        assert!(!state.deadband().covers(5, 500, 1_001), "its caller waits for longer");
    }

    #[test]
    fn at_an_end_of_its_range_the_deadband_of_a_limit_is_open() {
        let deadband = |initial, in_flight| {
            let mut state = aimd(initial);
            state.end(&answered(in_flight, 1));
            state.deadband()
        };
        let (at_min, at_max) = (deadband(2, 0), deadband(200, 50));
        assert!(at_min.covers(0, 1, 0) && !at_min.covers(1, 1, 0));
        assert!(at_max.covers(u32::MAX, 1, 0) && !at_max.covers(49, 1, 0));
    }

    #[test]
    fn after_a_loss_or_while_a_place_lingers_the_deadband_is_empty() {
        let lost = |end| {
            let mut state = aimd(20);
            state.end(&answered(5, 100));
            state.end(&Ended { end, ..answered(20, 100) });
            state
        };
        let covers = |state: &State| (0..50).any(|n| state.deadband().covers(n, 0, 0));
        assert!(!covers(&lost(End::Overloaded)));
        let mut state = lost(End::GivenUp);
        assert!(!covers(&state));
        assert_eq!(state.freed(200), 1);
        assert!(state.deadband().covers(5, 100, 1_000));
    }

    #[test]
    fn until_an_answer_ends_the_silence_the_deadband_is_empty() {
        let mut state = aimd(20);
        state.end(&answered(5, 100));
        state.end(&Ended { took: 10, patience: 10, end: End::GivenUp, ..answered(5, 200) });
        state.freed(1_000);
        assert!(!state.deadband().covers(5, 100, 0));
        state.end(&answered(5, 100));
        assert!(state.deadband().covers(5, 100, 0));
    }
}
