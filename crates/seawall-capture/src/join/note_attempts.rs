//! The innermost layer.

use std::error::Error as StdError;
use std::sync::Arc;

use seawall_core::class::Health;
use seawall_core::{Description, Error, Name, Policy, PolicyKind};

use super::top::Top;
use super::watch::{Watch, WatchedCall};
use crate::Capture;

/// Notes what each attempt fails of, for the breaker of the same name: when that opens, the record
/// of it says not only how much failed, but what. Captures nothing.
///
/// It goes inside of the breaker and the retry, right around the operation. A success costs
/// nothing; a failure is fingerprinted, and counted among the [most
/// frequent](super::CaptureListener) since the breaker last opened.
#[derive(Clone, Debug)]
pub struct NoteAttempts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    capture: Capture,
    name: Name,
    top: Arc<Top>,
}

impl NoteAttempts {
    pub(crate) fn new(capture: Capture, name: Name, top: Arc<Top>) -> Self {
        Self(Arc::new(Inner { capture, name, top }))
    }

    /// The name: that of the breaker.
    pub fn name(&self) -> &Name {
        &self.0.name
    }
}

impl Watch for NoteAttempts {
    #[cold]
    fn failed<E: StdError + 'static>(&self, error: &Error<E>) {
        if error.class().health() == Health::Unhealthy {
            let Inner { capture, top, .. } = &*self.0;
            capture.look_at(error, |record| top.count(record));
        }
    }
}

impl Policy for NoteAttempts {
    type Wrapped<'p, Op> = WatchedCall<'p, Self, Op>;

    fn wrap<Op>(&self, op: Op) -> WatchedCall<'_, Self, Op> {
        WatchedCall::new(op, self)
    }

    fn describe(&self, inner: Description) -> Description {
        inner.layer(PolicyKind::Capture, &self.0.name, "notes what attempts fail of")
    }
}
