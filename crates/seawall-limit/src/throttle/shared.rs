//! What the clones of a throttle share.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use seawall_core::{
    Evidence, Listeners, Name, PolicyKind, Random, Reason, Rejection, Rule, Timeline,
};
use tokio::time::Instant;

use super::machine::{Part, Ratio};
use super::{ThrottlePermit, ThrottleSnapshot};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) name: Name,
    pub(super) settings: Arc<Settings>,
    pub(super) ratio: Mutex<Ratio>,
}

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) k: f64,
    pub(super) min_requests: u32,
    pub(super) window: Duration,
    pub(super) width: u64,
    pub(super) max_probability: f64,
    pub(super) random: Random,
    pub(super) listeners: Listeners,
    pub(super) time: Timeline,
}

impl Shared {
    pub(super) fn new(name: Name, settings: Arc<Settings>) -> Self {
        Self { name, settings, ratio: Mutex::new(Ratio::new()) }
    }

    fn lock_at(&self, now: Instant) -> MutexGuard<'_, Ratio> {
        let now = self.settings.time.at(now);
        let mut ratio = self.ratio.lock();
        ratio.advance(now, self.settings.width);
        ratio
    }

    /// The probability with which to shed the next call.
    pub(super) fn probability(&self, now: Instant) -> f64 {
        let Settings { k, min_requests, max_probability, .. } = *self.settings;
        self.lock_at(now).probability(k, min_requests).min(max_probability)
    }

    pub(super) fn acquire(&self, now: Instant) -> Result<ThrottlePermit<'_>, Rejection> {
        let probability = self.probability(now);
        if probability > 0.0 && self.settings.random.unit() < probability {
            return Err(self.refuse(probability));
        }
        Ok(ThrottlePermit::new(&self.ratio))
    }

    fn refuse(&self, probability: f64) -> Rejection {
        let requests = {
            let mut ratio = self.ratio.lock();
            ratio.record(false);
            ratio.sum().requests
        };
        let Settings { max_probability, listeners, .. } = &*self.settings;
        let evidence =
            Evidence::new(Rule::ShedProbability, probability, *max_probability, requests);
        let rejection = Rejection::new(self.name.clone(), PolicyKind::Throttle, Reason::Shed);
        listeners.rejected(rejection.because(evidence))
    }

    pub(super) fn snapshot(&self) -> ThrottleSnapshot {
        let Settings { k, min_requests, max_probability, .. } = *self.settings;
        let ratio = self.lock_at(Instant::now());
        let Part { requests, accepts } = ratio.sum();
        let probability = ratio.probability(k, min_requests).min(max_probability);
        ThrottleSnapshot { requests, accepts, probability }
    }
}
