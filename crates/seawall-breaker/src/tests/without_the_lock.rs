//! Steps that are documented to take no lock take none: they run while another thread holds it.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use seawall_core::{Class, Reason, Rule};

use crate::time::{NEVER, Nanos};
use crate::{Breaker, BreakerBuilder, Settlement};

const LONG: Duration = Duration::from_hours(1);

/// Acts on the breaker while its lock is held.
fn takes_no_lock(breaker: &Breaker, act: fn(&Breaker)) {
    let (done, is_done) = channel();
    breaker.0.peek(|_| {
        let breaker = breaker.clone();
        thread::spawn(move || {
            act(&breaker);
            done.send(()).unwrap();
        });
        is_done.recv_timeout(Duration::from_secs(20)).expect("it waits for the lock, or panicked");
    });
}

fn succeed(breaker: &Breaker) {
    assert_eq!(breaker.try_acquire().unwrap().success(), Settlement::Counted);
}

fn fail(breaker: &Breaker) {
    assert_eq!(breaker.try_acquire().unwrap().failure(Class::Transient), Settlement::Counted);
}

/// At least a nanosecond, which is all that these tests wait for.
fn let_time_pass() {
    let began = Instant::now();
    while Instant::now() == began {
        std::hint::spin_loop();
    }
}

fn configurations() -> [BreakerBuilder; 4] {
    [
        Breaker::builder(),
        Breaker::builder().time_window(LONG),
        Breaker::builder().slow_call_rate(0.5, LONG),
        Breaker::builder().tally(),
    ]
}

#[test]
fn outcomes_of_a_closed_circuit() {
    for builder in configurations() {
        let breaker = builder.build().unwrap();
        // With the tally on, the first call makes the stripes; taking the lock opens them.
        succeed(&breaker);
        assert_eq!(breaker.snapshot().window.samples, 1);
        takes_no_lock(&breaker, |breaker| {
            succeed(breaker);
            succeed(breaker);
            breaker.try_acquire().unwrap().ignore();
        });
        let window = breaker.snapshot().window;
        assert_eq!((window.samples, window.failures), (3, 0));
    }
}

/// A success that the machine would like to learn from counts without it while the lock is held.
#[test]
fn successes_that_are_timed() {
    let breaker = Breaker::builder().tally().build().unwrap();
    succeed(&breaker);
    let learned = Instant::now();
    assert_eq!(breaker.snapshot().window.samples, 1);
    while learned.elapsed() < Duration::from_millis(1) {
        std::hint::spin_loop();
    }
    takes_no_lock(&breaker, |breaker| (0..9).for_each(|_| succeed(breaker)));
    assert_eq!(breaker.snapshot().window.samples, 10);
}

#[test]
fn successes_of_a_window_that_is_full_of_them() {
    let breaker = Breaker::builder().count_window(100).build().unwrap();
    (0..100).for_each(|_| succeed(&breaker));
    assert_eq!(breaker.snapshot().window.samples, 100);
    takes_no_lock(&breaker, |breaker| (0..1_000).for_each(|_| succeed(breaker)));
}

#[test]
fn successes_of_threads_that_have_met() {
    let breaker = Breaker::builder().build().unwrap();
    breaker.0.spread();
    // New stripes are closed until the lock is taken.
    succeed(&breaker);
    takes_no_lock(&breaker, |breaker| (0..100).for_each(|_| succeed(breaker)));
    assert_eq!(breaker.snapshot().window.samples, 101);
}

/// A builder, and how a circuit opens by its rule.
type Opening = (BreakerBuilder, Rule, fn(&Breaker));

fn openings() -> [Opening; 5] {
    let by_rate = || Breaker::builder().without_consecutive_failures().min_calls(2);
    [
        (Breaker::builder().consecutive_failures(1), Rule::ConsecutiveFailures, fail),
        (by_rate(), Rule::FailureRate, |breaker| {
            succeed(breaker);
            fail(breaker);
        }),
        (by_rate().slow_call_rate(0.25, Duration::from_nanos(1)), Rule::SlowRate, |breaker| {
            for _ in 0..2 {
                let permit = breaker.try_acquire().unwrap();
                let_time_pass();
                permit.success();
            }
        }),
        (by_rate().open_when(|counts| counts.samples == 3), Rule::Predicate, |breaker| {
            (0..3).for_each(|_| succeed(breaker));
        }),
        (Breaker::builder().consecutive_failures(1), Rule::ProbeFailures, |breaker| {
            breaker.reconfigure(builder_that_waits_for(1)).unwrap();
            fail(breaker);
            breaker.reconfigure(builder_that_waits_for(NEVER)).unwrap();
            let_time_pass();
            fail(breaker);
        }),
    ]
}

fn builder_that_waits_for(wait: Nanos) -> BreakerBuilder {
    Breaker::builder().consecutive_failures(1).open_wait(Duration::from_nanos(wait))
}

#[test]
fn refusals_that_show_the_evidence_of_any_rule() {
    for (builder, rule, open) in openings() {
        let breaker = builder.open_wait(LONG).build().unwrap();
        open(&breaker);
        let evidence = breaker.snapshot().evidence.unwrap();
        assert_eq!(evidence.rule, rule);
        takes_no_lock(&breaker, |breaker| drop(breaker.try_acquire().unwrap_err()));
        assert_eq!(breaker.try_acquire().unwrap_err().evidence(), Some(evidence));
    }
}

#[test]
fn refusals() {
    let breaker = Breaker::builder().consecutive_failures(1).open_wait(LONG).build().unwrap();
    fail(&breaker);
    takes_no_lock(&breaker, |breaker| {
        let rejection = breaker.try_acquire().unwrap_err();
        assert_eq!((rejection.reason(), rejection.evidence().is_some()), (Reason::Open, true));
        assert!(rejection.retry_after() <= Some(LONG) && rejection.since() <= Some(LONG));
    });
    breaker.force_open();
    takes_no_lock(&breaker, |breaker| {
        assert_eq!(breaker.try_acquire().unwrap_err().reason(), Reason::ForcedOpen);
    });
    assert_eq!(breaker.snapshot().totals.refused, 2);
}
