//! What the clones of a bulkhead share.

use crate::semaphore::{Headroom, Limiter};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) limiter: Limiter,
    pub(super) headroom: Headroom,
    pub(super) text: String,
}
