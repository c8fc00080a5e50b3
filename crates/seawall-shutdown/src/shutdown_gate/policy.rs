use std::fmt;
use std::future::Future;
use std::sync::Arc;

use seawall_core::inspect::{Gauge, Inspect, Measures};
use seawall_core::{
    Admission, Admit, Admitted, Attempt, Description, Guarded, Listeners, Name, NoWait, Policy,
    PolicyKind, Reason, Rejection, Reporter, Unobserved,
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
pub struct ShutdownGate {
    shared: Arc<Shared>,
    reporter: Reporter,
}

impl ShutdownGate {
    /// A builder.
    pub fn builder() -> ShutdownGateBuilder {
        ShutdownGateBuilder::default()
    }

    pub(super) fn new(shared: Shared, reporter: Reporter) -> Self {
        Self { shared: Arc::new(shared), reporter }
    }

    /// The gate's name.
    pub fn name(&self) -> &Name {
        self.reporter.name()
    }

    /// Whether calls are refused.
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
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
        self.shared.try_acquire().map_err(|ShuttingDown| self.reporter.refuse(Reason::ShuttingDown))
    }
}

impl Admit for ShutdownGate {
    type Permit<'p> = Unobserved<Option<InFlightGuard<'p>>>;
    type Wait<'p> = NoWait<Self::Permit<'p>>;

    #[inline]
    fn try_admit(&self, _: &mut Attempt) -> Option<Self::Permit<'_>> {
        self.shared.try_acquire().ok().map(Unobserved)
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
        if self.shared.is_inert() {
            return inner;
        }
        let text = "refuses new calls once the shutdown has begun";
        inner.layer(PolicyKind::Shutdown, self.name(), text)
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        if !self.shared.is_inert() {
            each(Arc::new(self.clone()));
        }
    }

    fn heard_by(self, listeners: &Listeners) -> Self {
        Self { reporter: self.reporter.heard_by(listeners), ..self }
    }
}

impl Inspect for ShutdownGate {
    fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    fn measure(&self, measures: &mut dyn Measures) {
        if let Some(in_flight) = &self.shared.in_flight {
            let count = u32::try_from(in_flight.count()).unwrap_or(u32::MAX);
            measures.gauge(Gauge::InFlight, count.into());
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
