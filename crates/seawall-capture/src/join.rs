//! Joined to the policies: captured once, where a failure is final.
//!
//! | what | where it goes | what it does |
//! |---|---|---|
//! | [`CaptureFinal`] | the outermost layer of a pipeline | captures the failure that the caller gets |
//! | [`CaptureAttempts`] | the innermost layer, right around the operation | notes what each attempt failed of, captures nothing |
//! | [`CaptureListener`] | a listener of the pipeline | captures breaker openings, and final failures where no `CaptureFinal` does |
//!
//! # Once
//!
//! - An attempt that fails and is followed by another is [counted](Skipped::retried), not captured.
//! - What is cancelled, and what the classifier calls ignored, is counted, not captured. A rejection
//!   by one of our own policies is ignored: the opening of the breaker is captured, not each call
//!   that it refuses.
//! - A [`CaptureFinal`] inside another leaves the failure to the outer one, where it may still be
//!   healed. So does the listener. They find each other on the task that polls them: what runs in a
//!   task of its own has to be captured there or here, not in both.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use seawall_core::Class;

pub use attempts::CaptureAttempts;
pub use finals::CaptureFinal;
pub use listener::CaptureListener;
pub(crate) use top::Tops;
pub use watch::{Watch, WatchedCall, WatchedFuture};

mod attempts;
mod finals;
mod listener;
mod top;
mod watch;

thread_local! {
    /// How many `CaptureFinal` are being polled on this thread, one inside the other.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs `f` inside of a `CaptureFinal`.
#[inline]
fn inside<R>(f: impl FnOnce() -> R) -> R {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get().saturating_sub(1));
        }
    }
    DEPTH.set(DEPTH.get().saturating_add(1));
    let _leave = Leave;
    f()
}

fn is_inside() -> bool {
    DEPTH.get() > 0
}

/// What was not captured, on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// Attempts that another followed.
    pub retried: u64,
    /// Calls that were cancelled.
    pub cancelled: u64,
    /// Failures that are ignored, rejections by our own policies among them.
    pub ignored: u64,
    /// Failures that were left to a [`CaptureFinal`] further out.
    pub inner: u64,
}

#[derive(Default)]
pub(crate) struct SkipCounts {
    retried: AtomicU64,
    cancelled: AtomicU64,
    ignored: AtomicU64,
    inner: AtomicU64,
}

impl SkipCounts {
    pub(crate) fn get(&self) -> Skipped {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Skipped {
            retried: load(&self.retried),
            cancelled: load(&self.cancelled),
            ignored: load(&self.ignored),
            inner: load(&self.inner),
        }
    }

    fn retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a failure of `class` is to be captured here; counts it if not.
    fn is_final(&self, class: Class) -> bool {
        let skipped = if is_inside() {
            &self.inner
        } else {
            match class {
                Class::Cancelled => &self.cancelled,
                Class::Ignored => &self.ignored,
                _ => return true,
            }
        };
        skipped.fetch_add(1, Ordering::Relaxed);
        false
    }
}

impl fmt::Debug for SkipCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
