//! From open to closed again: the wait, the leases, the verdict and the ramp at their edges.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{CircuitState, EventKind, Evidence, Reason, Rule};

use super::rig::{FAILED, FINE, fragile, rig};
use crate::machine::{Outcome, Settled, Ticket, Waits};
use crate::time::NEVER;
use crate::{Breaker, Ramp};

#[test]
fn the_wait_is_over_at_its_end_and_counts_from_the_transition() {
    let mut rig = rig(fragile());
    rig.at(40).call(FAILED);
    assert_eq!(rig.last_transition().retry_after, Some(Duration::from_nanos(100)));
    assert_eq!(rig.machine.open_until(), Some((140, 100)));
    assert_eq!(rig.machine.since(), 40);
    for now in [41, 139] {
        let refusal = rig.at(now).admit().unwrap_err();
        assert_eq!(refusal.reason, Reason::Open);
        assert_eq!((refusal.terms.since, refusal.terms.until), (40, 140));
        assert_eq!(refusal.terms.evidence.get(), rig.machine.evidence());
    }
    let probe = rig.at(140).admit().unwrap();
    assert_eq!(probe.probe, 1);
    assert_eq!((rig.machine.probes_in_flight(), rig.machine.open_until()), (1, None));
    let refusal = rig.admit().unwrap_err();
    // The probe has a lease of 10.
    assert_eq!((refusal.reason, refusal.terms.until), (Reason::ProbesInFlight, 150));
}

#[test]
fn a_lease_is_over_at_its_end_and_each_is_counted() {
    let mut rig = rig(fragile().probes(2));
    rig.call(FAILED).at(100);
    assert_eq!(rig.machine.first_lease_end(), None);
    let lost = [rig.admit().unwrap(), rig.at(103).admit().unwrap()];
    assert_eq!(rig.machine.first_lease_end(), Some(110));
    assert!(rig.at(109).admit().is_err());
    assert_eq!(rig.machine.totals().expired, 0);
    let probe = rig.at(113).admit().unwrap();
    assert_eq!(rig.machine.totals().expired, 2);
    let expired = rig.effects.iter().filter(|what| matches!(what, EventKind::LeaseExpired));
    assert_eq!(expired.count(), 2);
    for ticket in lost {
        assert_eq!(rig.settle(ticket, FAILED), Settled::Stale);
    }
    assert_eq!((rig.machine.totals().stale, rig.state()), (2, CircuitState::HalfOpen));
    assert_eq!(rig.settle(probe, FINE), Settled::Counted);
    rig.call(FINE);
    assert_eq!((rig.state(), rig.machine.first_lease_end()), (CircuitState::Closed, None));
}

#[test]
fn the_verdict_says_how_many_there_were_and_how_many_it_takes() {
    let mut rig = rig(fragile().probes(5).probe_successes(3));
    rig.call(FAILED).at(100);
    for outcome in [FAILED, FINE, FAILED, FINE, FINE] {
        rig.call(outcome);
    }
    let well = Evidence::new(Rule::ProbeSuccesses, 3.0, 3.0, 5);
    assert_eq!(rig.last_transition().evidence, Some(well));
    rig.call(FAILED).at(350);
    for outcome in [FINE, FAILED, FAILED, FINE, FAILED] {
        rig.call(outcome);
    }
    let sick = Evidence::new(Rule::ProbeFailures, 3.0, 3.0, 5);
    assert_eq!(rig.last_transition().evidence, Some(sick));
    assert_eq!(rig.machine.evidence(), Some(sick));
}

