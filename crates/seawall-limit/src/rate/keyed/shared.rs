//! What the clones of a keyed rate limit share.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use seawall_core::{
    Check, ConfigError, Evidence, PolicyKind, Reason, Rejection, Reporter, Rule, Timeline,
};

use super::cells::Cells;
use crate::rate::RateLimitBuilder;
use crate::rate::gcra::GcraRate;

pub(super) struct Shared<K> {
    pub(super) cells: Cells<K>,
    // Held while a permit is taken: the cells count in fractions that this rate defines.
    pub(super) rate: RwLock<GcraRate>,
    pub(super) time: Timeline,
    pub(super) reporter: Reporter,
    pub(super) refused: AtomicU64,
}

impl<K> Shared<K> {
    pub(super) fn new(rate: RateLimitBuilder, max_keys: usize) -> Result<Self, ConfigError> {
        let check = Check::of(PolicyKind::RateLimit);
        let (reporter, quota) = rate.into_keyed_parts()?;
        check
            .that(max_keys > 0, "max_keys", max_keys, "at least 1")
            .map_err(|error| error.of(reporter.name()))?;
        Ok(Self {
            cells: Cells::new(max_keys),
            rate: RwLock::new(GcraRate::new(quota)),
            time: Timeline::new(),
            reporter,
            refused: 0.into(),
        })
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "evidence is for people; a rate is a round figure"
    )]
    pub(super) fn refuse(&self, reporter: &Reporter, permits: u64, wait: u64) -> Rejection {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let limit = permits as f64;
        let evidence = Evidence::new(Rule::Rate, limit, limit, 0);
        let rejection = reporter.rejection(Reason::RateLimited).because(evidence);
        reporter.refused(rejection.retry_in_nanos(wait))
    }
}
