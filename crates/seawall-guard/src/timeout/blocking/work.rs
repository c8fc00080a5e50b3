//! A piece of work and its caller: whichever leaves last settles the count of abandoned work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Counts;
use crate::permits::{Permit, Permits};

/// Shared by a piece of work and its caller.
pub(super) struct Presence {
    counts: Arc<Counts>,
    /// Whether one of the two has left.
    alone: AtomicBool,
}

/// Held by a piece of work. Dropped when the work is over, or will never run.
pub(super) struct WorkGuard {
    presence: Arc<Presence>,
    // Given back after the end is counted.
    _permit: Permit<Arc<Permits>>,
}

impl Presence {
    pub(super) fn begin(
        counts: &Arc<Counts>,
        permit: Permit<Arc<Permits>>,
    ) -> (Arc<Self>, WorkGuard) {
        let presence = Arc::new(Self { counts: Arc::clone(counts), alone: AtomicBool::new(false) });
        (Arc::clone(&presence), WorkGuard { presence, _permit: permit })
    }

    /// The caller leaves before it has the outcome.
    pub(super) fn caller_leaves(&self) {
        self.counts.abandoned.fetch_add(1, Ordering::AcqRel);
        self.leave();
    }

    // AcqRel on both sides, so that exactly one of them sees that the other has left: what the
    // caller added is subtracted once, and only after it was added.
    fn leave(&self) {
        if self.alone.swap(true, Ordering::AcqRel) {
            self.counts.abandoned.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Drop for WorkGuard {
    fn drop(&mut self) {
        self.presence.leave();
    }
}
