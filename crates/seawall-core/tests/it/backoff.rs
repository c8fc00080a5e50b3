//! Backoff: the schedules, the maximum, and the two laws of jitter.

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::{Backoff, Check, Jitter, PolicyKind, Random};

const CHECK: Check = Check::of(PolicyKind::Retry);
const NO_JITTER: Jitter = Jitter::None;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn bases(backoff: &Backoff, count: u32) -> Vec<u128> {
    (1..=count).map(|n| backoff.base(n).as_millis()).collect()
}

#[test]
fn each_schedule_gives_its_nth_delay() {
    assert_eq!(bases(&Backoff::none(), 3), [0, 0, 0]);
    assert_eq!(bases(&Backoff::constant(ms(10)), 3), [10, 10, 10]);
    assert_eq!(bases(&Backoff::linear(ms(10), ms(5)), 4), [10, 15, 20, 25]);
    assert_eq!(bases(&Backoff::exponential(ms(10)), 4), [10, 20, 40, 80]);
    assert_eq!(bases(&Backoff::exponential(ms(10)).factor(3.0), 4), [10, 30, 90, 270]);
    assert_eq!(bases(&Backoff::exponential(ms(10)).factor(1.5), 4), [10, 15, 22, 33]);
    assert_eq!(bases(&Backoff::list([ms(5), ms(1)]), 4), [5, 1, 1, 1]);
    assert_eq!(bases(&Backoff::from_fn(|n| ms(u64::from(n * n))), 4), [1, 4, 9, 16]);
    assert_eq!(bases(&Backoff::from(ms(7)), 2), [7, 7]);
}

#[test]
fn an_endless_iterator_is_read_up_to_the_bound_and_its_last_delay_repeats() {
    let backoff = Backoff::list((1..).map(ms));
    let last = u32::from(Backoff::MAX_LIST);
    assert_eq!(backoff.base(last), ms(1024));
    assert_eq!(backoff.base(u32::MAX), ms(1024));
}

#[test]
fn the_maximum_cuts_the_schedule_and_zero_counts_as_the_first() {
    let backoff = Backoff::exponential(ms(100)).max(ms(250)).jitter(NO_JITTER);
    assert_eq!(bases(&backoff, 4), [100, 200, 250, 250]);
    assert_eq!(backoff.base(0), ms(100));
    let growing = Backoff::exponential(ms(100));
    assert_eq!(growing.base(u32::MAX), Backoff::DEFAULT_MAX);
    let long = Backoff::exponential(Duration::from_mins(1));
    assert_eq!(
        long.base(7),
        Duration::from_mins(1),
        "its first delay is above the default maximum"
    );
}

#[test]
fn what_cannot_be_counted_saturates() {
    const LONGEST: Duration = Duration::from_nanos(u64::MAX);
    for backoff in [
        Backoff::exponential(Duration::from_nanos(1)).max(Duration::MAX),
        Backoff::exponential(ms(1)).factor(f64::MAX).max(Duration::MAX),
        Backoff::linear(ms(1), Duration::MAX).max(Duration::MAX),
        Backoff::constant(Duration::MAX),
        Backoff::list([Duration::MAX]),
        Backoff::from_fn(|_| Duration::MAX),
    ] {
        assert!(backoff.check(CHECK).is_ok());
        assert_eq!(backoff.base(u32::MAX), LONGEST, "{backoff}");
        for jitter in [Jitter::Full, Jitter::Equal, Jitter::Proportional(1.0)] {
            let delay = backoff.clone().jitter(jitter).delay(u32::MAX, None, &Random::highest());
            assert!(delay < LONGEST && delay > LONGEST / 2, "{backoff} {jitter}: {delay:?}");
        }
    }
    assert_eq!(Backoff::none().total(u32::MAX), Some(Duration::ZERO));
}