#[test]
fn a_late_success_counts_and_a_late_failure_does_not() {
    let millisecond = 1_000_000;
    for (outcome, settled, state) in [
        (FINE, Settled::Counted, CircuitState::Closed),
        (FAILED, Settled::Stale, CircuitState::HalfOpen),
    ] {
        let mut rig = rig(Breaker::builder().consecutive_failures(1).probes(1));
        rig.call(FAILED).at(100);
        let late = rig.admit().unwrap();
        rig.at(100 + 10 * millisecond).admit().unwrap();
        assert_eq!(rig.settle(late, outcome), settled);
        assert_eq!(rig.state(), state);
    }
    // With a lease of the user's it is too late.
    let mut fixed = rig(fragile());
    fixed.call(FAILED).at(100);
    let late = fixed.admit().unwrap();
    assert_eq!(fixed.at(110).settle(late, FINE), Settled::Stale);
    // A call of another generation is no probe of this one.
    let mut rig = rig(Breaker::builder().consecutive_failures(1).probes(1));
    let early = rig.admit().unwrap();
    rig.call(FAILED).at(100).admit().unwrap();
    assert_eq!(rig.settle(Ticket { probe: 1, ..early }, FINE), Settled::Stale);
    assert_eq!((rig.state(), rig.machine.probes_in_flight()), (CircuitState::HalfOpen, 1));
}

#[test]
fn openings_in_a_row_are_forgotten_after_a_while_closed_and_not_before() {
    for (closed_for, in_a_row, wait) in [(49, 2, 250), (50, 1, 100), (51, 1, 100)] {
        let mut rig = rig(fragile().forget_after(Duration::from_nanos(50)));
        rig.call(FAILED).at(100);
        rig.call(FINE).at(100 + closed_for);
        assert_eq!(rig.machine.openings(), 1);
        rig.call(FAILED);
        assert_eq!(rig.machine.openings(), in_a_row);
        assert_eq!(rig.machine.open_until(), Some((rig.now + wait, wait)));
        assert_eq!(rig.machine.totals().openings, 2);
        assert_eq!(rig.machine.totals().reopenings, u64::from(in_a_row) - 1);
    }
    // A failed probe reopens, however long the circuit was half-open.
    let mut rig = rig(fragile().forget_after(Duration::from_nanos(50)));
    rig.call(FAILED).at(100).admit().unwrap();
    rig.at(100_000).call(FAILED);
    assert_eq!((rig.machine.openings(), rig.machine.open_until()), (2, Some((100_250, 250))));
    let settings = Arc::clone(rig.machine.settings());
    rig.machine.set_waits(Waits { first: 1, next: 2 }, &settings);
    rig.at(100_250).call(FAILED);
    assert_eq!(rig.machine.open_until(), Some((100_252, 2)));
}

#[test]
fn a_hint_counts_from_the_wait_up_to_the_longest() {
    let waits = [(None, 100), (Some(99), 100), (Some(100), 100), (Some(101), 101)];
    let cut = [(Some(299), 299), (Some(300), 300), (Some(301), 300), (Some(NEVER), 300)];
    for (hint, wait) in waits.into_iter().chain(cut) {
        let mut rig = rig(fragile().max_retry_after(Duration::from_nanos(300)));
        rig.call(Outcome { hint, ..FAILED });
        assert_eq!(rig.machine.open_until(), Some((wait, wait)), "{hint:?}");
        rig.at(wait).call(Outcome { hint: Some(290), ..FAILED });
        assert_eq!(rig.machine.open_until(), Some((wait + 290, 290)));
    }
}

#[test]
fn a_ramp_counts_its_stages_from_one_and_is_checked_with_each_outcome() {
    let ramp = Ramp::new([1.0, 1.0], Duration::from_nanos(10)).min_calls(2);
    let mut rig = rig(fragile().ramp(ramp));
    rig.call(FAILED).at(100).call(FINE);
    assert_eq!(rig.state(), CircuitState::Ramping);
    for (now, stage) in [(100, 1), (109, 1), (110, 2), (119, 2)] {
        let _ = rig.at(now).admit();
        assert_eq!(rig.machine.ramp_stage(), Some(stage), "{now}");
    }
    let last = rig.admit().unwrap();
    // Time is up when the outcome comes: the ramp is over, and the outcome one of before.
    assert_eq!(rig.at(120).settle(last, FAILED), Settled::Stale);
    assert_eq!((rig.state(), rig.machine.ramp_stage()), (CircuitState::Closed, None));
    rig.call(FAILED).at(400);
    rig.call(FINE).call(FAILED).call(FAILED);
    assert_eq!(rig.state(), CircuitState::Open);
    assert_eq!(rig.machine.totals().openings, 3);
}
