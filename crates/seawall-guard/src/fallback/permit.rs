//! How many fallbacks may be under way.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Places for fallbacks under way.
#[derive(Debug)]
pub(super) struct Places {
    max: usize,
    taken: AtomicUsize,
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Place<'p>(Option<&'p AtomicUsize>);

impl Places {
    pub(super) const UNLIMITED: usize = usize::MAX;

    pub(super) const fn new(max: usize) -> Self {
        Self { max, taken: AtomicUsize::new(0) }
    }

    pub(super) const fn max(&self) -> usize {
        self.max
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Takes a place, unless all are taken. Without a limit nothing is counted.
    pub(super) fn take(&self) -> Option<Place<'_>> {
        if self.max == Self::UNLIMITED {
            return Some(Place(None));
        }
        // Relaxed: the count guards no other memory.
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                (taken < self.max).then_some(taken + 1)
            })
            .ok()
            .map(|_| Place(Some(&self.taken)))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(taken) = self.0 {
            taken.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
