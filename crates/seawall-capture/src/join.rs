//! Joined to the policies: captured once, where a failure is final.
//!
//! | what | where it goes | what it does |
//! |---|---|---|
//! | [`CaptureFailures`] | the outermost layer of a pipeline | captures the failure that the caller gets |
//! | [`NoteAttempts`] | the innermost layer, right around the operation | notes what each attempt failed of, captures nothing |
//! | [`CaptureListener`] | a listener of the pipeline | captures breaker openings, and final failures where no `CaptureFailures` does |
//!
//! # Once
//!
//! - An attempt that fails and is followed by another is [counted](Skipped::retried), not captured.
//! - What is cancelled, and what the classifier calls ignored or permanent, is counted, not captured;
//!   [`CaptureBuilder::classes`](crate::CaptureBuilder::classes) says otherwise. A rejection
//!   by one of our own policies is ignored: the opening of the breaker is captured, not each call
//!   that it refuses.
//! - A [`CaptureFailures`] inside another leaves the failure to the outer one, where it may still be
//!   healed. So does the listener. They find each other on the task that polls them: what runs in a
//!   task of its own has to be captured there or here, not in both.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use seawall_core::{CircuitState, Class, Name, contain};

use crate::Capture;

pub use failures::CaptureFailures;
pub use listener::CaptureListener;
pub use note_attempts::NoteAttempts;
pub(crate) use top::Tops;
pub use watch::{Watch, WatchedCall, WatchedFuture};

mod failures;
mod listener;
mod note_attempts;
mod top;
mod watch;

thread_local! {
    /// How many `CaptureFailures` are being polled on this thread, one inside the other.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs `f` inside of a `CaptureFailures`.
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

/// Which final failures are captured.
pub(crate) type Classes = Arc<dyn Fn(Class) -> bool + Send + Sync>;

/// Those that say something of the service, and not of what it was asked.
pub(crate) fn default_classes(class: Class) -> bool {
    !matches!(class, Class::Permanent | Class::Ignored | Class::Cancelled)
}

impl Capture {
    /// Whether a failure of `class` is to be captured here; counts it if not.
    fn is_final(&self, class: Class, classes: Option<&Classes>) -> bool {
        let captures = || match classes {
            Some(classes) => classes(class),
            None => self.captures(class),
        };
        // Failures and panics that were asked for are captured.
        let is_final = !is_inside() && contain(captures).unwrap_or(true);
        if !is_final {
            self.skips().skip(class);
        }
        is_final
    }
}

/// How many breakers are known by name.
const CIRCUITS: usize = 256;

/// The states of the breakers that a listener heard of.
#[derive(Debug, Default)]
pub(crate) struct Circuits(Mutex<HashMap<Name, CircuitState>>);

impl Circuits {
    fn set(&self, name: &Name, state: CircuitState) {
        let mut circuits = self.0.lock();
        if circuits.len() < CIRCUITS || circuits.contains_key(name) {
            circuits.insert(name.clone(), state);
        }
    }

    fn get(&self, name: &Name) -> Option<CircuitState> {
        self.0.lock().get(name).copied()
    }
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
    /// Failures that are [permanent](Class::Permanent), or of another class that is [not
    /// captured](crate::CaptureBuilder::classes).
    pub permanent: u64,
    /// Failures that were left to a [`CaptureFailures`] further out.
    pub inner: u64,
}

#[derive(Default)]
pub(crate) struct SkipCounts {
    retried: AtomicU64,
    cancelled: AtomicU64,
    ignored: AtomicU64,
    permanent: AtomicU64,
    inner: AtomicU64,
}

impl SkipCounts {
    pub(crate) fn get(&self) -> Skipped {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Skipped {
            retried: load(&self.retried),
            cancelled: load(&self.cancelled),
            ignored: load(&self.ignored),
            permanent: load(&self.permanent),
            inner: load(&self.inner),
        }
    }

    fn retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }

    fn skip(&self, class: Class) {
        let skipped = match class {
            _ if is_inside() => &self.inner,
            Class::Cancelled => &self.cancelled,
            Class::Ignored => &self.ignored,
            _ => &self.permanent,
        };
        skipped.fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for SkipCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
