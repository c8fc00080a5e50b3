//! At every threshold: one below, at, one above.
#![expect(clippy::unchecked_time_subtraction, reason = "the numbers are in sight")]

use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder};
use seawall_core::{Backoff, CircuitState, Class, Jitter, Random, Rule};
use tokio::time::advance;

const SECOND: Duration = Duration::from_secs(1);

fn fail(breaker: &Breaker) {
    breaker.try_acquire().unwrap().failure(Class::Transient);
}

fn succeed(breaker: &Breaker) {
    breaker.try_acquire().unwrap().success();
}

fn is_open(breaker: &Breaker) -> bool {
    breaker.state() == CircuitState::Open
}

fn rate_only() -> BreakerBuilder {
    Breaker::builder().without_consecutive_failures().count_window(10).min_calls(10)
}

#[test]
fn failures_in_a_row() {
    let breaker =
        Breaker::builder().without_failure_rate().consecutive_failures(3).build().unwrap();
    for _ in 0..5 {
        fail(&breaker);
        fail(&breaker);
        succeed(&breaker);
    }
    fail(&breaker);
    fail(&breaker);
    assert!(!is_open(&breaker));
    fail(&breaker);
    assert!(is_open(&breaker));
}

#[test]
fn the_failure_rate_over_a_count_window_that_slid_far() {
    for successes in [7, 10, 64, 1_000, 12_345] {
        let breaker = rate_only().failure_rate(0.3).build().unwrap();
        (0..successes).for_each(|_| succeed(&breaker));
        fail(&breaker);
        fail(&breaker);
        assert!(!is_open(&breaker), "{successes}");
        fail(&breaker);
        assert!(is_open(&breaker), "{successes}");
        let evidence = breaker.snapshot().evidence.unwrap();
        assert_eq!((evidence.rule, evidence.samples), (Rule::FailureRate, 10));
        assert_eq!((evidence.observed, evidence.limit), (0.3, 0.3));
    }
}

#[test]
fn fewer_than_min_calls_decide_nothing_and_a_success_can_be_the_last() {
    let breaker = rate_only().failure_rate(0.5).build().unwrap();
    (0..9).for_each(|_| fail(&breaker));
    assert!(!is_open(&breaker));
    succeed(&breaker);
    assert!(is_open(&breaker));
}

#[tokio::test(start_paused = true)]
async fn the_failure_rate_over_a_time_window() {
    let breaker = Breaker::builder().without_consecutive_failures().time_window(10 * SECOND);
    let breaker = breaker.min_calls(4).failure_rate(0.5).build().unwrap();
    (0..2).for_each(|_| fail(&breaker));
    advance(10 * SECOND).await;
    (0..2).for_each(|_| succeed(&breaker));
    fail(&breaker);
    advance(9 * SECOND).await;
    assert!(!is_open(&breaker));
    fail(&breaker);
    assert!(is_open(&breaker));
}

#[tokio::test(start_paused = true)]
async fn the_slow_call_rate_counts_failures_too() {
    let breaker = rate_only().without_failure_rate().slow_call_rate(0.2, SECOND).build().unwrap();
    for took in [SECOND - Duration::from_nanos(1); 9] {
        let permit = breaker.try_acquire().unwrap();
        advance(took).await;
        permit.success();
    }
    for (n, open) in [(1, false), (2, true)] {
        let permit = breaker.try_acquire().unwrap();
        advance(SECOND).await;
        permit.failure(Class::Transient);
        assert_eq!((breaker.snapshot().window.slow, is_open(&breaker)), (n, open));
    }
    assert_eq!(breaker.snapshot().evidence.unwrap().rule, Rule::SlowRate);
}

#[test]
fn a_predicate_is_asked_outside_the_lock_and_its_panic_holds_nothing() {
    let breaker = Breaker::builder()
        .without_consecutive_failures()
        .without_failure_rate()
        .min_calls(2)
        .open_when(|window| {
            assert!(window.samples != 3, "a panic of the predicate's");
            window.failures > 2
        })
        .build()
        .unwrap();
    for open in [false, false, false, true] {
        fail(&breaker);
        assert_eq!(is_open(&breaker), open);
    }
    assert_eq!(breaker.snapshot().evidence.unwrap().rule, Rule::Predicate);
}

#[tokio::test(start_paused = true)]
async fn k_of_n_probes_close_and_one_failure_too_many_reopens() {
    for (failures, closes) in [(0, true), (1, true), (2, true), (3, false)] {
        let breaker = Breaker::builder().consecutive_failures(1).open_wait(SECOND);
        let breaker = breaker.probes(5).probe_successes(3).build().unwrap();
        fail(&breaker);
        advance(SECOND).await;
        for n in 0..failures {
            assert_eq!(breaker.state() == CircuitState::HalfOpen, n > 0);
            fail(&breaker);
        }
        if closes {
            (0..3).for_each(|_| succeed(&breaker));
            assert_eq!(breaker.state(), CircuitState::Closed);
        } else {
            assert!(is_open(&breaker));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_grows_with_each_reopening_and_is_forgotten_after_a_while_closed() {
    let wait = Backoff::exponential(SECOND).max(5 * SECOND).jitter(Jitter::None);
    let breaker = Breaker::builder().consecutive_failures(1).open_wait(wait).probes(1);
    let breaker = breaker.forget_after(60 * SECOND).build().unwrap();
    for expected in [1, 2, 4, 5, 5] {
        fail(&breaker);
        let retry_after = breaker.try_acquire().unwrap_err().retry_after();
        assert_eq!(retry_after, Some(expected * SECOND));
        advance(expected * SECOND).await;
    }
    assert_eq!(breaker.snapshot().totals.reopenings, 4);
    succeed(&breaker);
    advance(60 * SECOND - Duration::from_nanos(1)).await;
    fail(&breaker);
    assert_eq!(breaker.snapshot().retry_after, Some(5 * SECOND));
    advance(5 * SECOND).await;
    succeed(&breaker);
    advance(60 * SECOND).await;
    fail(&breaker);
    assert_eq!(breaker.snapshot().retry_after, Some(SECOND));
    assert_eq!(breaker.snapshot().openings_in_a_row, 1);
}

#[tokio::test(start_paused = true)]
async fn jitter_is_drawn_from_the_injected_source_and_stays_below_the_longest_wait() {
    let open = |random| {
        let breaker = Breaker::builder().consecutive_failures(1).random(random).build().unwrap();
        fail(&breaker);
        breaker.snapshot().retry_after.unwrap()
    };
    assert_eq!(open(Random::lowest()), Duration::from_millis(50));
    assert!(open(Random::highest()) < Duration::from_millis(100));
    assert_eq!(open(Random::seeded(7)), open(Random::seeded(7)));
}

#[tokio::test(start_paused = true)]
async fn a_hint_makes_the_wait_longer_within_its_bound() {
    let hinted = |seconds| Class::Overloaded { retry_after: Some(seconds * SECOND) };
    for (hint, ignored, expected) in [(3, false, 3), (9, false, 5), (0, false, 1), (3, true, 1)] {
        let builder = Breaker::builder().consecutive_failures(1).open_wait(SECOND);
        let builder = builder.max_retry_after(5 * SECOND);
        let builder = if ignored { builder.without_retry_after() } else { builder };
        let breaker = builder.build().unwrap();
        breaker.try_acquire().unwrap().failure(hinted(hint));
        assert_eq!(breaker.snapshot().retry_after, Some(expected * SECOND), "{hint}");
    }
}
