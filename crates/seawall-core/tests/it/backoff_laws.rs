//! The two laws of delays for schedules that somebody else wrote: lists and functions, of which
//! nothing is known.

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::{Backoff, Jitter, Random};

const LONGEST: u64 = u64::MAX;

fn nanos() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1_u64..10, 1_u64..1_000_000_000, any::<u64>(), Just(LONGEST)]
}

/// A list, and the same delays from a function.
fn schedules() -> impl Strategy<Value = (Vec<Duration>, [Backoff; 2])> {
    prop::collection::vec(nanos().prop_map(Duration::from_nanos), 1..40).prop_map(|delays| {
        let given = delays.clone();
        let function = Backoff::from_fn(move |n| {
            let index = usize::try_from(n - 1).unwrap().min(given.len() - 1);
            given[index]
        });
        let list = Backoff::list(delays.clone());
        (delays, [list, function])
    })
}

fn jitters() -> impl Strategy<Value = Jitter> {
    prop_oneof![
        Just(Jitter::Full),
        Just(Jitter::Equal),
        (1e-12..=1.0).prop_map(Jitter::Proportional),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_nth_delay_is_the_nth_of_the_list_cut_at_the_maximum(
        (delays, schedules) in schedules(),
        max in nanos(),
        n in prop_oneof![1..60_u32, any::<u32>()],
    ) {
        let max = Duration::from_nanos(max.max(1));
        let index = usize::try_from(n.max(1) - 1).unwrap().min(delays.len() - 1);
        for schedule in schedules {
            prop_assert_eq!(schedule.base(n), delays[index].min(Duration::from_nanos(LONGEST)));
            prop_assert_eq!(schedule.max(max).base(n), delays[index].min(max));
        }
    }

    #[test]
    fn no_delay_exceeds_the_maximum_none_piles_up_on_it_and_a_quarter_is_left(
        (_, schedules) in schedules(),
        max in nanos(),
        jitter in jitters(),
        n in 1..60_u32,
        seed in any::<u64>(),
    ) {
        let max = Duration::from_nanos(max.max(1));
        for schedule in schedules {
            let backoff = schedule.max(max).jitter(jitter);
            let base = backoff.base(n);
            let [lowest, drawn, highest] = [Random::lowest(), Random::seeded(seed), Random::highest()]
                .map(|random| backoff.delay(n, None, &random));
            prop_assert!(lowest <= drawn && drawn <= highest && highest < max);
            prop_assert!(highest <= backoff.ceiling(n) && backoff.ceiling(n) <= max);
            let nominal = match jitter {
                Jitter::Equal => base.as_secs_f64() / 2.0,
                Jitter::Proportional(share) => base.as_secs_f64() * 2.0 * share,
                _ => base.as_secs_f64(),
            };
            // Two nanoseconds and a few parts in 10¹² for rounding.
            let width = highest.abs_diff(lowest).as_secs_f64() + 2e-9;
            prop_assert!(width >= nominal / 4.0 * (1.0 - 1e-9), "{}: {} of {}", backoff, width, nominal);
        }
    }
}

/// At saturation the delays of a thousand clients do not bunch up below the maximum either: no
/// hundredth of the interval gets more than its share, and as much as chance allows.
#[test]
fn nowhere_in_the_interval_do_delays_bunch_up() {
    const CLIENTS: u32 = 100_000;
    const MAX: u32 = 5_000;
    let backoff = Backoff::exponential(Duration::from_millis(100)).max(Duration::from_secs(5));
    for (jitter, from) in [(Jitter::Full, 0), (Jitter::Equal, MAX / 2)] {
        let backoff = backoff.clone().jitter(jitter);
        let random = Random::seeded(11);
        let mut places = [0_u32; 100];
        for _ in 0..CLIENTS {
            let delay = u32::try_from(backoff.delay(30, None, &random).as_millis()).unwrap();
            places[usize::try_from((delay - from) * 100 / (MAX - from)).unwrap()] += 1;
        }
        // A thousand each, with a standard deviation of 31.
        let all_near = places.iter().all(|count| (840..=1_160).contains(count));
        assert!(all_near, "{jitter}: {places:?}");
    }
}
