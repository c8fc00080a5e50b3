//! What all clones of the handle share.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::thread::Thread;

use parking_lot::Mutex;
use seawall_core::{Listeners, Name, contain};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::liveness::Hearts;
use crate::plan::Plan;
use crate::readiness::ReadinessCell;
use crate::subsystem::Subsystems;
use crate::tasks::Tasks;
use crate::trigger::Trigger;
use crate::watch::Watch;
use crate::{FailedTask, InFlight, LeftBehind, Report, ShutdownReason, Signal};

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

    /// Keeps `hook` for the trigger, or runs it where that has been.
    pub(super) fn add_hook(&self, hook: Hook) {
        let mut hooks = self.hooks.lock();
        if let Some(hooks) = &mut *hooks {
            hooks.push(hook);
            return;
        }
        drop(hooks);
        if let Some(reason) = self.trigger.reason() {
            self.run_hook(hook, &reason);
        }
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
        let waker = waker.clone();
        let before = self.driver.lock().replace(waker);
        // Outside the lock: with its last waker a task may be dropped, and what that runs is
        // anybody's.
        drop(before);
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

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("name", &self.name).finish_non_exhaustive()
    }
}
