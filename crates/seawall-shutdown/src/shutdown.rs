//! The shared handle: a thin shell of a lock, tokens and a clock around the machine.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use seawall_core::Name;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::{InFlight, Readiness, RegisterError, Report, ShutdownBuilder, ShutdownReason, Step};

mod inner;
mod spawn;

pub(crate) use inner::Inner;

/// Coordinates the shutdown of a process, or of a part of it. Clones share it.
///
/// Dropping it without running it is harmless: steps are dropped without being run, tokens are
/// not cancelled, tasks go on. See [the chapter](crate) for the whole picture.
#[derive(Clone)]
pub struct Shutdown(pub(crate) Arc<Inner>);

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
        self.0.add_hook(Box::new(hook));
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
