//! The rules one below, at, and one above their thresholds, and what they say of themselves.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{Backoff, Jitter, Random, Rule};

use crate::machine::{Rules, Settings, Waits, WindowCounts};
use crate::time::NEVER;
use crate::{Breaker, BreakerBuilder};

fn settings(builder: BreakerBuilder) -> Settings {
    builder.settings().unwrap()
}

fn rules(builder: BreakerBuilder) -> Rules {
    settings(builder).rules
}

fn counts(samples: u32, failures: u32, slow: u32, run: u32) -> WindowCounts {
    WindowCounts { samples, failures, slow, consecutive_failures: run }
}

#[test]
fn the_run_of_failures() {
    let rules = rules(Breaker::builder().consecutive_failures(5));
    for (run, broken) in [(4, false), (5, true), (6, true)] {
        assert_eq!(rules.broken_by(&counts(1, 0, 0, run)).is_some(), broken);
    }
}

#[test]
fn every_percentage_of_a_hundred_calls_is_met_exactly() {
    let new = || Breaker::builder().without_consecutive_failures().count_window(100).min_calls(100);
    for percent in 1..=100_u32 {
        let rate = f64::from(percent) / 100.0;
        let written: f64 = format!("0.{percent:02}").parse().unwrap();
        let rate = if percent == 100 { rate } else { written };
        let failures = rules(new().failure_rate(rate));
        let second = Duration::from_secs(1);
        let slow = rules(new().without_failure_rate().slow_call_rate(rate, second));
        for (seen, broken) in [(percent - 1, false), (percent, true), (percent + 1, true)] {
            let failed = failures.broken_by(&counts(100, seen, 0, 0));
            assert_eq!(failed.is_some(), broken, "{seen} of 100 at {rate}");
            let slowed = slow.broken_by(&counts(100, 0, seen, 0));
            assert_eq!(slowed.is_some(), broken, "{seen} slow of 100 at {rate}");
            let found = failed.zip(slowed).map(|(failed, slowed)| (failed.rule, slowed.rule));
            assert_eq!(found, broken.then_some((Rule::FailureRate, Rule::SlowRate)));
        }
    }
}

#[test]
fn a_share_without_a_rule_is_never_reached() {
    let slow = Breaker::builder().slow_call_rate(1.0, Duration::from_secs(1));
    let rules = rules(slow.without_failure_rate().without_consecutive_failures());
    assert_eq!(rules.broken_by(&counts(100, 100, 0, 100)), None);
    assert!(rules.broken_by(&counts(100, 100, 100, 100)).is_some());
}

#[test]
fn min_calls() {
    let second = Duration::from_secs(1);
    let new = || Breaker::builder().without_consecutive_failures().count_window(20).min_calls(10);
    for rules in [rules(new()), rules(new().without_failure_rate().slow_call_rate(1.0, second))] {
        for (samples, broken) in [(9, false), (10, true), (11, true)] {
            assert_eq!(rules.broken_by(&counts(samples, samples, samples, 0)).is_some(), broken);
        }
    }
}

#[test]
fn which_rules_need_the_clock_and_which_do_not() {
    let second = Duration::from_secs(1);
    let plain = rules(Breaker::builder());
    assert_eq!((plain.slides(), plain.slow_after()), (false, NEVER));
    let timed = rules(Breaker::builder().time_window(second).slow_call_rate(0.5, second));
    assert_eq!((timed.slides(), timed.slow_after()), (true, 1_000_000_000));
    let text = format!("{timed:?}");
    assert!(text.starts_with("Rules { window: Time {") && text.contains("predicate: false"));
}

#[test]
fn a_configuration_says_what_it_does() {
    let text = |builder| settings(builder).to_string();
    let second = Duration::from_secs(1);
    assert_eq!(
        text(Breaker::builder().open_wait(second).failure_rate(0.125)),
        "opens at 20 failures in a row or 12.5% failed of the last 200 calls, \
         for 1s; closes when 2 of 2 probes succeed"
    );
    let all = Breaker::builder()
        .without_consecutive_failures()
        .time_window(10 * second)
        .slow_call_rate(0.3, second)
        .open_when(|_| false)
        .open_wait(second)
        .probes(5)
        .probe_successes(3);
    assert_eq!(
        text(all),
        "opens at 50% failed or 30% slower than 1s or a predicate within 10s, \
         for 1s; closes when 3 of 5 probes succeed"
    );
    let never = Breaker::builder().without_failure_rate().slow_call_rate(1.0, Duration::MAX);
    let never = text(never.open_wait(second));
    assert!(never.contains("100% slower than ever of the last 200 calls"), "{never}");
    let run = text(Breaker::builder().without_failure_rate().open_wait(second));
    assert!(run.starts_with("opens at 20 failures in a row, for 1s"), "{run}");
}

#[test]
fn waits_are_drawn_for_the_first_opening_and_for_the_next_in_a_row() {
    let millis = Duration::from_millis;
    let wait = Backoff::exponential(millis(1)).max(millis(100)).jitter(Jitter::None);
    let wait = settings(Breaker::builder().open_wait(wait)).wait;
    for (openings, next) in [(0, 1), (1, 2), (2, 4), (6, 64), (7, 100), (u32::MAX, 100)] {
        let drawn = wait.draw(openings, None);
        assert_eq!(drawn, Waits { first: 1_000_000, next: next * 1_000_000 });
    }
    let wait = Backoff::exponential(millis(1)).max(millis(100)).jitter(Jitter::Decorrelated);
    let builder = Breaker::builder().open_wait(wait).random(Random::highest());
    let wait = settings(builder).wait;
    let (short, long) = (wait.draw(1, Some(1_000_000)), wait.draw(1, Some(9_000_000)));
    assert!(short.next < long.next, "{short:?} {long:?}");
    assert_eq!(Arc::new(wait).draw(1, None).first, short.first);
}
