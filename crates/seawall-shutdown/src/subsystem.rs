//! Subsystems: shutdowns inside a shutdown.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::{Context, Waker};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::drive::drive_once;
use crate::shutdown::Inner;
use crate::step::Builtin;
use crate::{Report, Shutdown, ShutdownReason, ShuttingDown};

/// What the end of a subsystem that failed means to its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The parent shuts down, too.
    EndParent,
    /// The parent goes on. The subsystem's report is in the parent's, in the end.
    Contain,
}

/// Those that are there, and what became of those that were.
#[derive(Debug, Default)]
pub(crate) struct Subsystems {
    live: Vec<Shutdown>,
    reports: Vec<Report>,
    unlisted: usize,
}

impl Subsystems {
    /// Says whether it was there.
    fn remove(&mut self, child: &Shutdown) -> bool {
        let before = self.live.len();
        self.live.retain(|other| !Arc::ptr_eq(&other.0, &child.0));
        self.live.len() < before
    }

    fn keep(&mut self, report: Report) {
        if self.reports.len() < Report::MAX_LISTED {
            self.reports.push(report);
        } else {
            self.unlisted += 1;
        }
    }

    pub(crate) fn reports(&self) -> (Vec<Report>, usize) {
        (self.reports.clone(), self.unlisted)
    }
}

impl Shutdown {
    /// Makes `child` a subsystem of this one, and runs it: as a tracked task with the child's
    /// name.
    ///
    /// A child that is triggered by itself shuts down alone, in its own phases. If it failed,
    /// which is to say that its reason was a failure or its end was not clean, `on_failure` says
    /// what becomes of the parent. When the parent stops its intake, the child is triggered, and
    /// has to be over when the parent's drain is: its grace period is cut to that, less a
    /// twentieth for the parent to collect the report. What is not over then is forced.
    ///
    /// # Errors
    ///
    /// [`ShuttingDown`] if the parent's drain is over. The child was not touched then.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn subsystem(&self, child: &Shutdown, on_failure: OnFailure) -> Result<(), ShuttingDown> {
        self.0.subsystems.lock().live.push(child.clone());
        let run = run_child(Arc::downgrade(&self.0), child.clone(), on_failure);
        let spawned = self.spawn(child.name().to_string(), run);
        if let Err(refused) = spawned {
            self.0.subsystems.lock().remove(child);
            return Err(refused);
        }
        Ok(())
    }
}

/// Runs a child until it is over, triggers it with its parent, and sees to what its end means.
fn run_child(
    parent: Weak<Inner>,
    child: Shutdown,
    on_failure: OnFailure,
) -> impl FnOnce(CancellationToken) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    move |intake| {
        Box::pin(async move {
            let report = {
                let mut run = pin!(child.run());
                let mut stop = pin!(intake.cancelled());
                let mut told = false;
                poll_fn(|cx| {
                    if !told && stop.as_mut().poll(cx).is_ready() {
                        told = true;
                        if let Some(parent) = parent.upgrade() {
                            trigger_from(&parent, &child);
                        }
                    }
                    run.as_mut().poll(cx)
                })
                .await
            };
            let Some(parent) = parent.upgrade() else {
                return;
            };
            let failed = on_failure == OnFailure::EndParent && has_failed(&report);
            let reason = failed.then(|| ShutdownReason::SubsystemFailed {
                subsystem: report.name.clone(),
                why: why(&report),
            });
            {
                let mut subsystems = parent.subsystems.lock();
                // Not there if the parent ran out of time: then it has the report already.
                if subsystems.remove(&child) {
                    subsystems.keep(report);
                }
            }
            if let Some(reason) = reason {
                parent.trigger(&reason);
            }
        })
    }
}

fn trigger_from(parent: &Inner, child: &Shutdown) {
    let now = Instant::now();
    let left = {
        let plan = parent.plan.lock();
        let drain = plan.find(Builtin::Tasks.step_name());
        let phase = drain.map(|step| plan.machine.steps[step].phase);
        phase.and_then(|phase| plan.machine.latest_end(phase, now))
    };
    if let Some(end) = left {
        let left = end.saturating_duration_since(now);
        let less = left.saturating_sub(left / 20);
        child.0.plan.lock().machine.shorten(now, less);
    }
    child.0.trigger(&from_parent(parent));
    // It may have been on its way already: then its driver has to look at its new deadline.
    child.0.wake_driver();
}

fn from_parent(parent: &Inner) -> ShutdownReason {
    ShutdownReason::Parent { parent: parent.name.to_string() }
}

/// The parent's time for its tasks is over: forces what is left, here and now.
pub(crate) fn end_subsystems(parent: &Inner) {
    let live = std::mem::take(&mut parent.subsystems.lock().live);
    for child in live {
        child.0.force(from_parent(parent));
        let mut cx = Context::from_waker(Waker::noop());
        if let Some(report) = drive_once(&child.0, &mut cx) {
            parent.subsystems.lock().keep(report);
        }
    }
}

fn has_failed(report: &Report) -> bool {
    report.reason.is_failure() || !report.is_clean()
}

fn why(report: &Report) -> String {
    if report.reason.is_failure() {
        report.reason.to_string()
    } else {
        "its shutdown was not clean".to_owned()
    }
}
