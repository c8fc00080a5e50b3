//! What closes the circuit again or reopens it: the probes' verdict, and the checks of a ramp.

use seawall_core::{Evidence, Rule};

use super::half_open::Verdict;
use super::ramp::{Progress, Ramp};
use super::{Happened, Machine, Phase, Trigger};
use crate::time::Nanos;

impl Machine {
    pub(super) fn heed_verdict(
        &mut self,
        hint: Option<Nanos>,
        now: Nanos,
        happened: &mut Happened,
    ) {
        let Phase::HalfOpen(half_open) = &self.phase else {
            return;
        };
        let probing = self.settings.probing;
        let (succeeded, failed) = (half_open.succeeded(), half_open.failed());
        let samples = succeeded + failed;
        match half_open.verdict(probing) {
            Verdict::Undecided => {}
            Verdict::Passed => {
                let evidence = Evidence::new(
                    Rule::ProbeSuccesses,
                    succeeded.into(),
                    probing.needed.into(),
                    samples,
                );
                self.recover(evidence, now, happened);
            }
            Verdict::Failed => {
                let evidence = Evidence::new(
                    Rule::ProbeFailures,
                    failed.into(),
                    probing.too_many().into(),
                    samples,
                );
                self.open(Trigger::ProbesFailed, evidence, hint, now, happened);
            }
        }
    }

    /// The probes were well.
    fn recover(&mut self, evidence: Evidence, now: Nanos, happened: &mut Happened) {
        match &self.settings.ramp {
            Some(plan) => {
                let phase = Phase::Ramping(Ramp::new(plan, now).into());
                self.step(Trigger::ProbesPassedRamp, phase, Some(evidence), now, happened);
            }
            None => self.close(Trigger::ProbesPassed, Some(evidence), now, happened),
        }
    }

    /// Moves a ramp on to the stage of `now`.
    pub(super) fn advance_ramp(&mut self, now: Nanos, happened: &mut Happened) {
        let Phase::Ramping(ramp) = &mut self.phase else {
            return;
        };
        let progress = match &self.settings.ramp {
            Some(plan) => ramp.advance(plan, now),
            None => Progress::Over,
        };
        self.heed_progress(progress, None, now, happened);
    }

    pub(super) fn heed_progress(
        &mut self,
        progress: Progress,
        hint: Option<Nanos>,
        now: Nanos,
        happened: &mut Happened,
    ) {
        match progress {
            Progress::Under => {}
            Progress::Over => self.close(Trigger::RampOver, None, now, happened),
            Progress::Failed(evidence) => {
                self.open(Trigger::StageFailed, evidence, hint, now, happened);
            }
        }
    }
}
