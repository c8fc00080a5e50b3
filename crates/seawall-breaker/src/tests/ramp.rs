//! The ramp: shares, checks, stages.

use std::time::Duration;

use seawall_core::{Check, PolicyKind};

use crate::Ramp as Builder;
use crate::machine::ramp::Ramp;
use crate::machine::{RampPlan, Trigger, Verdict};

fn plan(ramp: &Builder) -> RampPlan {
    ramp.plan(Check::of(PolicyKind::Breaker)).unwrap()
}

fn three() -> RampPlan {
    plan(&Builder::new([0.1, 0.5, 1.0], Duration::from_nanos(100)).min_calls(4))
}

fn failed(verdict: Verdict) -> bool {
    verdict.trigger == Trigger::StageFailed
}

fn admitted(ramp: &mut Ramp, plan: &RampPlan, calls: usize) -> usize {
    (0..calls).filter(|_| ramp.admit(Some(plan))).count()
}

#[test]
fn a_stage_admits_its_share_evenly_beginning_with_the_first_call() {
    let plan = three();
    let mut ramp = Ramp::new(Some(&plan), 0);
    assert!(ramp.admit(Some(&plan)));
    assert_eq!(admitted(&mut ramp, &plan, 9), 0);
    assert!((9..=10).contains(&admitted(&mut ramp, &plan, 100)));
    assert_eq!(ramp.advance(Some(&plan), 100), None);
    assert_eq!(admitted(&mut ramp, &plan, 100), 50);
    assert_eq!(ramp.advance(Some(&plan), 200), None);
    assert!(admitted(&mut ramp, &plan, 100) >= 99);
}

#[test]
fn stages_end_with_time_one_after_the_other() {
    let plan = three();
    let mut ramp = Ramp::new(Some(&plan), 1_000);
    let stages: Vec<_> = [1_000, 1_099, 1_100, 1_199, 1_200, 1_299]
        .map(|now| {
            assert_eq!(ramp.advance(Some(&plan), now), None);
            ramp.stage()
        })
        .into();
    assert_eq!(stages, [0, 0, 1, 1, 2, 2]);
    assert_eq!(ramp.advance(Some(&plan), 1_300), Some(Trigger::RampOver.into()));
    assert_eq!(
        Ramp::new(Some(&plan), 0).advance(Some(&plan), u64::MAX),
        Some(Trigger::RampOver.into())
    );
}

#[test]
fn enough_failures_end_a_stage_at_once() {
    let plan = three();
    let mut ramp = Ramp::new(Some(&plan), 0);
    for failed in [true, true, false] {
        assert_eq!(ramp.record(failed, Some(&plan)), None);
    }
    let verdict = ramp.record(false, Some(&plan)).expect("two of four is half");
    let evidence = verdict.evidence.unwrap();
    assert_eq!(verdict.trigger, Trigger::StageFailed);
    assert_eq!((evidence.observed, evidence.limit, evidence.samples), (0.5, 0.5, 4));
    let mut ramp = Ramp::new(Some(&plan), 0);
    for failed in [true, false, false, false] {
        assert_eq!(ramp.record(failed, Some(&plan)), None);
    }
}

#[test]
fn a_stage_with_few_outcomes_is_checked_at_its_end_and_the_next_begins_at_zero() {
    let plan = three();
    let mut ramp = Ramp::new(Some(&plan), 0);
    assert_eq!(ramp.record(true, Some(&plan)), None);
    assert_eq!(ramp.advance(Some(&plan), 99), None);
    assert!(ramp.advance(Some(&plan), 100).is_some_and(failed));
    let mut ramp = Ramp::new(Some(&plan), 0);
    for failed in [true, false, false] {
        assert_eq!(ramp.record(failed, Some(&plan)), None);
    }
    assert_eq!(ramp.advance(Some(&plan), 100), None);
    for failed in [true, false, false] {
        assert_eq!(ramp.record(failed, Some(&plan)), None);
    }
}

#[test]
fn a_wrong_ramp_is_refused_by_the_name_of_its_field() {
    let each = Duration::from_millis(1);
    let wrong = [
        (Builder::new([], each), "ramp"),
        (Builder::new(std::iter::repeat(0.5), each), "ramp"),
        (Builder::new([0.0], each), "ramp.share"),
        (Builder::new([1.1], each), "ramp.share"),
        (Builder::new([f64::NAN], each), "ramp.share"),
        (Builder::new([0.5], Duration::ZERO), "ramp.length"),
        (Builder::new([0.5], each).failure_rate(0.0), "ramp.failure_rate"),
        (Builder::new([0.5], each).min_calls(0), "ramp.min_calls"),
    ];
    for (ramp, field) in wrong {
        let error = ramp.plan(Check::of(PolicyKind::Breaker)).unwrap_err();
        assert_eq!(error.field, field);
    }
    assert_eq!(plan(&Builder::new([0.5; 64], each)).stages.len(), 64);
}

#[test]
fn any_share_is_admitted_to_the_call() {
    for parts in 1..=40_u32 {
        let share = f64::from(parts) / 40.0;
        let plan = plan(&Builder::new([share], Duration::MAX));
        let mut ramp = Ramp::new(Some(&plan), 0);
        let through = admitted(&mut ramp, &plan, 4_000);
        assert!(through.abs_diff(parts as usize * 100) <= 1, "{through} of 4,000 at {share}");
    }
}

#[test]
fn a_stage_fails_at_its_threshold_and_not_one_failure_below() {
    let plan = plan(&Builder::new([1.0], Duration::MAX).failure_rate(0.3).min_calls(10));
    for (failures, fails) in [(2, false), (3, true), (4, true)] {
        let mut ramp = Ramp::new(Some(&plan), 0);
        let last = (0..10).map(|n| ramp.record(n < failures, Some(&plan))).last().unwrap();
        assert_eq!(last.is_some_and(failed), fails, "{failures}");
    }
}
