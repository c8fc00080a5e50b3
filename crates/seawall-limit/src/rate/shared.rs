//! What the clones of a rate limit share.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use seawall_core::Timeline;
use tokio_util::sync::CancellationToken;

use super::machine::Algorithm;
use super::state::{Locked, StateCell};

pub(super) struct Shared {
    pub(super) state: StateCell,
    pub(super) refused: AtomicU64,
    /// The permits of a period as evidence shows them: the bits of an `f64`.
    pub(super) shown: AtomicU64,
    pub(super) time: Timeline,
    pub(super) algorithm: Algorithm,
    pub(super) shutdown: Option<CancellationToken>,
    /// How many calls may wait, and for how long.
    pub(super) queue: Option<(u32, Duration)>,
}

impl Shared {
    pub(super) fn lock(&self, now: u64) -> Locked<'_> {
        self.state.lock(now)
    }
}
