//! The shared handle: a thin shell of a lock, tokens and a clock around the machine.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use seawall_core::Name;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::{InFlight, Readiness, RegisterError, Report, ShutdownBuilder, ShutdownReason, Step};

mod hooks;
mod shared;
mod spawn;

pub(crate) use shared::Shared;

/// Coordinates the shutdown of a process, or of a part of it. Clones share it.
///
/// Dropping it without running it is harmless: steps are dropped without being run, tokens are
/// not cancelled, tasks go on. See [the chapter](crate) for the whole picture.
#[derive(Clone)]
pub struct Shutdown(pub(crate) Arc<Shared>);

impl Shutdown {
    /// How many steps there may be, the built-in ones included.
    pub const MAX_STEPS: usize = 10_000;

    /// A builder, with every default in place.
    pub fn builder() -> ShutdownBuilder {
        ShutdownBuilder::new()
    }

    /// The name in reports and events.
    pub fn name(&self) -> &Name {
        self.0.reporter.name()
    }

    /// Begins the shutdown, unless it has begun. Returns whether this was the first time. May be
    /// called from anywhere, any number of times, before the shutdown is run and after its end.
    ///
    /// Hooks run on this thread, before it returns.
    pub fn trigger(&self, reason: impl Into<ShutdownReason>) -> bool {
        self.0.trigger(&reason.into())
    }

    /// Ends the shutdown at once: steps and tasks that run are aborted, steps that wait are
    /// skipped and named in the report, and [`run`](Self::run) returns. Begins the shutdown unless
    /// it has begun. Returns whether this was the first time. The second signal does the same.
    pub fn force(&self, reason: impl Into<ShutdownReason>) -> bool {
        self.0.force(reason.into())
    }

    /// Whether the shutdown has begun. One load.
    pub fn is_shutting_down(&self) -> bool {
        self.0.trigger.has_fired()
    }

    /// Waits until the shutdown begins. Cancel safe.
    pub fn shutting_down(&self) -> WaitForCancellationFuture<'_> {
        self.0.tokens.trigger.cancelled()
    }

    /// Why the shutdown began; `None` before.
    pub fn reason(&self) -> Option<ShutdownReason> {
        self.0.trigger.reason()
    }

    /// A token that is cancelled when the shutdown begins. Cancelling it begins nothing.
    pub fn token(&self) -> CancellationToken {
        self.0.tokens.trigger.child_token()
    }

    /// A token that is cancelled when intake stops: after the drain delay, at the beginning of
    /// the phase that stops intake. For accept loops, which should go on while balancers have not
    /// noticed yet. Tracked tasks get this one. Needs somebody to [`run`](Self::run) the
    /// shutdown.
    pub fn intake_token(&self) -> CancellationToken {
        self.0.tokens.intake.child_token()
    }

    /// A token that is cancelled when the time for draining is used up, or the shutdown is
    /// forced, right before tasks are aborted.
    pub fn abort_token(&self) -> CancellationToken {
        self.0.tokens.abort.child_token()
    }

    /// The counter of requests in flight. It refuses new ones once intake has stopped, and the
    /// phase that drains waits for it.
    pub fn in_flight(&self) -> &InFlight {
        &self.0.requests
    }

    /// Whether new requests are welcome, as a state that can be watched. Asking for it turns the
    /// default drain delay on.
    pub fn readiness(&self) -> Readiness {
        self.0.readiness.watch()
    }

    /// Runs `future` to its end, or until the shutdown begins: then it is dropped, and the answer
    /// is `None`.
    pub async fn run_until_shutdown<Fut: Future>(&self, future: Fut) -> Option<Fut::Output> {
        self.0.tokens.trigger.run_until_cancelled(future).await
    }

    /// Calls `hook` when the shutdown begins, on the thread that begins it; at once if it has begun
    /// already. Its panic is contained and counted in the report.
    pub fn on_shutdown(&self, hook: impl FnOnce(&ShutdownReason) + Send + 'static) {
        self.0.add_hook(Box::new(hook));
    }

    /// Adds a step to the phase of this name, before the shutdown or during it. A step that is
    /// accepted is started, once, unless its time runs out first: then the report says so. The
    /// first step of a phase also claims the phase's share of the grace period, of what is left of
    /// it by then. A step can't be taken back: use tracked tasks and in-flight guards for what comes
    /// and goes.
    ///
    /// # Errors
    ///
    /// See [`RegisterError`]. A step that is refused is dropped without being run.
    pub fn register(&self, phase: &str, step: Step) -> Result<(), RegisterError> {
        self.0.plan.lock().register(phase, step, Instant::now())?;
        self.0.driver.wake();
        Ok(())
    }

    /// How many tracked tasks there are.
    pub fn tasks(&self) -> usize {
        self.0.tasks.count()
    }

    /// The report, once the shutdown is over.
    pub fn report(&self) -> Option<&Report> {
        self.0.report.get()
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("name", self.name())
            .field("reason", &self.reason())
            .field("in_flight", &self.0.requests.count())
            .field("tasks", &self.tasks())
            .finish_non_exhaustive()
    }
}
