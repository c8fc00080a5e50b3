//! What is rarely there, kept out of the way of what happens always.

use std::mem::{ManuallyDrop, take};

/// A value that is rarely there, dropped out of line and by value.
///
/// Whoever polls a future inlines its drop as well, for the case that polling it panics. While that
/// is small and takes no reference to the future, the compiler can keep the future in registers;
/// with the drop of a box that holds timers in it, the whole future lives in memory.
#[derive(Debug)]
pub struct Rare<T>(ManuallyDrop<Option<T>>);

impl<T> Rare<T> {
    /// Nothing.
    #[inline]
    pub const fn none() -> Self {
        Self(ManuallyDrop::new(None))
    }

    /// A value that is there.
    #[inline]
    pub const fn some(value: T) -> Self {
        Self(ManuallyDrop::new(Some(value)))
    }

    /// The value, if it is there.
    #[inline]
    pub fn as_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()
    }

    /// The value, if it is there.
    #[inline]
    pub fn as_ref(&self) -> Option<&T> {
        self.0.as_ref()
    }

    /// Puts a value in the place of what was there.
    #[inline]
    pub fn put(&mut self, value: T) {
        if let Some(old) = self.0.replace(value) {
            drop_out_of_line(old);
        }
    }

    /// Takes the value out.
    #[inline]
    pub fn take(&mut self) -> Option<T> {
        take(&mut *self.0)
    }
}

impl<T> Drop for Rare<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(value) = self.take() {
            drop_out_of_line(value);
        }
    }
}

#[inline(never)]
fn drop_out_of_line<T>(value: T) {
    drop(value);
}
