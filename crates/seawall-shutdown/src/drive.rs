//! Runs the plan: asks the machine, does what it says, waits for what comes next.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use seawall_core::{EventKind, Name};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::machine::{Action, Machine, StepId};
use crate::shutdown::Shared;
use crate::signals::{Handlers, SignalThread};
use crate::step::Builtin;
use crate::{Outcome, Report, Shutdown, StepReport};
pub(crate) use driver::Driver;

mod driver;
mod ending;
mod steps;

impl Shutdown {
    /// Waits until the shutdown begins, runs its phases, and reports. Ends at the latest when the
    /// grace period is over, counted from the trigger, or at once when it is forced.
    ///
    /// Any number of callers may run it: one drives, all get the report. Cancel safe: steps that
    /// were started go on, and the next caller continues from there.
    ///
    /// Steps are spawned on the runtime that polls this. To be woken while every worker thread is
    /// busy, it has to be polled by a thread of its own: by `block_on`, like the body of
    /// `#[tokio::main]`, not in a spawned task.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime that has its timers enabled.
    pub async fn run(&self) -> Report {
        let shared = &self.0;
        let _driving = shared.driver.lock().await;
        if let Some(report) = shared.report.get() {
            return report.clone();
        }
        let mut timer = None;
        poll_fn(|cx| poll_drive(shared, &mut timer, cx)).await
    }
}

type Timer = Option<Pin<Box<Sleep>>>;

fn poll_drive(shared: &Arc<Shared>, timer: &mut Timer, cx: &mut Context<'_>) -> Poll<Report> {
    // Registered first: a change after this look finds the waker.
    shared.driver.set_waker(cx.waker());
    if !shared.trigger.has_fired() {
        return Poll::Pending;
    }
    loop {
        if let Some(report) = drive_once(shared, cx) {
            return Poll::Ready(report);
        }
        let Some(wake_at) = shared.plan.lock().machine.wake_at() else {
            return Poll::Pending;
        };
        set_alarm(shared, wake_at);
        let sleep = timer.get_or_insert_with(|| Box::pin(sleep_until(wake_at)));
        if sleep.deadline() != wake_at {
            sleep.as_mut().reset(wake_at);
        }
        ready!(sleep.as_mut().poll(cx));
    }
}

/// Does what is due now. Gives the report if that was the end.
pub(crate) fn drive_once(shared: &Arc<Shared>, cx: &mut Context<'_>) -> Option<Report> {
    loop {
        let (actions, over) = decide(shared, Instant::now(), cx);
        for &action in &actions {
            execute(shared, action);
        }
        if over {
            return Some(ending::finish(shared));
        }
        if actions.is_empty() {
            return None;
        }
    }
}

/// Asks the machine what to do, after it was given what has drained.
fn decide(shared: &Shared, now: Instant, cx: &mut Context<'_>) -> (Vec<Action>, bool) {
    let drained = drained(shared, cx);
    let mut actions = Vec::new();
    let mut plan = shared.plan.lock();
    shared.begin(&mut plan, now);
    let machine = &mut plan.machine;
    for step in drained.into_iter().flatten() {
        machine.end_step(step, Outcome::Done, now);
    }
    if shared.forced.has_fired() {
        machine.force(now, &mut actions);
    } else {
        machine.advance(now, &mut actions);
    }
    (actions, machine.is_over())
}

/// The built-in steps under way that have nothing left to wait for.
fn drained(shared: &Shared, cx: &mut Context<'_>) -> [Option<StepId>; 2] {
    let [requests, tasks] = {
        let plan = shared.plan.lock();
        [Builtin::Requests, Builtin::Tasks]
            .map(|builtin| plan.builtin(builtin).filter(|&step| plan.machine.is_running(step)))
    };
    [
        requests.filter(|_| shared.requests.poll_drained(cx).is_ready()),
        tasks.filter(|_| shared.tasks.poll_drained(cx).is_ready()),
    ]
}

/// Has the signal thread wake the driver, too.
fn set_alarm(shared: &Arc<Shared>, wake_at: Instant) {
    if !shared.driver.has_signal_thread() {
        // Without a thread, tokio's timers are all there is.
        let started = Handlers::install(&[])
            .and_then(|handlers| SignalThread::start(handlers, Arc::downgrade(shared)));
        if let Ok(thread) = started {
            shared.driver.set_signal_thread(thread);
        }
    }
    shared.driver.set_alarm(Some(wake_at));
}

fn execute(shared: &Arc<Shared>, action: Action) {
    match action {
        Action::EnterPhase(phase) => report(shared, |machine| {
            EventKind::phase(Name::from(machine.phases[phase].name.as_str()))
        }),
        Action::Start(step) => {
            report(shared, |machine| {
                EventKind::step_started(Name::from(machine.steps[step].name.as_str()))
            });
            steps::start(shared, step);
        }
        Action::Cancel(step) => steps::cancel(shared, step),
        Action::Ended(step) => report(shared, |machine| {
            let StepReport { name, outcome, elapsed } = ending::report_step(&machine.steps[step]);
            EventKind::step_ended(Name::from(name), outcome.label(), elapsed)
        }),
    }
}

fn report(shared: &Shared, kind: impl FnOnce(&Machine) -> EventKind) {
    shared.reporter.report(|| kind(&shared.plan.lock().machine));
}
