//! Tasks and other parts that the process can't do without.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use seawall_core::contain;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::shutdown::Shared;
use crate::{Shutdown, ShutdownReason, ShuttingDown, StepOutput};

impl Shutdown {
    /// Spawns a tracked task that has to run for as long as the process: if it ends, fails,
    /// panics or is aborted before, the shutdown begins, with that as its reason. A failure after
    /// the shutdown has begun is listed in the report.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn spawn_critical<F, Fut>(
        &self,
        name: impl Into<Cow<'static, str>>,
        make: F,
    ) -> Result<JoinHandle<()>, ShuttingDown>
    where
        F: FnOnce(CancellationToken) -> Fut,
        Fut: Future<Output: StepOutput> + Send + 'static,
    {
        self.spawn_main(name.into(), make, false)
    }

    /// A task whose end begins the shutdown: as a success if it `finishes`, else as a failure.
    pub(crate) fn spawn_main<F, Fut>(
        &self,
        name: Cow<'static, str>,
        make: F,
        finishes: bool,
    ) -> Result<JoinHandle<()>, ShuttingDown>
    where
        F: FnOnce(CancellationToken) -> Fut,
        Fut: Future<Output: StepOutput> + Send + 'static,
    {
        self.spawn(name.clone(), |token| Critical {
            future: make(token),
            end: End { shared: Arc::clone(&self.0), name, finishes, reported: false },
        })
    }

    /// A guard for something that the process can't do without, called `name`: when it is dropped,
    /// the shutdown begins, unless it was [released](CriticalGuard::release).
    pub fn critical_guard(&self, name: impl Into<String>) -> CriticalGuard {
        CriticalGuard { shared: Arc::downgrade(&self.0), name: name.into() }
    }
}

/// Begins the shutdown when it is dropped: for a thread, a connection or a callback that the
/// process can't do without and that is no task.
///
/// Dropping it after the shutdown has begun does nothing.
///
/// ```
/// use seawall_shutdown::{Shutdown, ShutdownReason};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shutdown = Shutdown::builder().build()?;
/// let guard = shutdown.critical_guard("consumer thread");
/// let thread = std::thread::spawn(move || {
///     let _guard = guard;
///     // ... until it returns or panics
/// });
/// let _ = thread.join();
/// let reason = shutdown.reason().map(|reason| reason.to_string());
/// assert_eq!(reason.as_deref(), Some("critical guard 'consumer thread' was dropped"));
/// # Ok(())
/// # }
/// ```
#[must_use = "a critical guard that is dropped at once begins the shutdown"]
pub struct CriticalGuard {
    shared: Weak<Shared>,
    name: String,
}

impl CriticalGuard {
    /// Drops the guard without beginning the shutdown.
    pub fn release(mut self) {
        self.shared = Weak::new();
    }
}

impl Drop for CriticalGuard {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            let name = std::mem::take(&mut self.name);
            shared.trigger(&ShutdownReason::CriticalGuardDropped { name });
        }
    }
}

impl fmt::Debug for CriticalGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CriticalGuard").field(&self.name).finish()
    }
}

#[pin_project]
struct Critical<Fut> {
    #[pin]
    future: Fut,
    end: End,
}

/// Reports how a critical task ended, once, also when it is dropped.
struct End {
    shared: Arc<Shared>,
    name: Cow<'static, str>,
    finishes: bool,
    reported: bool,
}

impl<Fut: Future<Output: StepOutput>> Future for Critical<Fut> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        match contain(|| this.future.poll(cx)) {
            Ok(poll) => {
                let error = ready!(poll).into_error();
                this.end.report(error);
                Poll::Ready(())
            }
            Err(panic) => {
                this.end.report(Some(panic.to_string()));
                // Resumed, so that the task and its join handle count as panicked. The hook has run
                // already.
                std::panic::resume_unwind(Box::new(panic.message.into_string()))
            }
        }
    }
}

impl End {
    fn report(&mut self, error: Option<String>) {
        if !std::mem::replace(&mut self.reported, true) {
            self.shared.critical_ended(&self.name, error, self.finishes);
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // Aborted because its time was over: the report lists it as left behind.
        if !self.shared.tokens.abort.is_cancelled() {
            self.report(Some("aborted".to_owned()));
        }
    }
}
