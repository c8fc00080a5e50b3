//! Subsystems: shutdowns inside a shutdown.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::{Context, Waker};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::account::Listed;
use crate::drive::drive_once;
use crate::shutdown::Shared;
use crate::step::Builtin;
use crate::{Report, Shutdown, ShutdownReason, ShuttingDown};

/// What a parent does when a subsystem has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The parent shuts down, too.
    EndParent,
    /// The parent goes on. The subsystem's report becomes part of the parent's.
    Contain,
}

/// The subsystems that are not over, and the reports of those that are.
#[derive(Debug, Default)]
pub(crate) struct Subsystems {
    live: Vec<Shutdown>,
    reports: Listed<Report>,
}

impl Subsystems {
    /// Says whether it was there.
    fn remove(&mut self, child: &Shutdown) -> bool {
        let before = self.live.len();
        self.live.retain(|other| !Arc::ptr_eq(&other.0, &child.0));
        self.live.len() < before
    }

    /// Keeps a report. Where the list is full, one that is not clean takes the place of a clean one,
    /// so that the parent's end is not taken for clean.
    fn keep(&mut self, report: Report) {
        let Listed { listed, unlisted } = &mut self.reports;
        if listed.len() == Report::MAX_LISTED
            && !report.is_clean()
            && let Some(clean) = listed.iter().position(Report::is_clean)
        {
            listed.remove(clean);
            *unlisted += 1;
        }
        self.reports.push(report);
    }

    pub(crate) fn reports(&self) -> Listed<Report> {
        self.reports.clone()
    }
}

impl Shutdown {
    /// Makes `child` a subsystem of this one, and runs it: as a tracked task with the child's
    /// name.
    ///
    /// A child that is triggered by itself shuts down alone, in its own phases. If it failed,
    /// because its reason was a failure or its end was not clean, `on_failure` decides whether
    /// the parent shuts down. When the parent stops its intake, it triggers the child, which has
    /// to be over when the parent's drain is: its grace period is cut to that, less a twentieth
    /// for the parent to collect the report. A child that is not over then is forced.
    ///
    /// # Errors
    ///
    /// [`ShuttingDown`] if the parent's drain is over. Then nothing has happened to the child.
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

/// Runs a child until it is over, triggers it with its parent, and applies `on_failure`.
fn run_child(
    parent: Weak<Shared>,
    child: Shutdown,
    on_failure: OnFailure,
) -> impl FnOnce(CancellationToken) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    move |intake| {
        Box::pin(async move {
            let report = {
                let mut run = pin!(child.run());
                let mut stop = pin!(intake.cancelled());
                let mut triggered = false;
                poll_fn(|cx| {
                    if !triggered && stop.as_mut().poll(cx).is_ready() {
                        triggered = true;
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

fn trigger_from(parent: &Shared, child: &Shutdown) {
    let child = &*child.0;
    child.trigger(&from_parent(parent));
    let now = Instant::now();
    let end = {
        let plan = parent.plan.lock();
        let drain = plan.builtin(Builtin::Tasks).map(|step| plan.machine.steps[step].phase);
        drain.and_then(|phase| plan.machine.latest_end(phase, now))
    };
    if let Some(end) = end {
        let left = end.saturating_duration_since(now);
        let mut plan = child.plan.lock();
        child.begin(&mut plan, now);
        plan.machine.shorten(now, left.saturating_sub(left / 20));
    }
    // It may have begun before: then its driver has to look at its new deadline.
    child.driver.wake();
}

fn from_parent(parent: &Shared) -> ShutdownReason {
    ShutdownReason::Parent { parent: parent.reporter.name().to_string() }
}

/// The parent's time for its tasks is over: forces the subsystems that are left, here and now.
pub(crate) fn end_subsystems(parent: &Shared) {
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
