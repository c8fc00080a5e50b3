//! Which callers had too little time, and for how long calls are timed.

use super::rig::{FAILED, FINE, Rig, rig};
use crate::Breaker;
use crate::machine::{Outcome, Ticket, Trigger};
use crate::time::{NEVER, Nanos};

const MILLISECOND: Nanos = 1_000_000;
const SECOND: Nanos = 1_000 * MILLISECOND;

impl Rig {
    /// A call that its caller's deadline cuts off after `waited`.
    fn excuses(&mut self, waited: Nanos) -> bool {
        let ticket = self.admit().unwrap();
        self.machine.excuses(ticket, waited, self.now)
    }

    fn answer(&mut self, took: Nanos) -> &mut Self {
        self.call(Outcome { took: Some(took), ..FINE })
    }
}

#[test]
fn before_the_first_answer_a_second_is_enough() {
    let mut rig = rig(Breaker::builder());
    assert!(rig.excuses(SECOND - 1) && !rig.excuses(SECOND));
    assert_eq!(rig.machine.mean_time(), None);
}

#[test]
fn the_mean_and_the_deviation_are_enough() {
    let mut rig = rig(Breaker::builder());
    assert!(rig.excuses(1));
    rig.answer(800).answer(1_600);
    assert!(rig.excuses(1_099) && !rig.excuses(1_100));
    assert_eq!(rig.machine.mean_time().unwrap().as_nanos(), 900);
}

#[test]
fn after_a_second_without_an_answer_nobody_is_excused() {
    let mut rig = rig(Breaker::builder());
    assert!(rig.at(7).excuses(1));
    assert!(rig.at(SECOND + 6).excuses(1) && !rig.at(SECOND + 7).excuses(1));
    rig.call(FINE);
    assert!(rig.at(SECOND + 8).excuses(1) && !rig.at(2 * SECOND + 8).excuses(1));
    // A failure is no answer. Another state begins with a silence of its own.
    rig.call(FAILED);
    assert!(!rig.excuses(1));
    rig.operate(Trigger::Reset);
    assert!(rig.excuses(1));
}

#[test]
fn calls_are_timed_until_ten_seconds_after_the_last_deadline() {
    let mut rig = rig(Breaker::builder());
    assert!(!rig.machine.times_calls());
    assert_eq!(rig.machine.learns_at(), NEVER);
    assert!(rig.excuses(1));
    assert!(rig.at(5 * SECOND).excuses(1) || rig.machine.times_calls());
    rig.at(15 * SECOND - 1).answer(500);
    assert!(rig.machine.times_calls());
    rig.at(15 * SECOND).answer(500);
    assert!(!rig.machine.times_calls());
    assert_eq!((rig.machine.learns_at(), rig.machine.mean_time()), (NEVER, None));
}

#[test]
fn one_success_of_a_millisecond_is_learned_from() {
    let mut rig = rig(Breaker::builder());
    assert!(rig.excuses(1));
    assert_eq!(rig.machine.learns_at(), 0, "the next success is wanted");
    rig.at(3 * MILLISECOND).answer(500);
    assert_eq!(rig.machine.learns_at(), 4 * MILLISECOND);
}

#[test]
fn what_is_stale_or_unmeasured_is_not_excused() {
    let mut rig = rig(Breaker::builder());
    let before = rig.admit().unwrap();
    rig.operate(Trigger::Reset);
    assert!(!rig.machine.excuses(before, 1, 0));
    let generation = rig.machine.generation();
    let unmeasured = Ticket { generation, probe: Ticket::UNMEASURED };
    assert!(!rig.machine.excuses(unmeasured, 1, 0) && !rig.machine.times_calls());
}

#[test]
fn a_tally_times_calls_at_all_times() {
    let mut rig = rig(Breaker::builder().tally());
    rig.answer(500).at(NEVER - 1).answer(500);
    assert!(rig.machine.times_calls());
    assert_eq!(rig.machine.mean_time().unwrap().as_nanos(), 500);
}

#[test]
fn successes_in_a_row_begin_after_a_failure() {
    let mut rig = rig(Breaker::builder());
    rig.call(FINE).call(FINE);
    assert_eq!(rig.machine.successes_in_a_row(), 2);
    rig.call(FAILED);
    assert_eq!(rig.machine.successes_in_a_row(), 0);
    rig.call(FINE);
    rig.machine.add_successes(30);
    assert_eq!(rig.machine.successes_in_a_row(), 31);
}
