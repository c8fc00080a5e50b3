//! The machine at its edges: one below, at, one above.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{CircuitState, Evidence, Reason, Rule, Transition, What};

use crate::machine::{
    Admission, Ease, Happened, Machine, Outcome, Outcomes, Refusal, Restored, Settled, Ticket,
    Trigger, Waits,
};
use crate::time::{NEVER, Nanos};
use crate::{Breaker, BreakerBuilder, Ramp};

const WAITS: Waits = Waits { first: 100, next: 250 };

/// A machine, a clock, and what happened.
struct Rig {
    machine: Machine,
    now: Nanos,
    happened: Happened,
}

fn rig(builder: BreakerBuilder) -> Rig {
    let (_, settings) = builder.parts("edges".into()).unwrap();
    let machine = Machine::new(Arc::new(settings), WAITS, 0);
    Rig { machine, now: 0, happened: Happened::new() }
}

/// Opens at the first failure, one probe, leases of 10.
fn fragile() -> BreakerBuilder {
    let lease = Duration::from_nanos(10);
    Breaker::builder().consecutive_failures(1).probes(1).lease(lease)
}

const FINE: Outcome = Outcome { failed: false, slow: false, hint: None };
const FAILED: Outcome = Outcome { failed: true, slow: false, hint: None };

impl Rig {
    fn at(&mut self, now: Nanos) -> &mut Self {
        self.now = now;
        self
    }

    fn admit(&mut self) -> Result<Ticket, Refusal> {
        match self.machine.admit(self.now, &mut self.happened) {
            Admission::Admitted(ticket) => Ok(ticket),
            Admission::Refused(refusal) | Admission::Shadowed(_, refusal) => Err(refusal),
        }
    }

    fn settle(&mut self, ticket: Ticket, outcome: Outcome) -> Settled {
        self.machine.settle(ticket, outcome, self.now, &mut self.happened)
    }

    fn call(&mut self, outcome: Outcome) -> &mut Self {
        let ticket = self.admit().unwrap();
        assert_eq!(self.settle(ticket, outcome), Settled::Counted);
        self
    }

    fn operate(&mut self, trigger: Trigger) -> bool {
        self.machine.operate(trigger, self.now, &mut self.happened)
    }

    fn reconfigure(&mut self, builder: BreakerBuilder) {
        let (_, settings) = builder.parts("edges".into()).unwrap();
        let waits = Waits { first: 7, next: 9 };
        self.machine.reconfigure(Arc::new(settings), waits, self.now, &mut self.happened);
    }

    fn state(&self) -> CircuitState {
        self.machine.state()
    }

    fn last_transition(&self) -> Transition {
        let transitions = self.happened.iter().rev();
        let mut transitions = transitions.filter_map(|what| match what {
            What::Transition(transition) | What::Shadowed(transition) => Some(transition.clone()),
            _ => None,
        });
        transitions.next().unwrap()
    }
}

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
        assert_eq!((refusal.refusing.since, refusal.refusing.until), (40, 140));
        assert_eq!(refusal.refusing.evidence, rig.machine.evidence());
    }
    let probe = rig.at(140).admit().unwrap();
    assert_eq!((probe.probe, probe.began), (1, 140));
    assert_eq!((rig.machine.probes_in_flight(), rig.machine.open_until()), (1, None));
    let refusal = rig.admit().unwrap_err();
    assert_eq!((refusal.reason, refusal.refusing.until), (Reason::ProbesInFlight, NEVER));
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
    let told = rig.happened.iter().filter(|what| matches!(what, What::LeaseExpired));
    assert_eq!(told.count(), 2);
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
fn a_late_success_lengthens_a_lease_and_a_late_failure_does_not() {
    for (outcome, end) in [(FINE, 20), (FAILED, 2)] {
        let mut rig = rig(Breaker::builder().consecutive_failures(1).probes(1));
        rig.call(FAILED).at(100);
        let millisecond = 1_000_000;
        let late = rig.admit().unwrap();
        let probe = rig.at(100 + 10 * millisecond).admit().unwrap();
        assert_eq!(rig.settle(late, outcome), Settled::Stale);
        assert!(rig.machine.give_back(probe, rig.now, &mut rig.happened));
        rig.admit().unwrap();
        assert_eq!(rig.machine.first_lease_end(), Some(rig.now + end * millisecond));
    }
    // Of another generation, it says nothing of this one's leases.
    let mut rig = rig(Breaker::builder().consecutive_failures(1).probes(1));
    let early = rig.admit().unwrap();
    rig.call(FAILED).at(100);
    let probe = rig.admit().unwrap();
    rig.now = 500_000;
    assert_eq!(rig.settle(Ticket { probe: 1, ..early }, FINE), Settled::Stale);
    assert!(rig.machine.give_back(probe, rig.now, &mut rig.happened));
    rig.admit().unwrap();
    assert_eq!(rig.machine.first_lease_end(), Some(1_500_000));
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
    rig.machine.hand_waits(Waits { first: 1, next: 2 });
    rig.at(100_250).call(FAILED);
    assert_eq!(rig.machine.open_until(), Some((100_252, 2)));
}

