//! The panic guard as a policy.

use std::future::Future;
use std::sync::Arc;

use seawall_core::panic::PayloadType;
use seawall_core::{
    AllTransient, Alone, Attempt, Call, Caught, Counted, Description, EventKind, FromFuture,
    Inspect, Lazy, Listeners, Name, Operation, PanicReport, Panicked, Policy, PolicyKind, Reporter,
    catch,
};

use super::PanicGuardBuilder;
use super::future::PanicGuardFuture;

/// Turns a panic of the operation into an error.
///
/// Catches it while the operation is started, at every poll, and while its future is dropped.
/// Clones share name, listeners and count.
///
/// ```
/// use seawall_guard::PanicGuard;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), seawall_core::ConfigError> {
/// let guard = PanicGuard::builder().name("parser").build()?;
/// let error = guard
///     .call(async {
///         let fields: Vec<u32> = Vec::new();
///         Ok::<_, std::io::Error>(fields[3])
///     })
///     .await
///     .unwrap_err();
/// let panicked = error.panicked().expect("a panic");
/// assert!(panicked.report.message.starts_with("index out of bounds"));
/// assert_eq!(guard.caught(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PanicGuard {
    pub(super) shared: Arc<Shared>,
    pub(super) reporter: Reporter,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) enabled: bool,
    pub(super) backtrace: bool,
    pub(super) types: Vec<PayloadType>,
    pub(super) can_catch: bool,
}

impl PanicGuard {
    /// Configures a guard.
    pub fn builder() -> PanicGuardBuilder {
        PanicGuardBuilder::default()
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        self.reporter.name()
    }

    /// The listeners that receive its events.
    pub fn listeners(&self) -> &Listeners {
        self.reporter.listeners()
    }

    /// How many panics it caught, in starting, polling and dropping calls.
    pub fn caught(&self) -> u64 {
        self.reporter.counted(Counted::Panicked)
    }

    /// Whether it can catch anything: not where panics abort, nor if it is
    /// [disabled](PanicGuardBuilder::disabled).
    pub fn can_catch(&self) -> bool {
        self.shared.can_catch && self.shared.enabled
    }

    /// `future`, whose panic comes back as [`Error::Panicked`](seawall_core::Error::Panicked).
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future`; a panic of that drop is caught, too.
    pub fn call<Fut, T, E>(&self, future: Fut) -> Alone<'_, Self, Fut>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        Lazy::started(self.wrap(FromFuture::new(future, &AllTransient)).start(Attempt::first()))
    }

    /// Runs `work`, whose panic comes back as an error: for code that is no future, such as one poll of
    /// a body or a stream. Counts and reports the panic as for a call.
    ///
    /// # Errors
    ///
    /// The panic.
    ///
    /// # Panics
    ///
    /// As `work` does, where the guard is [disabled](PanicGuardBuilder::disabled).
    ///
    /// ```
    /// use seawall_guard::PanicGuard;
    ///
    /// let guard = PanicGuard::builder().name("stream").build()?;
    /// let fields: Vec<u32> = Vec::new();
    /// assert!(guard.catch(|| fields[3]).is_err());
    /// assert_eq!(guard.caught(), 1);
    /// # Ok::<_, seawall_core::ConfigError>(())
    /// ```
    pub fn catch<R>(&self, work: impl FnOnce() -> R) -> Result<R, Box<Panicked>> {
        catch(work).map_err(|caught| self.panicked(caught))
    }

    /// Counts and reports a panic; resumes it if the guard is disabled.
    #[cold]
    pub(super) fn report(&self, caught: Caught) -> PanicReport {
        if !self.shared.enabled {
            caught.resume();
        }
        let report = caught.report(&self.shared.types, self.shared.backtrace);
        self.reporter.count(Counted::Panicked);
        self.reporter.report(|| EventKind::Panicked(report.clone()));
        report
    }

    /// Counts and reports a panic that ends its call.
    #[cold]
    #[expect(clippy::unnecessary_box_returns, reason = "an error holds it in a box")]
    pub(super) fn panicked(&self, caught: Caught) -> Box<Panicked> {
        let report = self.report(caught);
        Box::new(Panicked::new(self.name().clone(), report))
    }
}

impl Policy for PanicGuard {
    type Wrapped<'p, Op> = PanicGuardCall<'p, Op>;

    fn wrap<Op>(&self, op: Op) -> PanicGuardCall<'_, Op> {
        PanicGuardCall { guard: self, op }
    }

    fn describe(&self, inner: Description) -> Description {
        if !self.shared.enabled {
            return inner;
        }
        let text = if self.can_catch() {
            "catches panics"
        } else {
            "catches nothing: built with panic = \"abort\""
        };
        let panics = inner.panics() && !self.can_catch();
        inner.layer(PolicyKind::PanicGuard, self.name(), text).with_panics(panics)
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        if self.shared.enabled {
            each(Arc::new(self.reporter.clone()));
        }
    }

    fn heard_by(self, listeners: &Listeners) -> Self {
        Self { reporter: self.reporter.heard_by(listeners), ..self }
    }
}

/// An operation with a [`PanicGuard`] around it.
#[derive(Clone, Copy, Debug)]
pub struct PanicGuardCall<'p, Op> {
    guard: &'p PanicGuard,
    op: Op,
}

impl<'p, Op: Call> Call for PanicGuardCall<'p, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = PanicGuardFuture<'p, Op::Future>;

    #[inline]
    fn start(self, attempt: Attempt) -> Self::Future {
        PanicGuardFuture::new(self.guard, catch(|| self.op.start(attempt)))
    }
}

impl<'p, Op: Operation> Operation for PanicGuardCall<'p, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = PanicGuardFuture<'p, Op::Future>;

    #[inline]
    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        PanicGuardFuture::new(self.guard, catch(|| self.op.attempt(attempt)))
    }

    fn is_repeatable(&self) -> bool {
        self.op.is_repeatable()
    }
}
