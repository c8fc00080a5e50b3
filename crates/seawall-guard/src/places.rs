//! How much may be under way at once.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of places.
#[derive(Debug)]
pub(crate) struct Places {
    max: usize,
    taken: AtomicUsize,
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Place<P: Deref<Target = Places>>(P);

impl Places {
    pub(crate) const UNLIMITED: usize = usize::MAX;

    pub(crate) const fn new(max: usize) -> Self {
        Self { max, taken: AtomicUsize::new(0) }
    }

    pub(crate) const fn max(&self) -> usize {
        self.max
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Takes a place, unless all are taken.
    pub(crate) fn take<P: Deref<Target = Self>>(places: P) -> Option<Place<P>> {
        // Relaxed: the count guards no other memory.
        let taken = places.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            (taken < places.max).then_some(taken + 1)
        });
        taken.is_ok().then(|| Place(places))
    }
}

impl<P: Deref<Target = Places>> Drop for Place<P> {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}
