//! What the clones of a bulkhead share.

use crate::semaphore::{Limiter, Priority};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) limiter: Limiter,
    /// For each priority, the part of the limit that it leaves free, in 65,536ths.
    pub(super) headroom: [u16; Priority::ALL.len()],
    pub(super) text: String,
}
