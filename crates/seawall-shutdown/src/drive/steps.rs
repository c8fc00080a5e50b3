//! Starts a step, cancels it, and reports its end to the machine.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::contain;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::ending::{abort_tasks, leave_requests_behind};
use crate::machine::{Status, StepId};
use crate::plan::{Abort, Kind};
use crate::shutdown::Shared;
use crate::step::{Blocking, Body, Builtin, StepFuture};
use crate::{LeftBehind, LeftBehindKind, Outcome};

pub(super) fn start(shared: &Arc<Shared>, step: StepId) {
    let body = shared.plan.lock().take_body(step);
    match body {
        Some(Body::Async(make)) => {
            let end = StepEnd::new(shared, step);
            let future = StepTask { future: Box::pin(async move { make().await }), end };
            keep_abort(shared, step, Abort::Task(tokio::spawn(future).abort_handle()));
        }
        Some(Body::Blocking(run)) => start_blocking(shared, step, run),
        Some(Body::Builtin(builtin)) => start_builtin(shared, step, builtin),
        None => {}
    }
}

fn keep_abort(shared: &Shared, step: StepId, abort: Abort) {
    let late = shared.plan.lock().set_abort(step, abort);
    if let Some(abort) = late {
        abort.abort();
    }
}

fn start_blocking(shared: &Arc<Shared>, step: StepId, run: Blocking) {
    let mut end = StepEnd::new(shared, step);
    let handle = Handle::current();
    // A thread's name can hold no NUL.
    let name = shared.plan.lock().machine.steps[step].name.replace('\0', "");
    let (over, wait) = mpsc::channel::<()>();
    keep_abort(shared, step, Abort::Waiter(over.clone()));
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
        // A paused clock, as in tests, jumps ahead when its runtime is idle, and a runtime whose
        // blocking pool runs something is not idle. So a task there waits for the thread. The step
        // does not depend on whether the pool has room for it.
        Ok(_) => drop(tokio::task::spawn_blocking(move || wait.recv())),
        Err(error) => {
            let outcome = Outcome::Failed(format!("no thread to run on: {error}"));
            end_step(shared, step, outcome);
        }
    }
}

fn start_builtin(shared: &Shared, step: StepId, builtin: Builtin) {
    match builtin {
        Builtin::ReadinessOff => shared.readiness.turn_off(),
        Builtin::Delay => {
            let (reason, asked) = (shared.trigger.reason(), shared.readiness.was_asked());
            if shared.drain_delay.after(reason.as_ref(), asked) > Duration::ZERO {
                return;
            }
        }
        Builtin::StopIntake => shared.stop_intake(),
        Builtin::Requests | Builtin::Tasks => {
            shared.stop_intake();
            return;
        }
    }
    end_step(shared, step, Outcome::Done);
}

fn end_step(shared: &Shared, step: StepId, outcome: Outcome) {
    let now = Instant::now();
    shared.plan.lock().machine.end_step(step, outcome, now);
    shared.driver.wake();
}

pub(super) fn cancel(shared: &Shared, step: StepId) {
    let (kind, name, abort, in_time) = {
        let mut plan = shared.plan.lock();
        let abort = plan.take_abort(step);
        let ended = &plan.machine.steps[step];
        let in_time = matches!(ended.status, Status::Ended { outcome: Outcome::Done, .. });
        (plan.kind(step), ended.name.clone(), abort, in_time)
    };
    if let Some(abort) = abort {
        abort.abort();
    }
    let kind = match kind {
        Kind::Async => LeftBehindKind::Step,
        Kind::Blocking => LeftBehindKind::BlockingStep,
        Kind::Builtin(Builtin::Requests) => return leave_requests_behind(shared),
        Kind::Builtin(Builtin::Tasks) => return abort_tasks(shared),
        Kind::Builtin(_) => return,
    };
    if !in_time {
        shared.account.lock().left_behind.push(LeftBehind { name, kind });
    }
}

/// Reports the end of a step to the machine, once, also when it is dropped.
struct StepEnd {
    shared: Arc<Shared>,
    step: StepId,
    settled: bool,
}

impl StepEnd {
    fn new(shared: &Arc<Shared>, step: StepId) -> Self {
        Self { shared: Arc::clone(shared), step, settled: false }
    }

    fn settle(&mut self, outcome: Outcome) {
        if !std::mem::replace(&mut self.settled, true) {
            end_step(&self.shared, self.step, outcome);
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
