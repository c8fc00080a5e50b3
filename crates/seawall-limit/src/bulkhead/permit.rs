use std::mem;

use super::Bulkhead;
use seawall_core::Settle;

/// A call's right to be in flight. Dropping it, at any point, gives it back.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once protects nothing"]
pub struct Permit<'b> {
    bulkhead: &'b Bulkhead,
}

/// A [`Permit`] that borrows nothing, to be moved into a task.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once protects nothing"]
pub struct OwnedPermit {
    bulkhead: Bulkhead,
}

impl<'b> Permit<'b> {
    #[inline]
    pub(super) const fn new(bulkhead: &'b Bulkhead) -> Self {
        Self { bulkhead }
    }

    /// How many places it takes.
    pub const fn weight(&self) -> u32 {
        self.bulkhead.weight()
    }

    /// This permit, borrowing nothing.
    pub fn into_owned(self) -> OwnedPermit {
        let owned = OwnedPermit { bulkhead: self.bulkhead.clone() };
        // The owned permit has its place now.
        mem::forget(self);
        owned
    }
}

impl OwnedPermit {
    /// How many places it takes.
    pub const fn weight(&self) -> u32 {
        self.bulkhead.weight()
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.bulkhead.release();
    }
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        self.bulkhead.release();
    }
}

impl<T, E> Settle<T, E> for Permit<'_> {}
