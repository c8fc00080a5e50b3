//! The outermost layer.

use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use seawall_core::{
    AllTransient, Class, Description, Error, FromFuture, Lazy, Name, Policy, PolicyKind,
};

use super::watch::{Watch, WatchedCall};
use super::{Classes, inside};
use crate::Capture;

/// Captures the final failure of a call. The outermost layer of a pipeline; see
/// [the module](super) for what is captured and what is not.
///
/// The record's source is the policy's name, its location where the policy was made, its value
/// `circuit` the state of the breaker of that name, where a
/// [listener](super::CaptureListener) heard of it. The [context](crate::Context) of the call is in
/// it. A call that
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
/// let orders = capture.final_failures("orders");
/// let result = orders.call(async { Err::<(), _>(std::io::Error::other("no route")) }).await;
/// assert!(result.is_err());
/// assert_eq!(store.totals().held, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CaptureFailures(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    capture: Capture,
    name: Name,
    location: &'static Location<'static>,
    classes: Option<Classes>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("name", &self.name).finish_non_exhaustive()
    }
}

impl CaptureFailures {
    #[track_caller]
    pub(crate) fn new(capture: Capture, name: Name) -> Self {
        Self(Arc::new(Inner { capture, name, location: Location::caller(), classes: None }))
    }

    /// Which failures are captured here, by their class, instead of what the
    /// [capture](crate::CaptureBuilder::classes) says.
    #[must_use]
    pub fn classes(mut self, captures: impl Fn(Class) -> bool + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.0).classes = Some(Arc::new(captures));
        self
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

impl Watch for CaptureFailures {
    fn during<R>(&self, step: impl FnOnce() -> R) -> R {
        inside(step)
    }

    #[cold]
    fn failed<E: StdError + 'static>(&self, error: &Error<E>) {
        let Inner { capture, name, location, classes } = &*self.0;
        if capture.is_final(error.class(), classes.as_ref()) {
            capture.failure_at(error, location, |record| {
                record.set_source(name.as_str());
                if let Some(state) = capture.circuits().get(name) {
                    record.set_value("circuit", state.as_str());
                }
            });
        }
    }
}

impl Policy for CaptureFailures {
    type Wrapped<'p, Op> = WatchedCall<'p, Self, Op>;

    fn wrap<Op>(&self, op: Op) -> WatchedCall<'_, Self, Op> {
        WatchedCall::new(op, self)
    }

    fn describe(&self, inner: Description) -> Description {
        inner.layer(PolicyKind::Capture, &self.0.name, "captures final failures")
    }
}
