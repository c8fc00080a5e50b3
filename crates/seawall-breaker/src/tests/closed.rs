//! The closed state: what it measures, and which outcomes it has to see.

use std::time::Duration;

use seawall_core::{CircuitState, Evidence, Rule};

use super::rig::{FAILED, FINE, Rig, fragile, rig};
use crate::Breaker;
use crate::machine::{Effects, Outcome, Recording, Trigger};
use crate::time::NEVER;

#[test]
fn the_window_slides_while_the_circuit_is_closed() {
    let builder = fragile().consecutive_failures(2).time_window(Duration::from_nanos(100));
    let mut rig = rig(builder);
    rig.call(FAILED);
    assert_eq!(rig.machine.slides_at(), 10);
    rig.machine.slide(99);
    assert_eq!((rig.machine.counts().samples, rig.machine.slides_at()), (1, 100));
    rig.machine.slide(100);
    assert_eq!(rig.machine.counts().samples, 0);
    rig.at(100).call(FAILED);
    assert_eq!(rig.state(), CircuitState::Open);
    rig.machine.slide(100_000);
    assert_eq!(rig.machine.counts().samples, 1);
}

#[test]
fn the_predicate_is_asked_when_enough_is_in_the_window_and_answered_in_its_generation() {
    let builder = || {
        let builder = Breaker::builder().without_consecutive_failures().without_failure_rate();
        builder.min_calls(2).open_when(|window| window.failures > 1)
    };
    let mut rig = rig(builder());
    rig.call(FAILED);
    assert!(rig.machine.question(FAILED).is_none());
    rig.call(FINE);
    assert!(!rig.machine.question(FINE).unwrap().holds());
    rig.call(FAILED);
    let hinted = Outcome { hint: Some(150), ..FAILED };
    let question = rig.machine.question(hinted).unwrap();
    assert!(question.holds());
    let mut other = Rig { machine: rig.machine.clone(), now: 0, effects: Effects::new() };
    other.operate(Trigger::Reset);
    other.machine.predicate_held(&question, 0, &mut other.effects);
    assert_eq!(other.state(), CircuitState::Closed);
    rig.machine.predicate_held(&question, 0, &mut rig.effects);
    assert_eq!(rig.machine.open_until(), Some((150, 150)));
    assert_eq!(rig.machine.evidence(), Some(Evidence::new(Rule::Predicate, 1.0, 1.0, 3)));
    assert!(rig.machine.question(FAILED).is_none());
    let mut forced = super::rig::rig(builder());
    forced.operate(Trigger::ForceClosed);
    forced.call(FAILED).call(FAILED);
    assert!(forced.machine.question(FAILED).is_none());
}

#[test]
fn totals_count_each_outcome_once() {
    let slow = Outcome { slow: true, ..FINE };
    let mut rig = rig(Breaker::builder().slow_call_rate(1.0, Duration::from_nanos(1)));
    rig.call(FINE).call(FAILED).call(slow);
    rig.machine.add_successes(5);
    let totals = rig.machine.totals();
    assert_eq!((totals.successes, totals.failures, totals.slow), (7, 1, 1));
    let counts = rig.machine.counts();
    assert_eq!((counts.samples, counts.slow, counts.consecutive_failures), (8, 1, 0));
    // No success is no end of a run.
    rig.call(FAILED);
    rig.machine.add_successes(0);
    assert_eq!(rig.machine.counts().consecutive_failures, 1);
    for (successes, failures, run) in [(3, 2, 2), (0, 2, 4), (1, 0, 0)] {
        rig.machine.add_successes(successes);
        for _ in 0..failures {
            rig.call(FAILED);
        }
        assert_eq!(rig.machine.counts().consecutive_failures, run);
    }
    let totals = rig.machine.totals();
    assert_eq!((totals.successes, totals.failures, totals.slow), (11, 6, 1));
    let counts = rig.machine.counts();
    assert_eq!((counts.samples, counts.failures), (17, 6));
}

#[test]
fn what_a_success_can_change_depends_on_the_state_and_the_window() {
    let small = || Breaker::builder().count_window(4);
    let mut rig = rig(small());
    assert_eq!((rig.machine.recording(), rig.machine.slides_at()), (Recording::Batched, NEVER));
    rig.machine.add_successes(4);
    assert_eq!(rig.machine.recording(), Recording::Skip);
    rig.call(FAILED);
    assert_eq!(rig.machine.recording(), Recording::Batched);
    rig.operate(Trigger::ForceOpen);
    assert_eq!(rig.machine.recording(), Recording::UnderLock);
    let mut asked = super::rig::rig(small().open_when(|_| false));
    asked.machine.add_successes(4);
    assert_eq!(asked.machine.recording(), Recording::UnderLock);
    let mut tallied = super::rig::rig(small().tally());
    tallied.machine.add_successes(4);
    assert_eq!(tallied.machine.recording(), Recording::Batched);
    let mut bare = super::rig::rig(Breaker::builder().without_failure_rate());
    assert_eq!(bare.machine.recording(), Recording::Skip);
    bare.call(FAILED);
    assert_eq!(bare.machine.recording(), Recording::Batched);
    let timed = super::rig::rig(Breaker::builder().time_window(Duration::from_secs(1)));
    assert_eq!(timed.machine.recording(), Recording::Batched);
}

#[test]
fn a_success_that_may_open_the_circuit_is_recorded_under_the_lock() {
    let new = || Breaker::builder().without_consecutive_failures().count_window(20).min_calls(10);
    // With four failures in ten calls it stays closed; with five, a success can be the tenth call.
    let mut rated = rig(new());
    rated.call(FAILED).call(FAILED).call(FAILED).call(FAILED);
    assert_eq!(rated.machine.recording(), Recording::Batched);
    rated.call(FAILED);
    assert_eq!(rated.machine.recording(), Recording::UnderLock);
    let mut slow = rig(new().without_failure_rate().slow_call_rate(0.5, Duration::from_secs(1)));
    let late = Outcome { slow: true, ..FINE };
    slow.call(late).call(late).call(late).call(late);
    assert_eq!(slow.machine.recording(), Recording::Batched);
    slow.call(late);
    assert_eq!(slow.machine.recording(), Recording::UnderLock);
    // Under an operator's order no outcome opens it.
    slow.operate(Trigger::ForceClosed);
    for _ in 0..10 {
        slow.call(late);
        assert_eq!(slow.machine.recording(), Recording::Batched);
    }
}
