//! Guards for requests in flight.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use seawall_core::WakerSlot;

use crate::ShuttingDown;
use crate::closable_count::{ClosableCount, Closed};

/// Counts requests in flight, refuses new ones once it is closed, and says when none is left.
/// Clones share the count.
///
/// A request is counted in and out by one atomic operation each, on one word, without a lock and
/// without an allocation. It also works alone, without a coordinator:
///
/// ```
/// use seawall_shutdown::InFlight;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), seawall_shutdown::ShuttingDown> {
/// let requests = InFlight::new();
/// {
///     let _guard = requests.try_acquire()?;
///     assert_eq!(requests.count(), 1);
/// }
/// requests.close();
/// assert!(requests.try_acquire().is_err());
/// requests.drained().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct InFlight(Arc<ClosableCount>);

/// One request in flight, until it is dropped.
#[derive(Debug)]
#[must_use = "a guard that is dropped at once counts nothing"]
pub struct InFlightGuard<'a>(&'a ClosableCount);

/// One request in flight, until it is dropped; owns its share of the counter, so that it can move
/// into a task or a response body.
#[derive(Debug)]
#[must_use = "a guard that is dropped at once counts nothing"]
pub struct OwnedInFlightGuard(Arc<ClosableCount>);

impl InFlight {
    /// A counter that is open.
    pub fn new() -> Self {
        Self(Arc::new(ClosableCount::new()))
    }

    /// Counts a request in, until the guard is dropped.
    ///
    /// # Errors
    ///
    /// [`ShuttingDown`] once it is closed.
    #[inline]
    pub fn try_acquire(&self) -> Result<InFlightGuard<'_>, ShuttingDown> {
        match self.0.try_acquire() {
            Ok(()) => Ok(InFlightGuard(&self.0)),
            Err(Closed) => Err(ShuttingDown),
        }
    }

    /// [`try_acquire`](Self::try_acquire) with a guard that borrows nothing.
    ///
    /// # Errors
    ///
    /// [`ShuttingDown`] once it is closed.
    pub fn try_acquire_owned(&self) -> Result<OwnedInFlightGuard, ShuttingDown> {
        match self.0.try_acquire() {
            Ok(()) => Ok(OwnedInFlightGuard(Arc::clone(&self.0))),
            Err(Closed) => Err(ShuttingDown),
        }
    }

    /// How many requests are in flight.
    pub fn count(&self) -> usize {
        self.0.count()
    }

    /// Whether new requests are refused.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Refuses new requests from now on. Those in flight go on.
    pub fn close(&self) {
        self.0.close();
    }

    /// Waits until nothing is in flight. The counter is closed by then: an open one that is found
    /// empty is closed in the same step.
    ///
    /// Cancel safe: dropping it and calling it again loses nothing.
    pub fn drained(&self) -> Drained<'_> {
        Drained { count: &self.0, slot: WakerSlot::default() }
    }

    /// [`drained`](Self::drained) for the caller that drives the shutdown.
    pub(crate) fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_drained(&mut WakerSlot::driver(), cx)
    }
}

impl Default for InFlight {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InFlight")
            .field("count", &self.count())
            .field("closed", &self.is_closed())
            .finish()
    }
}

/// The future of [`InFlight::drained`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Drained<'a> {
    count: &'a ClosableCount,
    slot: WakerSlot,
}

impl Future for Drained<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let count = self.count;
        count.poll_drained(&mut self.slot, cx)
    }
}

impl Drop for Drained<'_> {
    fn drop(&mut self) {
        self.count.leave(&self.slot);
    }
}

impl Drop for InFlightGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.release();
    }
}

impl Drop for OwnedInFlightGuard {
    fn drop(&mut self) {
        self.0.release();
    }
}
