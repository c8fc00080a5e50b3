use std::fmt;
use std::future::Future;
use std::sync::Arc;

use seawall_core::inspect::Inspect;
use seawall_core::{
    Admission, Admit, Admitted, Attempt, Description, Guarded, Name, NoWait, Policy, PolicyKind,
    Rejection, Unobserved,
};

use super::ShutdownGateBuilder;
use super::shared::Shared;
use crate::{InFlightGuard, ShuttingDown};

/// Refuses new calls once the shutdown has begun, and lets those in flight finish.
///
/// It belongs outermost: then a call that was admitted may still use everything inside.
///
/// ```
/// use seawall_core::Reason;
/// use seawall_shutdown::ShutdownGate;
/// use tokio_util::sync::CancellationToken;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let token = CancellationToken::new();
/// let gate = ShutdownGate::builder().shutdown(token.clone()).name("orders").build()?;
/// assert_eq!(gate.call(async { Ok::<_, std::io::Error>(42) }).await?, 42);
///
/// token.cancel();
/// let refused = gate.call(async { Ok::<_, std::io::Error>(42) }).await.unwrap_err();
/// assert_eq!(refused.rejection().map(|r| r.reason()), Some(Reason::ShuttingDown));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ShutdownGate(Arc<Shared>);

impl ShutdownGate {
    /// A builder.
    pub fn builder() -> ShutdownGateBuilder {
        ShutdownGateBuilder::default()
    }

    pub(super) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// The gate's name.
    pub fn name(&self) -> &Name {
        self.0.reporter.name()
    }

    /// Whether calls are refused.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Runs `future`, or refuses it. Nothing happens before the first poll.
    pub fn call<Fut, T, E>(&self, future: Fut) -> Guarded<'_, Self, Fut>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        Guarded::new(self, future)
    }

    /// Admits a call until the guard is dropped, for code that is no future. There is no guard where
    /// the gate does not count.
    ///
    /// # Errors
    ///
    /// The rejection, with [`Reason::ShuttingDown`](seawall_core::Reason::ShuttingDown).
    pub fn try_acquire(&self) -> Result<Option<InFlightGuard<'_>>, Rejection> {
        self.0.try_acquire().map_err(|ShuttingDown| self.0.refuse())
    }
}

impl Admit for ShutdownGate {
    type Permit<'p> = Unobserved<Option<InFlightGuard<'p>>>;
    type Wait<'p> = NoWait<Self::Permit<'p>>;

    #[inline]
    fn try_admit(&self, _: &mut Attempt) -> Option<Self::Permit<'_>> {
        self.0.try_acquire().ok().map(Unobserved)
    }

    fn admit(&self, _: &mut Attempt) -> Admission<Self::Permit<'_>, Self::Wait<'_>> {
        match self.try_acquire() {
            Ok(guard) => Admission::Granted(Unobserved(guard)),
            Err(rejection) => Admission::Refused(rejection),
        }
    }
}

impl Policy for ShutdownGate {
    type Wrapped<'p, Op> = Admitted<'p, Self, Op>;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        Admitted::new(self, op)
    }

    /// A gate with neither token nor counter does nothing and is left out.
    fn describe(&self, inner: Description) -> Description {
        if self.0.is_inert() {
            return inner;
        }
        let text = "refuses new calls once the shutdown has begun";
        inner.layer(PolicyKind::Shutdown, self.name(), text)
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        if !self.0.is_inert() {
            each(Arc::clone(&self.0) as _);
        }
    }
}

impl fmt::Debug for ShutdownGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownGate")
            .field("name", self.name())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
