//! Who waits for which work: whoever is last to go settles the count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::places::{Place, Places};

/// What all calls share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) places: Arc<Places>,
    pub(super) abandoned: AtomicUsize,
    pub(super) refused: AtomicU64,
}

impl Shared {
    pub(super) fn new(max_running: usize) -> Self {
        Self {
            places: Arc::new(Places::new(max_running)),
            abandoned: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
        }
    }
}

/// Whether somebody waits for the work. Shared by both: whoever is last to go settles the count.
#[derive(Clone)]
pub(super) struct Waiting {
    shared: Arc<Shared>,
    state: Arc<AtomicUsize>,
}

/// Neither the caller nor the work has gone.
const BOTH: usize = 0;
/// The caller has gone: the work is counted as abandoned until it goes, too.
const CALLER_GONE: usize = 1;
/// The work is over.
const WORK_OVER: usize = 2;

impl Waiting {
    /// What the caller keeps and what the work keeps, which has taken `place`.
    pub(super) fn begin(shared: &Arc<Shared>, place: Place<Arc<Places>>) -> (Self, OverGuard) {
        let state = Arc::new(AtomicUsize::new(BOTH));
        let waiting = Self { shared: Arc::clone(shared), state };
        (waiting.clone(), OverGuard { waiting, _place: place })
    }

    pub(super) fn caller_goes(&self) {
        // AcqRel on both sides, so that exactly one of the two sees the other gone: an abandoned
        // count that is added by the one is taken off by the other, after it was added.
        self.shared.abandoned.fetch_add(1, Ordering::AcqRel);
        if self.state.swap(CALLER_GONE, Ordering::AcqRel) == WORK_OVER {
            self.shared.abandoned.fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn work_goes(&self) {
        if self.state.swap(WORK_OVER, Ordering::AcqRel) == CALLER_GONE {
            self.shared.abandoned.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// Dropped when the work is over, however it ended.
pub(super) struct OverGuard {
    waiting: Waiting,
    // Given back when the end is counted.
    _place: Place<Arc<Places>>,
}

impl Drop for OverGuard {
    fn drop(&mut self) {
        self.waiting.work_goes();
    }
}