#[test]
fn a_hint_counts_from_the_wait_up_to_the_longest() {
    let waits = [(None, 100), (Some(99), 100), (Some(100), 100), (Some(101), 101)];
    let cut = [(Some(299), 299), (Some(300), 300), (Some(301), 300), (Some(NEVER), 300)];
    for (hint, wait) in waits.into_iter().chain(cut) {
        let mut rig = rig(fragile().heed_hints_up_to(Duration::from_nanos(300)));
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
    let builder = || fragile().no_consecutive_failures().count_window(10).min_calls(10);
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
    assert_eq!((refusal.reason, refusal.refusing.evidence), (Reason::ForcedOpen, None));
    assert_eq!((refusal.refusing.since, refusal.refusing.until), (0, NEVER));
    assert!(rig.operate(Trigger::ForceClosed));
    rig.call(FAILED).call(FAILED);
    assert!(rig.machine.admits_all());
    assert!(rig.operate(Trigger::Watch));
    assert!(rig.machine.admits_all());
    rig.call(FAILED);
    assert!(!rig.machine.admits_all());
    let refusal = rig.admit().unwrap_err();
    assert_eq!((refusal.reason, refusal.refusing.evidence), (Reason::Open, rig.machine.evidence()));
    assert!(rig.operate(Trigger::Release));
    assert_eq!((rig.machine.openings(), rig.machine.since()), (0, 5));
}

#[test]
fn in_shadow_what_would_have_been_refused_is_not_measured() {
    let mut rig = rig(fragile());
    rig.operate(Trigger::Watch);
    rig.call(FAILED);
    let Admission::Shadowed(ticket, _) = rig.machine.admit(0, &mut rig.happened) else {
        panic!("the circuit would be open");
    };
    assert_eq!(rig.settle(ticket, FAILED), Settled::Unmeasured);
    assert_eq!((rig.machine.totals().unmeasured, rig.machine.totals().failures), (1, 1));
}

#[test]
fn the_predicate_is_asked_when_enough_is_in_the_window_and_answered_in_its_generation() {
    let builder = || {
        let builder = Breaker::builder().no_consecutive_failures().no_failure_rate();
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
    let mut forced = self::rig(builder());
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
    rig.machine.add_late_successes(7);
    let totals = rig.machine.totals();
    assert_eq!((totals.successes, totals.failures, totals.slow), (14, 1, 1));
    let counts = rig.machine.counts();
    assert_eq!((counts.samples, counts.slow, counts.consecutive_failures), (8, 1, 0));
    // No success is no end of a run.
    rig.call(FAILED);
    rig.machine.add_successes(0);
    assert_eq!(rig.machine.counts().consecutive_failures, 1);
    for (count, failed, run) in [(5, 0b0_0110, 0), (3, 0b110, 2), (2, 0b11, 4), (1, 0, 0)] {
        rig.machine.add_outcomes(Outcomes { count, failed });
        assert_eq!(rig.machine.counts().consecutive_failures, run);
    }
    let totals = rig.machine.totals();
    assert_eq!((totals.successes, totals.failures, totals.slow), (19, 8, 1));
    let counts = rig.machine.counts();
    assert_eq!((counts.samples, counts.failures), (20, 8));
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
    let mut asked = self::rig(small().open_when(|_| false));
    asked.machine.add_successes(4);
    assert_eq!(asked.machine.ease(), Ease::Locked);
    let mut bare = self::rig(Breaker::builder().no_failure_rate());
    assert_eq!(bare.machine.ease(), Ease::Skipped);
    let many = u64::from(u32::MAX / 2);
    assert_eq!(bare.machine.pending_limit(), many);
    bare.call(FAILED);
    assert_ne!(bare.machine.ease(), Ease::Skipped);
    // A single success ends the run, and is to be heard of at once.
    assert_eq!(bare.machine.pending_limit(), 1);
    let timed = self::rig(Breaker::builder().time_window(Duration::from_secs(1)));
    assert_eq!(timed.machine.pending_limit(), many);
    // A success can be what the threshold waits for.
    let mut edge = self::rig(small().no_consecutive_failures().min_calls(4));
    edge.call(FAILED).call(FAILED).call(FAILED);
    assert_eq!(edge.machine.ease(), Ease::Locked);
}

#[test]
fn the_failures_to_spare_open_nothing_and_one_more_may() {
    let new = || Breaker::builder().no_consecutive_failures().count_window(20).min_calls(10);
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
        rig(new().no_failure_rate().consecutive_failures(3).slow_call_rate(0.5, second));
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

#[test]
fn a_restored_machine_is_where_the_other_was() {
    let restore = |state, wait, left| {
        let (_, settings) = Breaker::builder().parts("edges".into()).unwrap();
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
        machine.admit(30, &mut Happened::new());
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
