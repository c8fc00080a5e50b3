//! The shared handle: a thin shell of a lock, tokens and a clock around the machine.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::thread::Thread;

use parking_lot::Mutex;
use seawall_core::{Listeners, Name, contain};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::liveness::Hearts;
use crate::plan::Plan;
use crate::readiness::ReadinessCell;
use crate::subsystem::Subsystems;
use crate::tasks::{Tasks, Tracked};
use crate::trigger::Trigger;
use crate::watch::Watch;
use crate::{
    FailedTask, InFlight, LeftBehind, Readiness, RegisterError, Report, ShutdownBuilder,
    ShutdownReason, ShuttingDown, Signal, Step,
};

/// Coordinates the shutdown of a process, or of a part of it. Clones share it.
///
/// Dropping it without running it is harmless: steps are dropped without being run, tokens are
/// not cancelled, tasks go on. See [the chapter](crate) for the whole picture.
#[derive(Clone)]
pub struct Shutdown(pub(crate) Arc<Inner>);

type Hook = Box<dyn FnOnce(&ShutdownReason) + Send>;

pub(crate) struct Inner {
    pub(crate) name: Name,
    pub(crate) listeners: Listeners,
    pub(crate) trigger: Trigger<ShutdownReason>,
    pub(crate) forced: Trigger<ShutdownReason>,
    pub(crate) token: CancellationToken,
    pub(crate) intake: CancellationToken,
    pub(crate) abort: CancellationToken,
    pub(crate) requests: InFlight,
    pub(crate) tasks: Arc<Tasks>,
    pub(crate) plan: Mutex<Plan>,
    pub(crate) readiness: ReadinessCell,
    pub(crate) delay_given: bool,
    pub(crate) intake_stops_at_trigger: bool,
    pub(crate) readiness_flips_at_trigger: bool,
    pub(crate) left_behind: Mutex<(Vec<LeftBehind>, usize)>,
    pub(crate) failed_tasks: Mutex<Vec<FailedTask>>,
    pub(crate) subsystems: Mutex<Subsystems>,
    pub(crate) hearts: Hearts,
    /// The thread that waits in `supervise`.
    pub(crate) supervisor: Mutex<Option<Thread>>,
    pub(crate) panicked_hooks: AtomicUsize,
    /// Whether somebody runs it, so that the grace period begins at the trigger.
    pub(crate) attended: AtomicBool,
    /// The one who drives; the others wait for the seat.
    pub(crate) seat: tokio::sync::Mutex<()>,
    pub(crate) report: OnceLock<Report>,
    driver: Mutex<Option<Waker>>,
    watch: OnceLock<Watch>,
    signals_heard: AtomicUsize,
    /// `None` once they have run.
    hooks: Mutex<Option<Vec<Hook>>>,
}

impl Inner {
    pub(crate) fn new(name: Name, plan: Plan, listeners: Listeners, delay_given: bool) -> Self {
        Self {
            name,
            listeners,
            trigger: Trigger::new(),
            forced: Trigger::new(),
            token: CancellationToken::new(),
            intake: CancellationToken::new(),
            abort: CancellationToken::new(),
            requests: InFlight::new(),
            tasks: Arc::new(Tasks::new()),
            plan: Mutex::new(plan),
            readiness: ReadinessCell::new(),
            delay_given,
            intake_stops_at_trigger: false,
            readiness_flips_at_trigger: false,
            left_behind: Mutex::default(),
            failed_tasks: Mutex::default(),
            subsystems: Mutex::default(),
            hearts: Hearts::default(),
            supervisor: Mutex::new(None),
            panicked_hooks: AtomicUsize::new(0),
            attended: AtomicBool::new(false),
            seat: tokio::sync::Mutex::new(()),
            report: OnceLock::new(),
            driver: Mutex::new(None),
            watch: OnceLock::new(),
            signals_heard: AtomicUsize::new(0),
            hooks: Mutex::new(Some(Vec::new())),
        }
    }

    pub(crate) fn trigger(&self, reason: &ShutdownReason) -> bool {
        if !self.trigger.fire(reason.clone()) {
            return false;
        }
        if self.attended.load(Ordering::SeqCst) {
            self.plan.lock().machine.begin(Instant::now());
        }
        if self.readiness_flips_at_trigger {
            self.readiness.turn_off();
        }
        if self.intake_stops_at_trigger {
            self.stop_intake();
        }
        self.token.cancel();
        self.wake_driver();
        let hooks = self.hooks.lock().take();
        for hook in hooks.into_iter().flatten() {
            self.run_hook(hook, reason);
        }
        true
    }