#[test]
fn a_panicking_function_gives_the_maximum() {
    let broken = || Backoff::from_fn(|n| panic!("no delay for {n}"));
    assert_eq!(broken().max(ms(70)).base(1), ms(70));
    assert_eq!(broken().base(1), Backoff::DEFAULT_MAX);
}

#[test]
fn what_makes_no_sense_is_refused_by_field() {
    let second = Duration::from_secs(1);
    let refused = [
        ("initial", Backoff::exponential(Duration::ZERO)),
        ("initial", Backoff::linear(Duration::ZERO, Duration::ZERO)),
        ("factor", Backoff::exponential(second).factor(0.99)),
        ("factor", Backoff::exponential(second).factor(f64::NAN)),
        ("factor", Backoff::exponential(second).factor(f64::INFINITY)),
        ("factor", Backoff::constant(second).factor(2.0)),
        ("list", Backoff::list([])),
        ("max", Backoff::exponential(second).max(Duration::ZERO)),
        ("max", Backoff::exponential(second).max(ms(999))),
        ("max", Backoff::constant(second).max(ms(999))),
        ("max", Backoff::exponential(second).max(ms(3999)).jitter(Jitter::Decorrelated)),
        ("jitter", Backoff::exponential(second).jitter(Jitter::Proportional(0.0))),
    ];
    for (field, backoff) in refused {
        assert_eq!(backoff.check(CHECK).unwrap_err().field, field, "{backoff}");
        // Unchecked it gives some delay all the same.
        let _ = backoff.delay(3, Some(second), &Random::highest());
    }
    for good in [
        Backoff::none(),
        Backoff::linear(Duration::ZERO, second),
        Backoff::exponential(second).factor(1.0),
        Backoff::exponential(second).max(4 * second).jitter(Jitter::Decorrelated),
    ] {
        assert_eq!(good.check(CHECK), Ok(()), "{good}");
    }
}

#[test]
fn the_total_is_what_all_delays_together_do_not_exceed() {
    let second = Duration::from_secs(1);
    assert_eq!(Backoff::constant(second).total(3), Some(3 * second));
    assert_eq!(Backoff::constant(second).total(5000), Some(5000 * second));
    let capped = Backoff::exponential(second).max(4 * second);
    assert_eq!(capped.total(4), Some((1 + 2 + 4 + 4) * second));
    assert_eq!(capped.total(5000), Some((3 + 4998 * 4) * second));
    assert_eq!(Backoff::from_fn(move |_| second).total(2), Some(2 * second));
    assert_eq!(Backoff::from_fn(move |_| second).total(2000), None, "nothing is known of the rest");
    let swinging = Backoff::constant(second).max(5 * second).jitter(Jitter::Proportional(0.5));
    assert_eq!(swinging.total(2), Some(3 * second));
}

#[test]
fn a_backoff_says_what_it_is() {
    let second = Duration::from_secs(1);
    let text = |backoff: Backoff| backoff.to_string();
    assert_eq!(text(Backoff::none()), "no delay");
    assert_eq!(text(Backoff::constant(second)), "1s");
    assert_eq!(text(Backoff::exponential(ms(100))), "100ms growing 2-fold up to 30s, full jitter");
    assert_eq!(
        text(Backoff::list([second]).jitter(Jitter::Proportional(0.25))),
        "a list of 1, jitter of ±25%"
    );
    let linear = Backoff::linear(ms(100), ms(50)).max(second);
    assert_eq!(text(linear), "100ms growing by 50ms up to 1s");
    assert_eq!(text(Backoff::from_fn(move |_| second)), "as long as a function says");
}

#[test]
fn two_policies_built_alike_draw_different_delays() {
    let draw = || {
        let (backoff, random) = (Backoff::exponential(ms(100)), Random::default());
        [1, 2, 3, 4].map(|n| backoff.delay(n, None, &random))
    };
    assert_ne!(draw(), draw());
}

