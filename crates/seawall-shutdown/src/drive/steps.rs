//! Starts a step, cancels it, and tells the machine when it has ended.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};

use pin_project::pin_project;
use seawall_core::contain;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::ending::{abort_tasks, leave_behind, leave_requests_behind};
use crate::machine::{Status, StepId, StepPlan};
use crate::plan::{Abort, Kind};
use crate::shutdown::Inner;
use crate::step::{Blocking, Body, Builtin, StepFuture};
use crate::{LeftBehind, LeftBehindKind, Outcome};

pub(super) fn start(inner: &Arc<Inner>, step: StepId) {
    let body = inner.plan.lock().take_body(step);
    match body {
        Some(Body::Async(make)) => {
            let end = StepEnd::new(inner, step);
            let future = StepTask { future: Box::pin(async move { make().await }), end };
            let abort = Abort::Task(tokio::spawn(future).abort_handle());
            inner.plan.lock().set_abort(step, abort);
        }
        Some(Body::Blocking(run)) => start_blocking(inner, step, run),
        Some(Body::Builtin(builtin)) => start_builtin(inner, step, builtin),
        None => {}
    }
}

fn start_blocking(inner: &Arc<Inner>, step: StepId, run: Blocking) {
    let mut end = StepEnd::new(inner, step);
    let handle = Handle::current();
    let name = inner.plan.lock().machine.steps[step].name.clone();
    let (over, wait) = mpsc::channel::<()>();
    inner.plan.lock().set_abort(step, Abort::Waiter(over.clone()));
    let spawned = std::thread::Builder::new().name(name).spawn(move || {
        let _inside = handle.enter();
        let outcome = match contain(run) {
            Ok(None) => Outcome::Done,
            Ok(Some(error)) => Outcome::Failed(error),
            Err(panic) => Outcome::Panicked(panic.message.into()),
        };
        end.settle(outcome);
        let _ = over.send(());
    });
    match spawned {
        // A clock that is paused, as in tests, jumps ahead when its runtime is idle; it does not
        // while something runs in the runtime's pool, so something there waits with us. Whether
        // the pool has room for it does not matter to the step.
        Ok(_) => drop(tokio::task::spawn_blocking(move || wait.recv())),
        Err(error) => {
            let outcome = Outcome::Failed(format!("no thread to run on: {error}"));
            end_step(inner, step, outcome);
        }
    }
}

fn start_builtin(inner: &Inner, step: StepId, builtin: Builtin) {
    match builtin {
        Builtin::ReadinessOff => inner.readiness.turn_off(),
        // Kept only if it was asked for, or if somebody can notice.
        Builtin::Delay if inner.delay_given || inner.readiness.was_asked() => return,
        Builtin::Delay => {}
        Builtin::StopIntake => inner.stop_intake(),
        Builtin::Requests | Builtin::Tasks => {
            inner.stop_intake();
            return;
        }
    }
    end_step(inner, step, Outcome::Done);
}

fn end_step(inner: &Inner, step: StepId, outcome: Outcome) {
    let now = Instant::now();
    inner.plan.lock().machine.end_step(step, outcome, now);
    inner.wake_driver();
}

pub(super) fn cancel(inner: &Inner, step: StepId) {
    let (kind, name, abort, on_time) = {
        let mut plan = inner.plan.lock();
        let abort = plan.take_abort(step);
        let StepStatus { name, on_time } = StepStatus::of(&plan.machine.steps[step]);
        (plan.kind(step), name, abort, on_time)
    };
    if let Some(abort) = abort {
        abort.abort();
    }
    let left = match kind {
        Kind::Async => LeftBehindKind::Step,
        Kind::Blocking => LeftBehindKind::BlockingStep,
        Kind::Builtin(Builtin::Requests) => return leave_requests_behind(inner),
        Kind::Builtin(Builtin::Tasks) => return abort_tasks(inner),
        Kind::Builtin(_) => return,
    };
    if !on_time {
        leave_behind(inner, [LeftBehind { name, kind: left }], 0);
    }
}

struct StepStatus {
    name: String,
    on_time: bool,
}

impl StepStatus {
    fn of(step: &StepPlan) -> Self {
        let on_time = matches!(&step.status, Status::Ended { outcome: Outcome::Done, .. });
        Self { name: step.name.clone(), on_time }
    }
}

/// Tells the machine that a step has ended, once, also when it is dropped.
struct StepEnd {
    inner: Arc<Inner>,
    step: StepId,
    settled: bool,
}

impl StepEnd {
    fn new(inner: &Arc<Inner>, step: StepId) -> Self {
        Self { inner: Arc::clone(inner), step, settled: false }
    }

    fn settle(&mut self, outcome: Outcome) {
        if !std::mem::replace(&mut self.settled, true) {
            end_step(&self.inner, self.step, outcome);
        }
    }
}

impl Drop for StepEnd {
    fn drop(&mut self) {
        self.settle(Outcome::Aborted);
    }
}

#[pin_project]
struct StepTask {
    future: StepFuture,
    end: StepEnd,
}

impl Future for StepTask {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let outcome = match contain(|| this.future.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(None)) => Outcome::Done,
            Ok(Poll::Ready(Some(error))) => Outcome::Failed(error),
            Err(panic) => Outcome::Panicked(panic.message.into()),
        };
        this.end.settle(outcome);
        Poll::Ready(())
    }
}
