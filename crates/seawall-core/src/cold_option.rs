//! An `Option` that keeps its drop off the fast path.

use std::mem::{ManuallyDrop, take};

/// An `Option` whose drop is out of line, so that the common `None` costs one comparison.
///
/// Polling a future inlines its drop, too, for the case that polling panics. While that drop is
/// small and takes no reference to the future, the compiler can keep the future in registers; with
/// the drop of a box that holds timers in it, the whole future lies in memory.
#[derive(Debug)]
pub struct ColdOption<T>(ManuallyDrop<Option<T>>);

impl<T> ColdOption<T> {
    /// Nothing.
    pub const fn none() -> Self {
        Self(ManuallyDrop::new(None))
    }

    /// A value that is there.
    pub const fn some(value: T) -> Self {
        Self(ManuallyDrop::new(Some(value)))
    }

    /// The value, if it is there.
    pub fn as_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()
    }

    /// The value, if it is there.
    pub fn as_ref(&self) -> Option<&T> {
        self.0.as_ref()
    }

    /// Puts a value in the place of what was there.
    pub fn put(&mut self, value: T) {
        if let Some(old) = self.0.replace(value) {
            drop_out_of_line(old);
        }
    }

    /// Takes the value out.
    pub fn take(&mut self) -> Option<T> {
        take(&mut *self.0)
    }
}

impl<T> Drop for ColdOption<T> {
    #[inline]
    fn drop(&mut self) {
        // Taken only where there is something: `None` is not written again.
        if self.0.is_some()
            && let Some(value) = self.take()
        {
            drop_out_of_line(value);
        }
    }
}

#[inline(never)]
fn drop_out_of_line<T>(value: T) {
    drop(value);
}