#[test]
fn jitter_never_compounds_into_the_schedule() {
    let backoff = Backoff::exponential(ms(100));
    let random = Random::seeded(1);
    let base = backoff.base(5);
    for n in [5, 1, 5, 9] {
        let _ = backoff.delay(n, Some(ms(1)), &random);
        assert_eq!(backoff.base(5), base);
    }
    // The delay before changes nothing, whatever it was.
    let draw = |previous| backoff.delay(5, previous, &Random::seeded(2));
    assert_eq!(draw(None), draw(Some(Duration::MAX)));
}

/// The distribution of delays is the nominal one: Kolmogorov–Smirnov with 20,000 draws, at the
/// 0.1 % level (critical value 1.95 / √n). The seed is fixed, so the verdict is too.
fn assert_uniform(backoff: &Backoff, previous: Option<Duration>, from: Duration, to: Duration) {
    const DRAWS: u32 = 20_000;
    let random = Random::seeded(2026);
    let (from_secs, to_secs) = (from.as_secs_f64(), to.as_secs_f64());
    let mut drawn: Vec<f64> = (0..DRAWS)
        .map(|_| backoff.delay(8, previous, &random))
        .inspect(|delay| assert!(from <= *delay && *delay < to, "{backoff}: {delay:?}"))
        .map(|delay| (delay.as_secs_f64() - from_secs) / (to_secs - from_secs))
        .collect();
    drawn.sort_by(f64::total_cmp);
    let n = f64::from(DRAWS);
    let distance = (0..DRAWS)
        .zip(&drawn)
        .map(|(rank, x)| (x - f64::from(rank) / n).abs().max((f64::from(rank + 1) / n - x).abs()))
        .fold(0.0, f64::max);
    assert!(distance < 1.95 / n.sqrt(), "{backoff}: {distance}");
}

#[test]
fn delays_are_spread_evenly_over_their_interval_below_the_maximum() {
    // 8th delay: 128 ms.
    let backoff = Backoff::exponential(ms(1)).max(ms(1000));
    assert_uniform(&backoff, None, ms(0), ms(128));
    assert_uniform(&backoff.clone().jitter(Jitter::Equal), None, ms(64), ms(128));
    assert_uniform(&backoff.clone().jitter(Jitter::Proportional(0.25)), None, ms(96), ms(160));
    assert_uniform(&backoff.jitter(Jitter::Decorrelated), Some(ms(50)), ms(1), ms(150));
}

#[test]
fn delays_are_spread_evenly_over_their_interval_at_saturation() {
    let backoff = Backoff::exponential(ms(10)).max(ms(100));
    assert_uniform(&backoff, None, ms(0), ms(100));
    assert_uniform(&backoff.clone().jitter(Jitter::Equal), None, ms(50), ms(100));
    assert_uniform(&backoff.clone().jitter(Jitter::Proportional(0.2)), None, ms(80), ms(100));
    assert_uniform(&backoff.jitter(Jitter::Decorrelated), Some(ms(99)), ms(10), ms(100));
}

fn jitters() -> impl Strategy<Value = Jitter> {
    prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Equal),
        (1e-12..=1.0).prop_map(Jitter::Proportional),
        Just(Jitter::Decorrelated),
    ]
}

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (1_u64..10_000).prop_map(Duration::from_nanos),
        (1_u64..100_000).prop_map(Duration::from_millis),
        any::<u64>().prop_map(|nanos| Duration::from_nanos(nanos.max(1))),
        any::<u64>().prop_map(|secs| Duration::from_secs(secs.max(1))),
    ]
}

fn schedules() -> impl Strategy<Value = Backoff> {
    prop_oneof![
        durations().prop_map(Backoff::constant),
        (durations(), durations()).prop_map(|(initial, step)| Backoff::linear(initial, step)),
        (durations(), 1.0..1e6_f64)
            .prop_map(|(initial, factor)| Backoff::exponential(initial).factor(factor)),
        (durations(), 1.0..1.001_f64)
            .prop_map(|(initial, factor)| Backoff::exponential(initial).factor(factor)),
    ]
}

