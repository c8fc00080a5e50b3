//! Runs the plan: asks the machine, does what it says, waits for what comes next.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use seawall_core::{Event, EventKind, Name, PolicyKind};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::machine::{Action, Status, StepId};
use crate::plan::Kind;
use crate::shutdown::Inner;
use crate::step::Builtin;
use crate::watch::{Handlers, Watch};
use crate::{Outcome, Report, Shutdown};

mod ending;
mod steps;

/// How much later than tokio's timers the watching thread wakes the driver: it is there for the
/// case that no thread of the runtime is free to turn them.
const ALARM_LAG: std::time::Duration = std::time::Duration::from_millis(20);

impl Shutdown {
    /// Waits until the shutdown begins, runs its phases, and reports. Ends at the latest when the
    /// grace period is over, counted from the trigger, or at once when it is forced.
    ///
    /// Any number of callers may run it: one drives, all get the report. Cancel safe: steps that
    /// were started go on, and the next caller goes on from there.
    ///
    /// Steps are spawned on the runtime that this is polled on. To be woken while every worker
    /// thread is busy it has to be polled by a thread of its own: by `block_on`, as the body of
    /// `#[tokio::main]` is, not in a spawned task.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime that has its timers enabled.
    pub async fn run(&self) -> Report {
        let inner = &self.0;
        inner.attended.store(true, Ordering::SeqCst);
        let _seat = inner.seat.lock().await;
        if let Some(report) = inner.report.get() {
            return report.clone();
        }
        let mut timer = None;
        poll_fn(|cx| poll_drive(inner, &mut timer, cx)).await
    }
}

type Timer = Option<Pin<Box<Sleep>>>;

fn poll_drive(inner: &Arc<Inner>, timer: &mut Timer, cx: &mut Context<'_>) -> Poll<Report> {
    // Registered first: whoever changes something after we looked finds the waker.
    inner.set_driver(cx.waker());
    if !inner.trigger.has_fired() {
        return Poll::Pending;
    }
    loop {
        let (actions, over) = decide(inner, Instant::now(), cx);
        for &action in &actions {
            execute(inner, action);
        }
        if over {
            return Poll::Ready(ending::finish(inner));
        }
        if !actions.is_empty() {
            continue;
        }
        let Some(wake_at) = inner.plan.lock().machine.wake_at() else {
            return Poll::Pending;
        };
        arm(inner, wake_at);
        let sleep = timer.get_or_insert_with(|| Box::pin(sleep_until(wake_at)));
        if sleep.deadline() != wake_at {
            sleep.as_mut().reset(wake_at);
        }
        ready!(sleep.as_mut().poll(cx));
    }
}

/// Does what is due now, in the driver's place. Gives the report if that was the end.
pub(crate) fn drive_once(inner: &Arc<Inner>, cx: &mut Context<'_>) -> Option<Report> {
    loop {
        let (actions, over) = decide(inner, Instant::now(), cx);
        for &action in &actions {
            execute(inner, action);
        }
        if over {
            return Some(ending::finish(inner));
        }
        if actions.is_empty() {
            return None;
        }
    }
}

/// Asks the machine what to do, and tells it what has drained.
fn decide(inner: &Inner, now: Instant, cx: &mut Context<'_>) -> (Vec<Action>, bool) {
    let drained = drained(inner, cx);
    let mut actions = Vec::new();
    let mut plan = inner.plan.lock();
    let machine = &mut plan.machine;
    machine.begin(now);
    for step in drained {
        machine.end_step(step, Outcome::Done, now);
    }
    if inner.forced.has_fired() {
        machine.force(now, &mut actions);
    } else {
        machine.advance(now, &mut actions);
    }
    (actions, machine.is_over())
}

/// The built-in steps under way whose work is over.
fn drained(inner: &Inner, cx: &mut Context<'_>) -> Vec<StepId> {
    let waited_for: Vec<_> = {
        let plan = inner.plan.lock();
        let running =
            |step: &StepId| matches!(plan.machine.steps[*step].status, Status::Running { .. });
        (0..plan.machine.steps.len()).filter(running).map(|step| (step, plan.kind(step))).collect()
    };
    let mut is_over = |kind| match kind {
        Kind::Builtin(Builtin::Requests) => inner.requests.poll_drained(cx).is_ready(),
        Kind::Builtin(Builtin::Tasks) => inner.tasks.poll_drained(cx).is_ready(),
        _ => false,
    };
    waited_for.into_iter().filter(|&(_, kind)| is_over(kind)).map(|(step, _)| step).collect()
}

/// Has the watching thread wake us, too.
fn arm(inner: &Arc<Inner>, wake_at: Instant) {
    if inner.watch().is_none() {
        // If no thread can be had, tokio's timers are all there is.
        let watch = Handlers::install(&[])
            .and_then(|handlers| Watch::start(handlers, Arc::downgrade(inner)));
        if let Ok(watch) = watch {
            inner.set_watch(watch);
        }
    }
    if let Some(watch) = inner.watch() {
        watch.wake_at((wake_at + ALARM_LAG).into_std().into());
    }
}

fn execute(inner: &Arc<Inner>, action: Action) {
    match action {
        Action::EnterPhase(phase) => {
            inner.listeners.emit(|| {
                let name = Name::from(inner.plan.lock().machine.phases[phase].name.as_str());
                Event::new(
                    inner.name.clone(),
                    PolicyKind::Shutdown,
                    Instant::now(),
                    EventKind::phase(name),
                )
            });
        }
        Action::Start(step) => steps::start(inner, step),
        Action::Cancel(step) => steps::cancel(inner, step),
    }
}
