//! Tasks that the process can't do without, and tokens that stand for anything else it can't.

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

use crate::shutdown::Inner;
use crate::{Shutdown, ShutdownReason, ShuttingDown, StepOutput};

impl Shutdown {
    /// Spawns a tracked task that is to run for as long as the process: if it ends, fails,
    /// panics or is aborted before, the shutdown begins, with that as its reason. What fails after
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
        self.spawn_vital(name.into(), make, false)
    }

    /// A task whose end begins the shutdown: because nothing is left to do if it `finishes`,
    /// because something is amiss if not.
    pub(crate) fn spawn_vital<F, Fut>(
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
            end: End { inner: Arc::clone(&self.0), name, finishes, told: false },
        })
    }

    /// A token that stands for something the process can't do without, called `name`: when it is
    /// dropped, the shutdown begins. [`VitalityToken::release`] takes it back.
    pub fn vitality(&self, name: impl Into<String>) -> VitalityToken {
        VitalityToken { inner: Arc::downgrade(&self.0), name: name.into() }
    }
}

/// Begins the shutdown when it is dropped: for a thread, a connection or a callback that the
/// process can't do without and that is no task.
///
/// Once the shutdown has begun its drop means nothing.
///
/// ```
/// use seawall_shutdown::{Shutdown, ShutdownReason};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shutdown = Shutdown::builder().build()?;
/// let vital = shutdown.vitality("consumer thread");
/// let thread = std::thread::spawn(move || {
///     let _vital = vital;
///     // ... until it returns or panics
/// });
/// let _ = thread.join();
/// let reason = shutdown.reason().map(|reason| reason.to_string());
/// assert_eq!(reason.as_deref(), Some("vitality token 'consumer thread' was dropped"));
/// # Ok(())
/// # }
/// ```
#[must_use = "a vitality token that is dropped at once begins the shutdown"]
pub struct VitalityToken {
    inner: Weak<Inner>,
    name: String,
}

impl VitalityToken {
    /// Takes the token back: its end no longer begins the shutdown.
    pub fn release(mut self) {
        self.inner = Weak::new();
    }
}

impl Drop for VitalityToken {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.upgrade() {
            let name = std::mem::take(&mut self.name);
            inner.trigger(&ShutdownReason::VitalityLost { name });
        }
    }
}

impl fmt::Debug for VitalityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VitalityToken").field(&self.name).finish()
    }
}

#[pin_project]
struct Critical<Fut> {
    #[pin]
    future: Fut,
    end: End,
}

/// Says how a critical task ended, once, also when it is dropped.
struct End {
    inner: Arc<Inner>,
    name: Cow<'static, str>,
    finishes: bool,
    told: bool,
}

impl<Fut: Future<Output: StepOutput>> Future for Critical<Fut> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        match contain(|| this.future.poll(cx)) {
            Ok(poll) => {
                let error = ready!(poll).into_error();
                this.end.tell(error);
                Poll::Ready(())
            }
            Err(panic) => {
                this.end.tell(Some(panic.to_string()));
                // Goes on, so that the task counts and its join handle says that it panicked. The
                // hook has run already.
                std::panic::resume_unwind(Box::new(panic.message.into_string()))
            }
        }
    }
}

impl End {
    fn tell(&mut self, error: Option<String>) {
        if !std::mem::replace(&mut self.told, true) {
            self.inner.critical_ended(&self.name, error, self.finishes);
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // Aborted because its time was up: the report lists it as left behind.
        if !self.inner.abort.is_cancelled() {
            self.tell(Some("aborted".to_owned()));
        }
    }
}
