//! Which calls change nothing, so that the limit need not take its lock for them.

use std::sync::atomic::{AtomicU64, Ordering};

/// Good calls within these bounds leave everything as it is, to the bit.
///
/// A promise in one direction: what lies outside may change nothing either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Calm {
    /// In flight at least so many,
    pub(super) fewest: u32,
    /// at most so many,
    pub(super) most: u32,
    /// over within so many nanoseconds,
    pub(super) longest: u64,
    /// made by callers who wait so many nanoseconds, or are not known to give up.
    pub(super) patience: u64,
}

/// A patience that is shorter than the longest of late pulls that down by this part of the
/// difference.
pub(super) const FADES_BY: u64 = 1024;

impl Calm {
    /// Each call may change something.
    pub(super) const NEVER: Self = Self { fewest: u32::MAX, most: 0, longest: 0, patience: 0 };

    /// Whether a good call that took `took` ns changes nothing. A `patience` of 0 is none.
    #[inline]
    pub(super) const fn covers(self, in_flight: u32, took: u64, patience: u64) -> bool {
        self.fewest <= in_flight
            && in_flight <= self.most
            && took <= self.longest
            && (patience == 0 || patience <= self.patience && self.patience - patience < FADES_BY)
    }
}

/// A calm that is read without a lock.
///
/// Its words are written under the lock of what it tells of, and each is read for itself. A call
/// that ends in that very moment may be taken for calm by a mixture of old and new: then it is a
/// sample less, as one that finds the lock taken is. Hence relaxed.
#[derive(Debug)]
pub(super) struct SharedCalm {
    in_flight: AtomicU64,
    longest: AtomicU64,
    patience: AtomicU64,
}

impl SharedCalm {
    pub(super) const fn new(calm: Calm) -> Self {
        Self {
            in_flight: AtomicU64::new(pack(calm)),
            longest: AtomicU64::new(calm.longest),
            patience: AtomicU64::new(calm.patience),
        }
    }

    pub(super) fn set(&self, calm: Calm) {
        self.in_flight.store(pack(calm), Ordering::Relaxed);
        self.longest.store(calm.longest, Ordering::Relaxed);
        self.patience.store(calm.patience, Ordering::Relaxed);
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is the fewest")]
    pub(super) fn get(&self) -> Calm {
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        Calm {
            fewest: in_flight as u32,
            most: (in_flight >> 32) as u32,
            longest: self.longest.load(Ordering::Relaxed),
            patience: self.patience.load(Ordering::Relaxed),
        }
    }
}

const fn pack(calm: Calm) -> u64 {
    (calm.most as u64) << 32 | calm.fewest as u64
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
        fn what_is_called_calm_changes_not_a_bit(
            adaptation in adaptation(),
            range in range(),
            calls in proptest::collection::vec(call(), 0..200),
        ) {
            let mut state = State::new(Adaptive::new(adaptation, range));
            let mut now = 0;
            for (step, mut ended) in calls {
                now += step;
                ended.now = now;
                let calm = state.calm().covers(ended.in_flight, ended.took, ended.patience);
                let before = format!("{state:?}");
                let is_free = state.end(&ended);
                let freed = state.freed(now);
                if calm && ended.end == End::Answered {
                    prop_assert_eq!(format!("{state:?}"), before);
                    prop_assert!(is_free && freed == 0);
                }
            }
        }

        #[test]
        fn what_is_shared_is_what_is_read(fewest: u32, most: u32, longest: u64, patience: u64) {
            let shared = SharedCalm::new(Calm::NEVER);
            prop_assert_eq!(shared.get(), Calm::NEVER);
            let calm = Calm { fewest, most, longest, patience };
            shared.set(calm);
            prop_assert_eq!(shared.get(), calm);
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
    fn from_a_quarter_to_a_half_of_the_limit_is_calm_and_no_more() {
        let mut state = aimd(20);
        assert!(!state.calm().covers(5, 500, 1_000), "how long callers wait is not known yet");
        state.end(&answered(5, 1));
        let covers = |in_flight, took| state.calm().covers(in_flight, took, 1_000);
        assert!(covers(5, 500) && covers(9, 500));
        assert!(!covers(4, 500) && !covers(10, 500), "idle and in use");
        assert!(!covers(5, 501), "slow");
        assert!(state.calm().covers(5, 500, 0), "its caller waits for ever");
        assert!(!state.calm().covers(5, 500, 1_001), "its caller waits for longer");
    }

    #[test]
    fn at_an_end_of_its_range_a_limit_is_calm_beyond() {
        assert!(aimd(2).calm().covers(0, 1, 0) && !aimd(2).calm().covers(1, 1, 0));
        assert!(aimd(200).calm().covers(u32::MAX, 1, 0) && !aimd(200).calm().covers(49, 1, 0));
    }

    #[test]
    fn while_a_loss_is_to_be_got_over_or_a_place_lingers_nothing_is_calm() {
        let lost = |end| {
            let mut state = aimd(20);
            state.end(&Ended { end, ..answered(20, 100) });
            state
        };
        let covers = |state: &State| (0..50).any(|n| state.calm().covers(n, 0, 0));
        assert!(!covers(&lost(End::Overloaded)));
        let mut state = lost(End::GivenUp);
        assert!(!covers(&state));
        assert_eq!(state.freed(200), 1);
        assert!(state.calm().covers(5, 100, 1_000));
    }
}
