//! The bound over all bodies that are kept.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use super::Size;

/// How much is kept for all requests together. Clones share it; give one to several
/// [layers](super::ReplayLayer::memory) for one bound over all of them.
#[derive(Clone)]
pub struct ReplayMemory(Arc<Inner>);

struct Inner {
    limit: usize,
    // Relaxed: nothing else depends on these counts.
    held: AtomicUsize,
    peak: AtomicUsize,
    too_large: AtomicU64,
    no_room: AtomicU64,
}

/// What a [`ReplayMemory`] counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayTotals {
    /// Bytes that are kept now, with a fixed cost for each frame.
    pub held: usize,
    /// The most bytes that were kept at one time.
    pub peak: usize,
    /// Bodies that were not kept any longer because they outgrew the bound of a request.
    pub too_large: u64,
    /// Bodies that were not kept any longer because of the bound over all.
    pub no_room: u64,
}

impl ReplayMemory {
    /// The bound over all unless another is given: 64 MiB, a thousand bodies of the largest size that
    /// is kept.
    pub const DEFAULT_LIMIT: usize = 64 << 20;

    /// Room for `limit` bytes. With 0 no body is kept.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Inner {
            limit,
            held: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            too_large: AtomicU64::new(0),
            no_room: AtomicU64::new(0),
        }))
    }

    /// The bound, in bytes.
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// What was counted.
    pub fn totals(&self) -> ReplayTotals {
        ReplayTotals {
            held: self.0.held.load(Relaxed),
            peak: self.0.peak.load(Relaxed),
            too_large: self.0.too_large.load(Relaxed),
            no_room: self.0.no_room.load(Relaxed),
        }
    }
}

impl Default for ReplayMemory {
    fn default() -> Self {
        Self::new(Self::DEFAULT_LIMIT)
    }
}

/// What one request keeps.
#[derive(Debug)]
pub(super) struct Holding {
    memory: ReplayMemory,
    held: usize,
    limit: usize,
}

impl Holding {
    pub(super) const fn new(memory: ReplayMemory, limit: usize) -> Self {
        Self { memory, held: 0, limit }
    }

    /// Keeps `more` bytes, if there is room for them.
    pub(super) fn keep(&mut self, more: usize) -> bool {
        let inner = &self.memory.0;
        let Some(own) = self.held.checked_add(more).filter(|own| *own <= self.limit) else {
            inner.too_large.fetch_add(1, Relaxed);
            return false;
        };
        let room = |held: usize| held.checked_add(more).filter(|held| *held <= inner.limit);
        let Ok(before) = inner.held.fetch_update(Relaxed, Relaxed, room) else {
            inner.no_room.fetch_add(1, Relaxed);
            return false;
        };
        inner.peak.fetch_max(before + more, Relaxed);
        self.held = own;
        true
    }

    /// Gives back `less` of the bytes that were kept.
    pub(super) fn release(&mut self, less: usize) {
        self.held -= less;
        self.memory.0.held.fetch_sub(less, Relaxed);
    }

    pub(super) fn release_all(&mut self) {
        self.release(self.held);
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.release_all();
    }
}

impl fmt::Debug for ReplayMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayMemory")
            .field("limit", &self.0.limit)
            .field("totals", &self.totals())
            .finish()
    }
}

impl fmt::Display for ReplayMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.totals().held;
        write!(f, "{held} B of {} kept", Size(self.0.limit))
    }
}
