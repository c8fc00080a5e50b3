//! The refusal of new calls, as a policy of a pipeline.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use seawall_core::{
    Description, FromFuture, Lazy, Name, Policy, PolicyKind, Reason, Rejection, Reporter,
};

pub use config::ShutdownGateBuilder;
pub use future::{ShutdownGateCall, ShutdownGateFuture};
use token_flag::TokenFlag;

use crate::{InFlight, InFlightGuard};

mod config;
mod future;
mod token_flag;

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
pub struct ShutdownGate(Arc<Inner>);

struct Inner {
    reporter: Reporter,
    cancelled: Option<TokenFlag>,
    in_flight: Option<InFlight>,
}

impl ShutdownGate {
    /// A builder.
    pub fn builder() -> ShutdownGateBuilder {
        ShutdownGateBuilder::default()
    }

    /// The gate's name.
    pub fn name(&self) -> &Name {
        self.0.reporter.name()
    }

    /// Whether calls are refused.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.0.cancelled.as_ref().is_some_and(TokenFlag::is_set)
            || self.0.in_flight.as_ref().is_some_and(InFlight::is_closed)
    }

    /// Runs `future`, or refuses it. Nothing happens before the first poll.
    pub fn call<Fut, T, E>(
        &self,
        future: Fut,
    ) -> Lazy<ShutdownGateCall<'_, FromFuture<'static, Fut>>>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        Lazy::new(self.wrap(FromFuture::new(future, &seawall_core::AllTransient)))
    }

    /// Admits a call until the guard is dropped, for code that is no future.
    ///
    /// # Errors
    ///
    /// The rejection, with [`Reason::ShuttingDown`].
    #[inline]
    pub fn try_acquire(&self) -> Result<Option<InFlightGuard<'_>>, Rejection> {
        let inner = &*self.0;
        if inner.cancelled.as_ref().is_some_and(TokenFlag::is_set) {
            return Err(inner.refuse());
        }
        match &inner.in_flight {
            None => Ok(None),
            Some(in_flight) => match in_flight.try_acquire() {
                Ok(guard) => Ok(Some(guard)),
                Err(_) => Err(inner.refuse()),
            },
        }
    }
}

impl Inner {
    #[cold]
    fn refuse(&self) -> Rejection {
        self.reporter.refuse(Reason::ShuttingDown)
    }
}

impl Policy for ShutdownGate {
    type Wrapped<'p, Op> = ShutdownGateCall<'p, Op>;

    #[inline]
    fn wrap<Op>(&self, op: Op) -> ShutdownGateCall<'_, Op> {
        ShutdownGateCall { gate: self, op }
    }

    /// A gate with neither token nor counter does nothing and is left out.
    fn describe(&self, inner: Description) -> Description {
        if self.0.cancelled.is_none() && self.0.in_flight.is_none() {
            return inner;
        }
        let text = "refuses new calls once the shutdown has begun";
        inner.layer(PolicyKind::Shutdown, self.0.reporter.name(), text)
    }
}

impl fmt::Debug for ShutdownGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownGate")
            .field("name", self.0.reporter.name())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
