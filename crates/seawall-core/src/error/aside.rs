use std::fmt;
use std::mem::{ManuallyDrop, take};
use std::ops::{Deref, DerefMut};

/// What few errors carry, in a box that is dropped out of line.
///
/// Reads like the value; [`into_inner`](Self::into_inner) takes it out. Whoever makes an error of one
/// writes `Error::from(gave_up)`.
///
/// Each `Result` that a policy hands on is dropped somewhere, and the compiler writes out there what
/// dropping its error may take. For a plain `Box` that is dropping what it holds and freeing it, and
/// registers are saved for that whatever the error turns out to be. This is one call.
///
/// ```
/// use seawall_core::{Class, Error, GaveUp, PolicyKind, StopReason};
/// use std::time::Duration;
///
/// let last = Error::operation_failed("no route", Class::Transient);
/// let why = StopReason::Attempts;
/// let gave_up = GaveUp::new("inventory".into(), PolicyKind::Retry, why, 3, Duration::ZERO, last);
/// if let Error::GaveUp(gave_up) = Error::from(gave_up) {
///     assert_eq!(gave_up.attempts, 3);
///     assert_eq!(gave_up.into_inner().last.operation(), Some(&"no route"));
/// }
/// ```
// `None` only where it was taken out of, or is being dropped. Dropped by hand: what is in it does
// not have to be looked at again after it was taken.
pub struct Aside<T>(ManuallyDrop<Option<Box<T>>>);

impl<T> Aside<T> {
    /// Puts `value` on the heap.
    pub fn new(value: T) -> Self {
        Self::from(Box::new(value))
    }

    /// The value.
    #[must_use]
    pub fn into_inner(mut self) -> T {
        match take(&mut *self.0) {
            Some(value) => *value,
            None => gone(),
        }
    }
}

impl<T> Drop for Aside<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(value) = take(&mut *self.0) {
            drop_out_of_line(value);
        }
    }
}

#[cold]
#[inline(never)]
fn drop_out_of_line<T>(value: Box<T>) {
    drop(value);
}

#[cold]
fn gone() -> ! {
    unreachable!("a value is there until it is taken or dropped")
}

impl<T> Deref for Aside<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or_else(|| gone())
    }
}

impl<T> DerefMut for Aside<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_deref_mut().unwrap_or_else(|| gone())
    }
}

impl<T> From<Box<T>> for Aside<T> {
    fn from(value: Box<T>) -> Self {
        Self(ManuallyDrop::new(Some(value)))
    }
}

impl<T: fmt::Debug> fmt::Debug for Aside<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: fmt::Display> fmt::Display for Aside<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}
