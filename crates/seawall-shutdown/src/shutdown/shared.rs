//! What all clones of the handle share.

use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use seawall_core::Reporter;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::hooks::Hooks;
use crate::account::Account;
use crate::drain_delay::DrainDelay;
use crate::drive::Driver;
use crate::liveness::Heartbeats;
use crate::plan::Plan;
use crate::readiness::ReadinessCell;
use crate::step::Builtin;
use crate::subsystem::Subsystems;
use crate::tasks::Tasks;
use crate::trigger::Trigger;
use crate::{FailedTask, InFlight, Report, ShutdownReason};

pub(crate) struct Shared {
    pub(crate) reporter: Reporter,
    pub(crate) drain_delay: DrainDelay,
    pub(crate) trigger: Trigger<ShutdownReason>,
    pub(crate) forced: Trigger<ShutdownReason>,
    pub(crate) signals_heard: AtomicUsize,
    pub(crate) tokens: Tokens,
    pub(crate) requests: InFlight,
    pub(crate) tasks: Arc<Tasks>,
    pub(crate) plan: Mutex<Plan>,
    pub(crate) driver: Driver,
    pub(crate) readiness: ReadinessCell,
    pub(crate) heartbeats: Heartbeats,
    pub(crate) subsystems: Mutex<Subsystems>,
    pub(crate) account: Mutex<Account>,
    pub(crate) report: OnceLock<Report>,
    pub(super) hooks: Hooks,
}

/// One for each moment that code of the user's may wait for.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) trigger: CancellationToken,
    pub(crate) intake: CancellationToken,
    pub(crate) abort: CancellationToken,
}

impl Shared {
    pub(crate) fn new(reporter: Reporter, plan: Plan, drain_delay: DrainDelay) -> Self {
        Self {
            reporter,
            drain_delay,
            trigger: Trigger::new(),
            forced: Trigger::new(),
            signals_heard: AtomicUsize::new(0),
            tokens: Tokens::default(),
            requests: InFlight::new(),
            tasks: Arc::new(Tasks::new()),
            plan: Mutex::new(plan),
            driver: Driver::default(),
            readiness: ReadinessCell::new(),
            heartbeats: Heartbeats::default(),
            subsystems: Mutex::default(),
            account: Mutex::default(),
            report: OnceLock::new(),
            hooks: Hooks::default(),
        }
    }

    pub(crate) fn trigger(&self, reason: &ShutdownReason) -> bool {
        if !self.trigger.fire(reason.clone()) {
            return false;
        }
        let (no_readiness_step, no_intake_step) = {
            let mut plan = self.plan.lock();
            if self.driver.is_driven() {
                self.begin(&mut plan, Instant::now());
            }
            let lacks = |builtin| plan.builtin(builtin).is_none();
            (lacks(Builtin::ReadinessOff), lacks(Builtin::StopIntake))
        };
        if no_readiness_step {
            self.readiness.turn_off();
        }
        if no_intake_step {
            self.stop_intake();
        }
        self.tokens.trigger.cancel();
        self.driver.wake();
        self.run_hooks(reason);
        true
    }

    /// The grace period begins, unless it has.
    pub(crate) fn begin(&self, plan: &mut Plan, now: Instant) {
        if plan.machine.begin(now) {
            let reason = self.trigger.reason();
            plan.set_drain_delay(self.drain_delay.after(reason.as_ref(), true));
        }
    }

    pub(crate) fn force(&self, reason: ShutdownReason) -> bool {
        self.trigger(&reason);
        let first = self.forced.fire(reason);
        self.driver.wake();
        first
    }

    pub(crate) fn stop_intake(&self) {
        self.requests.close();
        self.tokens.intake.cancel();
    }

    /// A critical task ended. Where its end is not what begins the shutdown, a failure is listed.
    pub(crate) fn critical_ended(&self, task: &str, error: Option<String>, finishes: bool) {
        let task = task.to_owned();
        let reason = match error.clone() {
            Some(error) => ShutdownReason::TaskFailed { task: task.clone(), error },
            None if finishes => ShutdownReason::Finished,
            None => ShutdownReason::TaskEnded { task: task.clone() },
        };
        let began = self.trigger(&reason);
        if let (false, Some(error)) = (began, error) {
            self.account.lock().failed_tasks.push(FailedTask { name: task, error });
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("name", self.reporter.name()).finish_non_exhaustive()
    }
}
