//! What is left behind, and the report.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use crate::machine::{Status, StepPlan};
use crate::shutdown::Inner;
use crate::step::Builtin;
use crate::subsystem::end_subsystems;
use crate::{LeftBehind, LeftBehindKind, Outcome, PhaseReport, Report, ShutdownReason, StepReport};

pub(super) fn abort_tasks(inner: &Inner) {
    inner.abort.cancel();
    end_subsystems(inner);
    let (remaining, total) = inner.tasks.abort_all(Report::MAX_LISTED);
    let unlisted = total - remaining.len();
    let left = remaining.into_iter().map(|task| LeftBehind {
        name: task.name.into_owned(),
        kind: if task.blocking { LeftBehindKind::BlockingTask } else { LeftBehindKind::Task },
    });
    leave_behind(inner, left, unlisted);
}

pub(super) fn leave_requests_behind(inner: &Inner) {
    let count = inner.requests.count();
    let is_requests = |left: &LeftBehind| matches!(left.kind, LeftBehindKind::Requests(_));
    if count > 0 && !inner.left_behind.lock().0.iter().any(is_requests) {
        let left = LeftBehind {
            name: Builtin::Requests.step_name().to_owned(),
            kind: LeftBehindKind::Requests(count),
        };
        leave_behind(inner, [left], 0);
    }
}

pub(super) fn leave_behind(
    inner: &Inner,
    left: impl IntoIterator<Item = LeftBehind>,
    unlisted: usize,
) {
    let mut behind = inner.left_behind.lock();
    behind.1 += unlisted;
    for left in left {
        if behind.0.len() < Report::MAX_LISTED {
            behind.0.push(left);
        } else {
            behind.1 += 1;
        }
    }
}

/// The end: whatever the phases did not get to is done now, and the report is made.
pub(super) fn finish(inner: &Inner) -> Report {
    inner.readiness.turn_off();
    inner.stop_intake();
    // No phase that drains came to its end, or there is none.
    abort_tasks(inner);
    leave_requests_behind(inner);
    if let Some(watch) = inner.watch() {
        watch.wake_at(None);
    }
    let report = inner.report.get_or_init(|| compose(inner)).clone();
    inner.wake_supervisor();
    report
}

fn compose(inner: &Inner) -> Report {
    let plan = inner.plan.lock();
    let machine = &plan.machine;
    let now = Instant::now();
    let phases = machine.phases.iter().enumerate();
    let phases = phases.filter_map(|(id, phase)| {
        let began = phase.began?;
        let ended = phase.ended.unwrap_or(now);
        let steps = machine.steps.iter().filter(|step| step.phase == id);
        Some(PhaseReport {
            name: phase.name.clone(),
            elapsed: ended.saturating_duration_since(began),
            steps: steps.map(report_step).collect(),
        })
    });
    let (left_behind, left_behind_unlisted) = inner.left_behind.lock().clone();
    let (subsystems, subsystems_unlisted) = inner.subsystems.lock().reports();
    let unknown = || ShutdownReason::requested("unknown");
    Report {
        name: inner.name.to_string(),
        reason: inner.trigger.reason().unwrap_or_else(unknown),
        forced: inner.forced.reason(),
        total: machine.elapsed(now),
        phases: phases.collect(),
        left_behind,
        left_behind_unlisted,
        tasks: inner.tasks.counts(),
        failed_tasks: inner.failed_tasks.lock().clone(),
        panicked_hooks: inner.panicked_hooks.load(Ordering::Relaxed),
        subsystems,
        subsystems_unlisted,
    }
}

fn report_step(step: &StepPlan) -> StepReport {
    let (outcome, elapsed) = match &step.status {
        Status::Ended { outcome, elapsed } => (outcome.clone(), *elapsed),
        // Not reached: a machine that is over has ended its steps.
        Status::Waiting | Status::Running { .. } => (Outcome::Skipped, Duration::ZERO),
    };
    StepReport { name: step.name.clone(), outcome, elapsed }
}