    fn run_hook(&self, hook: Hook, reason: &ShutdownReason) {
        if contain(|| hook(reason)).is_err() {
            self.panicked_hooks.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn force(&self, reason: ShutdownReason) -> bool {
        self.trigger(&reason);
        let first = self.forced.fire(reason);
        self.wake_driver();
        first
    }

    pub(crate) fn hear_signal(&self, signal: Signal) {
        // The second signal forces, whatever the shutdown began with: an orchestrator sends its
        // first one also to a process that goes down already.
        if self.signals_heard.fetch_add(1, Ordering::SeqCst) == 0 {
            self.trigger(&signal.into());
        } else {
            self.force(signal.into());
        }
    }

    pub(crate) fn stop_intake(&self) {
        self.requests.close();
        self.intake.cancel();
    }

    pub(crate) fn wake_driver(&self) {
        let waker = self.driver.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
        self.wake_supervisor();
    }

    pub(crate) fn wake_supervisor(&self) {
        if let Some(thread) = &*self.supervisor.lock() {
            thread.unpark();
        }
    }

    pub(crate) fn set_driver(&self, waker: &Waker) {
        let mut driver = self.driver.lock();
        match &mut *driver {
            Some(old) => old.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    pub(crate) fn set_watch(&self, watch: Watch) {
        // Set once by `build`, or once by the one who has the seat.
        let _ = self.watch.set(watch);
    }

    pub(crate) fn watch(&self) -> Option<&Watch> {
        self.watch.get()
    }

    /// A critical task ended.
    pub(crate) fn critical_ended(&self, task: &str, error: Option<String>, finishes: bool) {
        let task = task.to_owned();
        let reason = match error.clone() {
            Some(error) => ShutdownReason::TaskFailed { task: task.clone(), error },
            None if finishes => ShutdownReason::Finished,
            None => ShutdownReason::TaskEnded { task: task.clone() },
        };
        if self.trigger(&reason) {
            return;
        }
        if let Some(error) = error {
            let mut failed = self.failed_tasks.lock();
            if failed.len() < Report::MAX_LISTED {
                failed.push(FailedTask { name: task, error });
            }
        }
    }
}

impl Shutdown {
    /// How many steps there may be, the built-in ones included.
    pub const MAX_STEPS: usize = 10_000;

    /// A builder, with every default in place.
    pub fn builder() -> ShutdownBuilder {
        ShutdownBuilder::new()
    }

    /// The name in reports and events.
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// Begins the shutdown, if nothing else has yet. Says whether this was the first time. May be
    /// called from anywhere, any number of times, before the shutdown is run and after its end.
    ///
    /// Hooks run on this thread, before it returns.
    pub fn trigger(&self, reason: impl Into<ShutdownReason>) -> bool {
        self.0.trigger(&reason.into())
    }

    /// Ends the shutdown at once: what runs is aborted, what waits is skipped, and
    /// [`run`](Self::run) returns. Begins it if nothing else has yet. Says whether this was the
    /// first time. The second signal does the same.
    pub fn force(&self, reason: impl Into<ShutdownReason>) -> bool {
        self.0.force(reason.into())
    }

    /// Whether the shutdown has begun. One load.
    #[inline]
    pub fn is_shutting_down(&self) -> bool {
        self.0.trigger.has_fired()
    }

    /// Waits until the shutdown begins. Cancel safe.
    pub fn shutting_down(&self) -> WaitForCancellationFuture<'_> {
        self.0.token.cancelled()
    }

    /// Why the shutdown began; `None` before.
    pub fn reason(&self) -> Option<ShutdownReason> {
        self.0.trigger.reason()
    }

    /// A token that is cancelled when the shutdown begins. Cancelling it begins nothing.
    pub fn token(&self) -> CancellationToken {
        self.0.token.child_token()
    }

    /// A token that is cancelled when intake stops: after the drain delay, at the beginning of
    /// the phase that stops intake. For accept loops, which should go on while balancers have not
    /// noticed yet. Tracked tasks get this one. Needs somebody to [`run`](Self::run) the
    /// shutdown.
    pub fn intake_token(&self) -> CancellationToken {
        self.0.intake.child_token()
    }

    /// A token that is cancelled when the time for draining is used up, or the shutdown is
    /// forced: the last call before tasks are aborted.
    pub fn abort_token(&self) -> CancellationToken {
        self.0.abort.child_token()
    }

    /// The counter of requests in flight. It refuses once intake has stopped, and is waited for
    /// in the phase that drains.
    pub fn in_flight(&self) -> &InFlight {
        &self.0.requests
    }

    /// Whether new requests are welcome, as a state that can be watched.
    pub fn readiness(&self) -> Readiness {
        self.0.readiness.watch()
    }

    /// Runs `future` until it is over, or until the shutdown begins: then it is dropped, and the
    /// answer is `None`.
    pub async fn run_until_shutdown<Fut: Future>(&self, future: Fut) -> Option<Fut::Output> {
        self.0.token.run_until_cancelled(future).await
    }

    /// Has `hook` called when the shutdown begins, on the thread that begins it; at once if it
    /// has begun already. Its panic is contained and counted in the report.
    pub fn on_shutdown(&self, hook: impl FnOnce(&ShutdownReason) + Send + 'static) {
        let mut hooks = self.0.hooks.lock();
        if let Some(hooks) = &mut *hooks {
            hooks.push(Box::new(hook));
            return;
        }
        drop(hooks);
        if let Some(reason) = self.reason() {
            self.0.run_hook(Box::new(hook), &reason);
        }
    }

    /// Adds a step to the phase of this name, before the shutdown or during it. A step that is
    /// accepted is started, once, unless its time runs out first: then the report says so. It
    /// can't be taken back: for what comes and goes there are tracked tasks and in-flight guards.
    ///
    /// # Errors
    ///
    /// See [`RegisterError`]. What is refused is dropped without being run.
    pub fn register(&self, phase: &str, step: Step) -> Result<(), RegisterError> {
        let now = Instant::now();
        self.0.plan.lock().register(phase, step, Some(now))?;
        self.0.wake_driver();
        Ok(())
    }

    /// How many tracked tasks there are.
    pub fn tasks(&self) -> usize {
        self.0.tasks.count()
    }

    /// Spawns a task that the shutdown waits for while it drains. `make` is given a token that is
    /// cancelled when intake stops.
    ///
    /// # Errors
    ///
    /// [`ShuttingDown`] once the drain is over. `make` is not called then.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime; see [`spawn_on`](Self::spawn_on).
    pub fn spawn<F, Fut>(
        &self,
        name: impl Into<Cow<'static, str>>,
        make: F,
    ) -> Result<JoinHandle<Fut::Output>, ShuttingDown>
    where
        F: FnOnce(CancellationToken) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        // Not by a handle to the current runtime: two operations on its count that can be saved.
        self.spawn_with(name.into(), make, |task| tokio::spawn(task))
    }

    /// [`spawn`](Self::spawn) on the runtime of `handle`.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    pub fn spawn_on<F, Fut>(
        &self,
        name: impl Into<Cow<'static, str>>,
        make: F,
        handle: &Handle,
    ) -> Result<JoinHandle<Fut::Output>, ShuttingDown>
    where
        F: FnOnce(CancellationToken) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawn_with(name.into(), make, |task| handle.spawn(task))
    }

