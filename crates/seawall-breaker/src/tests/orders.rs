//! What comes from outside: an operator's orders, another configuration, an exported state.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{CircuitState, Evidence, Reason, Rule};

use super::rig::{FAILED, FINE, WAITS, fragile, rig};
use crate::machine::{Admission, Effects, Machine, Restored, Settled, Trigger};
use crate::time::NEVER;
use crate::{Breaker, Ramp};

#[test]
fn a_ramp_that_is_configured_away_is_over() {
    for settles in [false, true] {
        let mut rig = rig(fragile().ramp(Ramp::new([1.0], Duration::MAX)));
        rig.call(FAILED).at(100).call(FINE);
        let call = rig.admit().unwrap();
        rig.reconfigure(fragile());
        assert_eq!(rig.state(), CircuitState::Ramping);
        if settles {
            assert_eq!(rig.settle(call, FINE), Settled::Stale);
        } else {
            rig.admit().unwrap();
        }
        assert_eq!(rig.state(), CircuitState::Closed);
    }
}

#[test]
fn reconfiguring_swaps_rules_waits_and_window_and_hears_the_probes_anew() {
    let builder = || fragile().without_consecutive_failures().count_window(10).min_calls(10);
    let mut rig = rig(builder());
    rig.call(FAILED).call(FAILED).call(FAILED).call(FAILED);
    rig.reconfigure(builder().count_window(5).min_calls(5).probes(3));
    assert_eq!(rig.machine.counts().samples, 4);
    assert_eq!(rig.state(), CircuitState::Closed);
    rig.call(FINE);
    assert_eq!(rig.machine.open_until(), Some((7, 7)));
    rig.at(7).call(FINE).call(FINE);
    assert_eq!(rig.state(), CircuitState::HalfOpen);
    rig.reconfigure(builder().probes(2));
    assert_eq!(rig.state(), CircuitState::Closed);
    // A slide that is due is made before the window is changed.
    let timed = |slices| fragile().time_window(Duration::from_nanos(100)).slices(slices);
    rig.reconfigure(timed(10).consecutive_failures(9));
    rig.call(FAILED).at(200);
    rig.reconfigure(timed(20));
    assert_eq!(rig.machine.counts().samples, 0);
}

#[test]
fn an_order_says_whether_calls_go_through_and_for_which_reason_not() {
    let mut rig = rig(fragile());
    assert!(rig.machine.admits_all());
    assert!(!rig.operate(Trigger::Release));
    rig.call(FAILED);
    assert!(!rig.machine.admits_all());
    assert!(rig.operate(Trigger::ForceOpen));
    assert!(!rig.operate(Trigger::ForceOpen));
    assert!(!rig.machine.admits_all());
    let refusal = rig.at(5).admit().unwrap_err();
    assert_eq!((refusal.reason, refusal.terms.evidence.get()), (Reason::ForcedOpen, None));
    assert_eq!((refusal.terms.since, refusal.terms.until), (0, NEVER));
    assert!(rig.operate(Trigger::ForceClosed));
    rig.call(FAILED).call(FAILED);
    assert!(rig.machine.admits_all());
    assert!(rig.operate(Trigger::Shadow));
    assert!(rig.machine.admits_all());
    rig.call(FAILED);
    assert!(!rig.machine.admits_all());
    let refusal = rig.admit().unwrap_err();
    assert_eq!(
        (refusal.reason, refusal.terms.evidence.get()),
        (Reason::Open, rig.machine.evidence())
    );
    assert!(rig.operate(Trigger::Release));
    assert_eq!((rig.machine.openings(), rig.machine.since()), (0, 5));
}

#[test]
fn in_shadow_what_would_have_been_refused_is_not_measured() {
    let mut rig = rig(fragile());
    rig.operate(Trigger::Shadow);
    rig.call(FAILED);
    let Admission::Shadowed(ticket, _) = rig.machine.admit(0, &mut rig.effects) else {
        panic!("the circuit would be open");
    };
    assert_eq!(rig.settle(ticket, FAILED), Settled::Unmeasured);
    assert_eq!((rig.machine.totals().unmeasured, rig.machine.totals().failures), (1, 1));
}

#[test]
fn a_restored_machine_is_where_the_other_was() {
    let restore = |state, wait, left| {
        let settings = Breaker::builder().settings().unwrap();
        let evidence = Some(Evidence::new(Rule::Predicate, 1.0, 1.0, 3));
        let age = Duration::from_nanos(30);
        let restored = Restored { state, generation: 9, age, wait, left, openings: 4, evidence };
        let machine = Machine::restore(Arc::new(settings), WAITS, &restored, 30);
        assert_eq!((machine.generation(), machine.openings()), (9, 4));
        assert_eq!((machine.evidence(), machine.since()), (evidence, 0));
        machine
    };
    let open = restore(CircuitState::Open, Some(80), Some(50));
    assert_eq!((open.state(), open.open_until()), (CircuitState::Open, Some((80, 80))));
    let forever = restore(CircuitState::Open, None, Some(NEVER));
    assert_eq!(forever.open_until(), Some((NEVER, NEVER)));
    for (wait, lease) in [(Some(5_000_000), 5_000_000), (None, 1_000_000)] {
        let mut machine = restore(CircuitState::Open, wait, Some(0));
        assert_eq!(machine.state(), CircuitState::HalfOpen);
        machine.admit(30, &mut Effects::new());
        assert_eq!(machine.first_lease_end(), Some(30 + lease));
    }
    for state in [
        CircuitState::Closed,
        CircuitState::ForcedOpen,
        CircuitState::ForcedClosed,
        CircuitState::Shadow,
    ] {
        assert_eq!(restore(state, None, None).state(), state);
    }
}
