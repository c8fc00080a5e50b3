//! Runs the plan: asks the machine, does what it says, waits for what comes next.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use seawall_core::{Event, Name, PolicyKind, What, contain};
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::machine::{Action, Status, StepId};
use crate::plan::{Abort, Kind};
use crate::shutdown::Inner;
use crate::step::{Blocking, Body, Builtin, StepFuture};
use crate::subsystem::end_subsystems;
use crate::watch::{Handlers, Watch};
use crate::{
    LeftBehind, LeftBehindKind, Outcome, PhaseReport, Report, Shutdown, ShutdownReason, StepReport,
};

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
            return Poll::Ready(finish(inner));
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
            return Some(finish(inner));
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
                    What::phase(name),
                )
            });
        }
        Action::Start(step) => start(inner, step),
        Action::Cancel(step) => cancel(inner, step),
    }
}

fn start(inner: &Arc<Inner>, step: StepId) {
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

fn cancel(inner: &Inner, step: StepId) {
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
    fn of(step: &crate::machine::StepPlan) -> Self {
        let on_time = matches!(&step.status, Status::Ended { outcome: Outcome::Done, .. });
        Self { name: step.name.clone(), on_time }
    }
}

fn abort_tasks(inner: &Inner) {
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

fn leave_requests_behind(inner: &Inner) {
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

fn leave_behind(inner: &Inner, left: impl IntoIterator<Item = LeftBehind>, unlisted: usize) {
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
fn finish(inner: &Inner) -> Report {
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

fn report_step(step: &crate::machine::StepPlan) -> StepReport {
    let (outcome, elapsed) = match &step.status {
        Status::Ended { outcome, elapsed } => (outcome.clone(), *elapsed),
        // Not reached: a machine that is over has ended its steps.
        Status::Waiting | Status::Running { .. } => (Outcome::Skipped, std::time::Duration::ZERO),
    };
    StepReport { name: step.name.clone(), outcome, elapsed }
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
