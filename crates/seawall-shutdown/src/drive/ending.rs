//! What is left behind, and the report.

use std::time::Duration;

use tokio::time::Instant;

use crate::machine::{PhasePlan, Status, StepPlan};
use crate::plan::Plan;
use crate::shutdown::Shared;
use crate::step::Builtin;
use crate::subsystem::end_subsystems;
use crate::{LeftBehind, LeftBehindKind, Outcome, PhaseReport, Report, ShutdownReason, StepReport};

pub(super) fn abort_tasks(shared: &Shared) {
    shared.tokens.abort.cancel();
    end_subsystems(shared);
    let (remaining, total) = shared.tasks.abort_all(Report::MAX_LISTED);
    let left_behind = &mut shared.account.lock().left_behind;
    left_behind.unlisted += total - remaining.len();
    for task in remaining {
        let kind = if task.blocking { LeftBehindKind::BlockingTask } else { LeftBehindKind::Task };
        left_behind.push(LeftBehind { name: task.name.into_owned(), kind });
    }
}

pub(super) fn leave_requests_behind(shared: &Shared) {
    let (name, count) = (Builtin::Requests.step_name(), shared.requests.count());
    shared.account.lock().leave_requests_behind(name, count);
}

/// The end: does what the phases did not get to, and makes the report.
pub(super) fn finish(shared: &Shared) -> Report {
    shared.readiness.turn_off();
    shared.stop_intake();
    // No phase that drains was finished, or there is none.
    abort_tasks(shared);
    leave_requests_behind(shared);
    shared.driver.set_alarm(None);
    let report = shared.report.get_or_init(|| compose(shared)).clone();
    shared.driver.wake_supervisor();
    report
}

fn compose(shared: &Shared) -> Report {
    let plan = shared.plan.lock();
    let now = Instant::now();
    let phases = plan.machine.phases.iter();
    let account = shared.account.lock();
    let subsystems = shared.subsystems.lock().reports();
    Report {
        name: shared.reporter.name().to_string(),
        reason: shared.trigger.reason().unwrap_or_else(|| ShutdownReason::requested("unknown")),
        forced: shared.forced.reason(),
        total: plan.machine.elapsed(now),
        phases: phases.filter_map(|phase| report_phase(&plan, phase, now)).collect(),
        left_behind: account.left_behind.listed.clone(),
        left_behind_unlisted: account.left_behind.unlisted,
        tasks: shared.tasks.counts(),
        failed_tasks: account.failed_tasks.listed.clone(),
        failed_tasks_unlisted: account.failed_tasks.unlisted,
        panicked_hooks: account.panicked_hooks,
        subsystems: subsystems.listed,
        subsystems_unlisted: subsystems.unlisted,
    }
}

/// `None` for a phase that was not entered and has no step that was skipped for it.
fn report_phase(plan: &Plan, phase: &PhasePlan, now: Instant) -> Option<PhaseReport> {
    if phase.began.is_none() && phase.steps.is_empty() {
        return None;
    }
    let ended = phase.ended.unwrap_or(now);
    let elapsed = phase.began.map(|began| ended.saturating_duration_since(began));
    let steps = phase.steps.iter().map(|&step| report_step(&plan.machine.steps[step]));
    Some(PhaseReport {
        name: phase.name.clone(),
        entered: phase.began.is_some(),
        elapsed: elapsed.unwrap_or_default(),
        steps: steps.collect(),
    })
}

pub(super) fn report_step(step: &StepPlan) -> StepReport {
    let (outcome, elapsed) = match &step.status {
        Status::Ended { outcome, elapsed } => (outcome.clone(), *elapsed),
        // Not reached: a machine that is over has ended its steps.
        Status::Waiting | Status::Running { .. } => (Outcome::Skipped, Duration::ZERO),
    };
    StepReport { name: step.name.clone(), outcome, elapsed }
}