/// What the interval would be if there were no maximum, in nanoseconds.
fn nominal_width(jitter: Jitter, backoff: &Backoff, n: u32, previous: Option<Duration>) -> f64 {
    let base = backoff.base(n).as_secs_f64() * 1e9;
    match jitter {
        Jitter::Full => base,
        Jitter::Equal => base / 2.0,
        Jitter::Proportional(share) => 2.0 * share * base,
        Jitter::Decorrelated => {
            let first = backoff.base(1);
            let previous = previous.unwrap_or(first).max(first).min(backoff.ceiling(u32::MAX));
            (3.0 * previous.as_secs_f64() - first.as_secs_f64()) * 1e9
        }
        _ => 0.0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_delay_exceeds_the_maximum_and_none_piles_up_on_it(
        schedule in schedules(),
        max in durations(),
        jitter in jitters(),
        n in any::<u32>(),
        previous in prop::option::of(durations()),
        seed in any::<u64>(),
    ) {
        let backoff = schedule.max(max).jitter(jitter);
        let max = max.min(Duration::from_nanos(u64::MAX));
        let sources = [Random::lowest(), Random::highest(), Random::seeded(seed)];
        let delays = sources.map(|random| backoff.delay(n, previous, &random));
        for delay in delays {
            prop_assert!(delay <= max);
            prop_assert!(delay <= backoff.ceiling(n.max(1)) || jitter == Jitter::Decorrelated);
            if jitter != Jitter::None {
                prop_assert!(delay < max, "{} drew its maximum", backoff);
            }
        }
        let [lowest, highest, drawn] = delays;
        prop_assert!(lowest <= drawn && drawn <= highest);
        if backoff.check(CHECK).is_ok() {
            let width = (highest.as_secs_f64() - lowest.as_secs_f64()) * 1e9;
            // Two nanoseconds and a few parts in 10¹⁵ for rounding.
            let nominal = nominal_width(jitter, &backoff, n, previous);
            prop_assert!(width + 2.0 >= nominal / 4.0 * (1.0 - 1e-12), "{}: {} of {}", backoff, width, nominal);
        }
    }

    #[test]
    fn the_base_never_falls(schedule in schedules(), n in 1..u32::MAX, small in 1..200_u32) {
        for n in [n, small] {
            prop_assert!(schedule.base(n) <= schedule.base(n + 1));
            prop_assert!(schedule.base(n) >= schedule.base(1));
        }
    }

    #[test]
    fn decorrelated_delays_stay_below_their_ceiling(
        initial in 1_u64..1_000_000,
        room in 4_u64..1_000,
        seed in any::<u64>(),
    ) {
        let initial = Duration::from_nanos(initial);
        let max = initial * u32::try_from(room).unwrap_or(4);
        let backoff = Backoff::exponential(initial).max(max).jitter(Jitter::Decorrelated);
        let random = Random::seeded(seed);
        let mut previous = None;
        for n in 1..20 {
            let delay = backoff.delay(n, previous, &random);
            prop_assert!(initial <= delay && delay < max && delay < backoff.ceiling(n));
            previous = Some(delay);
        }
    }

    #[test]
    fn no_configuration_panics(
        factor in any::<f64>(),
        share in any::<f64>(),
        initial in any::<u64>(),
        max in any::<u64>(),
        n in any::<u32>(),
    ) {
        for jitter in [Jitter::Proportional(share), Jitter::Decorrelated, Jitter::Full] {
            let backoff = Backoff::exponential(Duration::from_secs(initial))
                .factor(factor)
                .max(Duration::from_nanos(max))
                .jitter(jitter);
            for random in [Random::lowest(), Random::highest(), Random::thread()] {
                prop_assert!(backoff.delay(n, None, &random) <= Duration::from_nanos(max));
            }
        }
    }
}
