//! What keeps a sink that fails from feeding itself.

use std::cell::Cell;

thread_local! {
    /// How many deliveries this thread is in the middle of.
    static DELIVERING: Cell<u32> = const { Cell::new(0) };
}

/// Runs `deliver`, in which nothing is captured on this thread: a sink that fails, and captures
/// that, does not feed itself. What is captured all the same is counted in
/// [`Capture::recursions`](super::Capture::recursions).
///
/// ```
/// use seawall_capture::{Capture, Draft, delivering, store::{DropReason, Seen}};
///
/// # fn main() -> Result<(), seawall_core::ConfigError> {
/// let capture = Capture::builder().build()?;
/// let seen = delivering(|| capture.record(Draft::new("SinkFailed", "no route")));
/// assert_eq!(seen, Seen::Dropped(DropReason::Recursion));
/// # Ok(())
/// # }
/// ```
pub fn delivering<R>(deliver: impl FnOnce() -> R) -> R {
    struct Restore(u32);
    impl Drop for Restore {
        fn drop(&mut self) {
            let _ = DELIVERING.try_with(|depth| depth.set(self.0));
        }
    }
    let before = DELIVERING.try_with(|depth| depth.replace(depth.get().saturating_add(1)));
    let _restore = Restore(before.unwrap_or(0));
    deliver()
}

pub(super) fn is_delivering() -> bool {
    DELIVERING.try_with(Cell::get).is_ok_and(|depth| depth > 0)
}
