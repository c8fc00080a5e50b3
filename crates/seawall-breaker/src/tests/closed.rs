//! The closed state: what it measures, and which outcomes it has to see.

use std::time::Duration;

use seawall_core::{CircuitState, Evidence, Rule};

use super::rig::{FAILED, FINE, Rig, fragile, rig};
use crate::Breaker;
use crate::machine::{Ease, Happened, Outcome, Trigger};
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
    let mut other = Rig { machine: rig.machine.clone(), now: 0, happened: Happened::new() };
    other.operate(Trigger::Reset);
    other.machine.predicate_held(&question, 0, &mut other.happened);
    assert_eq!(other.state(), CircuitState::Closed);
    rig.machine.predicate_held(&question, 0, &mut rig.happened);
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
        (0..failures).for_each(|_| rig.machine.add_failure());
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
    assert!(![Ease::Locked, Ease::Skipped].contains(&rig.machine.ease()));
    assert_eq!((rig.machine.pending_limit(), rig.machine.slides_at()), (4, NEVER));
    rig.machine.add_successes(4);
    assert_eq!(rig.machine.ease(), Ease::Skipped);
    rig.call(FAILED);
    assert_ne!(rig.machine.ease(), Ease::Skipped);
    rig.operate(Trigger::ForceOpen);
    assert_eq!(rig.machine.ease(), Ease::Locked);
    let mut asked = super::rig::rig(small().open_when(|_| false));
    asked.machine.add_successes(4);
    assert_eq!(asked.machine.ease(), Ease::Locked);
    let mut bare = super::rig::rig(Breaker::builder().without_failure_rate());
    assert_eq!(bare.machine.ease(), Ease::Skipped);
    let many = u64::from(u32::MAX / 2);
    assert_eq!(bare.machine.pending_limit(), many);
    bare.call(FAILED);
    assert_ne!(bare.machine.ease(), Ease::Skipped);
    // A single success ends the run, and is to be heard of at once.
    assert_eq!(bare.machine.pending_limit(), 1);
    let timed = super::rig::rig(Breaker::builder().time_window(Duration::from_secs(1)));
    assert_eq!(timed.machine.pending_limit(), many);
    // A success can be what the threshold waits for.
    let mut edge = super::rig::rig(small().without_consecutive_failures().min_calls(4));
    edge.call(FAILED).call(FAILED).call(FAILED);
    assert_eq!(edge.machine.ease(), Ease::Locked);
}

#[test]
fn the_failures_to_spare_open_nothing_and_one_more_may() {
    let new = || Breaker::builder().without_consecutive_failures().count_window(20).min_calls(10);
    let second = Duration::from_secs(1);
    // Half of ten is five; two of them are there.
    let mut rated = rig(new());
    assert_eq!(rated.machine.ease(), Ease::Counted { failures: 4 });
    rated.call(FAILED).call(FAILED);
    assert_eq!(rated.machine.ease(), Ease::Counted { failures: 2 });
    // A third of ten is three and a third: the fourth is too many.
    assert_eq!(rig(new().failure_rate(1.0 / 3.0)).machine.ease(), Ease::Counted { failures: 3 });
    assert_eq!(rig(new().failure_rate(0.01)).machine.ease(), Ease::Counted { failures: 0 });
    let mut in_a_row =
        rig(new().without_failure_rate().consecutive_failures(3).slow_call_rate(0.5, second));
    assert_eq!(in_a_row.machine.ease(), Ease::Counted { failures: 2 });
    in_a_row.call(FAILED);
    assert_eq!(in_a_row.machine.ease(), Ease::Counted { failures: 1 });
    // Four of ten slow leave it; with five, a fast success can be the tenth call.
    let slow = Outcome { slow: true, ..FINE };
    in_a_row.call(slow).call(slow).call(slow).call(slow);
    assert_eq!(in_a_row.machine.ease(), Ease::Counted { failures: 2 });
    in_a_row.call(slow);
    assert_eq!(in_a_row.machine.ease(), Ease::Locked);
    // Whatever is measured under an operator's order opens nothing.
    in_a_row.operate(Trigger::ForceClosed);
    assert_eq!(in_a_row.machine.ease(), Ease::Counted { failures: u32::MAX });
}
