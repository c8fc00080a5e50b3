//! Probes: their slots, their leases, their verdict, each at its edge.

use crate::Breaker;
use crate::machine::half_open::HalfOpen;
use crate::machine::{LeaseTerm, Probing, Ticket};
use crate::machine::{Settings, Trigger};
use crate::time::NEVER;

const fn probing(probes: u32, needed: u32) -> Probing {
    Probing { probes, needed, term: LeaseTerm::Fixed(10) }
}

const DOUBLING: LeaseTerm = LeaseTerm::Doubling { shortest: 10, longest: 50 };

/// How long the next probe may take.
fn lease(half_open: &mut HalfOpen) -> u64 {
    let probe = half_open.admit(probing(1_000, 1), 1_000).unwrap();
    let end = half_open.first_end().unwrap();
    assert!(half_open.release(probe));
    end - 1_000
}

#[test]
fn as_many_probes_go_through_as_there_are_and_no_more() {
    for probes in [1, 2, 7] {
        let mut half_open = HalfOpen::new(LeaseTerm::Fixed(10), 0);
        for n in 0..probes {
            assert_eq!(half_open.in_flight(), n);
            assert!(half_open.admit(probing(probes, probes), 0).is_some());
        }
        assert_eq!(half_open.admit(probing(probes, probes), 0), None);
        // With one more allowed there is room for one more.
        assert!(half_open.admit(probing(probes + 1, probes), 0).is_some());
        assert_eq!(half_open.in_flight(), probes + 1);
    }
}

#[test]
fn an_outcome_takes_its_place_for_good_and_a_slot_given_back_is_free() {
    let mut half_open = HalfOpen::new(LeaseTerm::Fixed(10), 0);
    let three = probing(3, 3);
    let probe = half_open.admit(three, 0).unwrap();
    assert!(half_open.release(probe));
    assert!(!half_open.release(probe));
    half_open.record(false);
    half_open.record(true);
    assert!(half_open.admit(three, 0).is_some());
    assert_eq!(half_open.admit(three, 0), None);
    assert_eq!((half_open.succeeded, half_open.failed), (1, 1));
}

#[test]
fn a_lease_ends_at_its_end_and_not_before() {
    let mut half_open = HalfOpen::new(LeaseTerm::Fixed(10), 0);
    assert_eq!(half_open.first_end(), None);
    half_open.admit(probing(3, 3), 5);
    half_open.admit(probing(3, 3), 3);
    assert_eq!(half_open.first_end(), Some(13));
    assert_eq!(half_open.expire(12), 0);
    assert_eq!(half_open.expire(13), 1);
    assert_eq!((half_open.in_flight(), half_open.first_end()), (1, Some(15)));
    assert_eq!(half_open.expire(16), 1);
    assert_eq!(half_open.expire(NEVER), 0);
}

#[test]
fn a_learned_lease_is_the_wait_but_no_shorter_than_the_shortest() {
    for (wait, expected) in [(0, 10), (9, 10), (10, 10), (11, 11), (60, 60)] {
        assert_eq!(lease(&mut HalfOpen::new(DOUBLING, wait)), expected);
        assert_eq!(lease(&mut HalfOpen::new(LeaseTerm::Fixed(7), wait)), 7);
    }
}

#[test]
fn a_learned_lease_doubles_when_one_ended_in_vain_up_to_the_longest() {
    let mut half_open = HalfOpen::new(DOUBLING, 10);
    for expected in [10, 20, 40, 50, 50] {
        assert_eq!(lease(&mut half_open), expected);
        // Nothing ended: nothing is learned.
        assert_eq!(half_open.expire(0), 0);
        assert_eq!(lease(&mut half_open), expected);
        half_open.admit(probing(9, 1), 0);
        half_open.admit(probing(9, 1), 0);
        assert_eq!(half_open.expire(expected), 2);
    }
    let mut longer = HalfOpen::new(DOUBLING, 60);
    longer.admit(probing(9, 1), 0);
    assert_eq!(longer.expire(60), 1);
    assert_eq!(lease(&mut longer), 60);
    let mut fixed = HalfOpen::new(LeaseTerm::Fixed(7), 0);
    fixed.admit(probing(9, 1), 0);
    assert_eq!(fixed.expire(7), 1);
    assert_eq!(lease(&mut fixed), 7);
}

fn settings(probes: u32, needed: u32) -> Settings {
    let builder = Breaker::builder().probes(probes).probe_successes(needed);
    builder.settings().unwrap()
}

#[test]
fn the_verdict_is_there_as_soon_as_it_is_certain() {
    for probes in 1..=6 {
        for needed in 1..=probes {
            for succeeded in 0..=needed {
                for failed in 0..=(probes - succeeded) {
                    let mut half_open = HalfOpen::new(DOUBLING, 0);
                    (0..succeeded).for_each(|_| half_open.record(false));
                    (0..failed).for_each(|_| half_open.record(true));
                    let expected = if succeeded == needed {
                        Some(Trigger::ProbesPassed)
                    } else if probes - failed < needed {
                        Some(Trigger::ProbesFailed)
                    } else {
                        None
                    };
                    let settings = settings(probes, needed);
                    let verdict = half_open.verdict(&settings);
                    assert_eq!(verdict.map(|verdict| verdict.trigger), expected);
                }
            }
        }
    }
    assert_eq!(probing(5, 3).too_many(), 3);
    assert_eq!(probing(5, 5).too_many(), 1);
}

#[test]
fn no_probe_is_called_as_a_call_that_is_none() {
    assert_eq!([u32::MAX - 2, u32::MAX - 1].map(HalfOpen::after), [u32::MAX - 1, 1]);
    assert_eq!(HalfOpen::after(1), 2);
    assert_eq!(Ticket::UNMEASURED, u32::MAX);
}
