//! The outermost layer.

use std::error::Error as StdError;
use std::panic::Location;
use std::sync::Arc;

use seawall_core::{AllTransient, Description, Error, FromFuture, Lazy, Name, Policy, PolicyKind};

use super::inside;
use super::watch::{Watch, WatchedCall};
use crate::Capture;

/// Captures the failure that a call comes to in the end. The outermost layer of a pipeline; see
/// [the module](super) for what is captured and what is not.
///
/// The record's source is the policy's name, its location where the policy was made. A call that
/// succeeds pays for two accesses to a thread's own counter for each poll.
///
/// Dropping the call captures nothing.
///
/// ```
/// use seawall_capture::{Capture, MemoryStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::default();
/// let capture = Capture::builder().store(store.clone()).build()?;
/// let orders = capture.finals("orders");
/// let result = orders.call(async { Err::<(), _>(std::io::Error::other("no route")) }).await;
/// assert!(result.is_err());
/// assert_eq!(store.totals().held, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CaptureFinal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    capture: Capture,
    name: Name,
    location: &'static Location<'static>,
}

impl CaptureFinal {
    #[track_caller]
    pub(crate) fn new(capture: Capture, name: Name) -> Self {
        Self(Arc::new(Inner { capture, name, location: Location::caller() }))
    }

    /// The name.
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// Runs `future` by itself and captures its failure.
    pub fn call<Fut, T, E>(
        &self,
        future: Fut,
    ) -> Lazy<WatchedCall<'_, Self, FromFuture<'static, Fut>>>
    where
        Fut: Future<Output = Result<T, E>>,
        E: StdError + 'static,
    {
        Lazy::new(self.wrap(FromFuture::new(future, &AllTransient)))
    }
}

impl Watch for CaptureFinal {
    #[inline]
    fn during<R>(&self, step: impl FnOnce() -> R) -> R {
        inside(step)
    }

    #[cold]
    fn failed<E: StdError + 'static>(&self, error: &Error<E>) {
        let Inner { capture, name, location } = &*self.0;
        if capture.skips().is_final(error.class()) {
            capture.failure_at(error, location, |record| record.set_source(name.as_str()));
        }
    }
}

impl Policy for CaptureFinal {
    type Wrapped<'p, Op> = WatchedCall<'p, Self, Op>;

    #[inline]
    fn wrap<Op>(&self, op: Op) -> WatchedCall<'_, Self, Op> {
        WatchedCall::new(op, self)
    }

    fn describe(&self, inner: Description) -> Description {
        inner.layer(PolicyKind::Capture, &self.0.name, "captures final failures")
    }
}
