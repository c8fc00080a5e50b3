//! Disposing of panic payloads.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many payloads are dropped one after the other, where dropping one throws the next, before
/// the last is leaked. One is bad luck, a second a strange type; a type that throws more often never
/// stops.
pub const MAX_DISPOSALS: usize = 8;

static LEAKED: AtomicU64 = AtomicU64::new(0);

/// How many payloads this process has leaked because dropping them panicked again and again.
pub fn leaked_payloads() -> u64 {
    LEAKED.load(Ordering::Relaxed)
}

/// A payload that is disposed of safely when it is dropped.
pub(super) struct Payload(Option<Box<dyn Any + Send>>);

impl Payload {
    pub(super) fn new(payload: Box<dyn Any + Send>) -> Self {
        Self(Some(payload))
    }

    pub(super) fn into_inner(mut self) -> Box<dyn Any + Send> {
        self.0.take().unwrap_or_else(|| Box::new(()))
    }

    pub(super) fn as_ref(&self) -> &(dyn Any + Send) {
        // Taken only by `drop`; the unit stands in where the type can't say so.
        self.0.as_deref().unwrap_or(&())
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        if let Some(payload) = self.0.take() {
            dispose(payload);
        }
    }
}

/// Drops `payload`, the payload that its drop throws, and so on; leaks the one that is left after
/// [`MAX_DISPOSALS`].
#[cold]
pub(super) fn dispose(payload: Box<dyn Any + Send>) {
    let mut payload = payload;
    for _ in 0..MAX_DISPOSALS {
        match catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            Ok(()) => return,
            Err(next) => payload = next,
        }
    }
    std::mem::forget(payload);
    LEAKED.fetch_add(1, Ordering::Relaxed);
}
