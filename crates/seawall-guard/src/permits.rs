//! How much may run at once.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

use seawall_core::{Evidence, Rule};

/// A bounded number of permits.
#[derive(Debug)]
pub(crate) struct Permits {
    max: usize,
    taken: AtomicUsize,
}

/// A permit, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit<P: Deref<Target = Permits>>(P);

impl Permits {
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

    /// Why a permit is refused.
    pub(crate) fn evidence(&self) -> Evidence {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).into();
        Evidence::new(Rule::InFlight, count(self.taken()), count(self.max), 0)
    }

    /// Takes a permit, unless all are taken.
    pub(crate) fn try_acquire<P: Deref<Target = Self>>(permits: P) -> Option<Permit<P>> {
        // Relaxed: the count guards no other memory.
        let taken = permits.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            (taken < permits.max).then_some(taken + 1)
        });
        taken.is_ok().then(|| Permit(permits))
    }
}

impl<P: Deref<Target = Permits>> Drop for Permit<P> {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}