    fn spawn_with<F, Fut>(
        &self,
        name: Cow<'static, str>,
        make: F,
        spawn: impl FnOnce(Tracked<Fut>) -> JoinHandle<Fut::Output>,
    ) -> Result<JoinHandle<Fut::Output>, ShuttingDown>
    where
        F: FnOnce(CancellationToken) -> Fut,
        Fut: Future,
    {
        let entry = self.enter_task(name, false)?;
        let key = entry.key();
        let future = make(self.0.intake.clone());
        let join = spawn(Tracked::new(future, entry));
        self.0.tasks.attach(key, join.abort_handle());
        Ok(join)
    }

    /// Runs `run` on tokio's pool for blocking work, tracked. `run` is given a token that is
    /// cancelled when intake stops, and should look at it: blocking work can't be cancelled. What
    /// is still running when the time for draining is over is named in the report and left
    /// behind. Mind that dropping a runtime waits for it all the same; see [the chapter](crate)'s
    /// traps.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn spawn_blocking<F, T>(
        &self,
        name: impl Into<Cow<'static, str>>,
        run: F,
    ) -> Result<JoinHandle<T>, ShuttingDown>
    where
        F: FnOnce(CancellationToken) -> T + Send + 'static,
        T: Send + 'static,
    {
        let mut entry = self.enter_task(name.into(), true)?;
        let key = entry.key();
        let token = self.0.intake.clone();
        let join = tokio::task::spawn_blocking(move || {
            let output = run(token);
            entry.finish();
            drop(entry);
            output
        });
        self.0.tasks.attach(key, join.abort_handle());
        Ok(join)
    }

    pub(crate) fn enter_task(
        &self,
        name: Cow<'static, str>,
        blocking: bool,
    ) -> Result<crate::tasks::Entry, ShuttingDown> {
        self.0.tasks.enter(name, blocking).map_err(|_| ShuttingDown)
    }

    /// The report, once the shutdown is over.
    pub fn report(&self) -> Option<&Report> {
        self.0.report.get()
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("name", &self.0.name)
            .field("reason", &self.reason())
            .field("in_flight", &self.0.requests.count())
            .field("tasks", &self.tasks())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("name", &self.name).finish_non_exhaustive()
    }
}
