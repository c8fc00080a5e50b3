use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use seawall_core::{
    Attempt, ConfigError, Description, Evidence, Layer, LayerContext, Listeners, Name, Policy,
    PolicyKind, Random, Reason, Rejection, Rule, Timeline,
};
use tokio::time::Instant;

use super::machine::{Part, Ratio};
use super::{ThrottleBuilder, ThrottlePermit};
use crate::admission::{Admission, Guarded, Limit, Limited, NoWait};

/// Sheds calls in proportion to how few a dependency accepts. Clones share it. See the
/// [chapter](crate::throttle).
#[derive(Clone, Debug)]
pub struct Throttle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: Name,
    settings: Arc<Settings>,
    ratio: Mutex<Ratio>,
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

/// What a throttle is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ThrottleSnapshot {
    /// Calls in the window, those that were shed included.
    pub requests: u32,
    /// Those of them that the dependency accepted.
    pub accepts: u32,
    /// The probability with which the next call is shed.
    pub probability: f64,
}

impl Throttle {
    /// Starts a throttle.
    pub fn builder() -> ThrottleBuilder {
        ThrottleBuilder::default()
    }

    pub(super) fn new(name: Name, settings: Arc<Settings>) -> Self {
        Self { shared: Arc::new(Shared { name, settings, ratio: Mutex::new(Ratio::new()) }) }
    }

    /// Whether nobody would notice if a new one took its place: it knows nothing, and this is its
    /// only handle.
    pub(super) fn is_replaceable(&self) -> bool {
        Arc::strong_count(&self.shared) == 1 && self.snapshot().requests == 0
    }

    /// A permit, or a refusal with the probability that it was drawn with.
    #[inline]
    pub fn try_acquire(&self) -> Result<ThrottlePermit<'_>, Rejection> {
        self.shared.admit(Instant::now())
    }

    /// Runs `future` unless it is shed.
    #[inline]
    pub fn call<Fut, T, E>(&self, future: Fut) -> Guarded<'_, Self, Fut>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        Guarded::new(self, future)
    }

    /// What it is doing.
    pub fn snapshot(&self) -> ThrottleSnapshot {
        self.shared.snapshot()
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.shared.name
    }

    /// Who is told of what it does.
    pub fn listeners(&self) -> &Listeners {
        &self.shared.settings.listeners
    }
}

impl Shared {
    #[inline]
    fn lock_at(&self, now: Instant) -> MutexGuard<'_, Ratio> {
        let now = self.settings.time.at(now);
        let mut ratio = self.ratio.lock();
        ratio.advance(now, self.settings.width);
        ratio
    }

    fn admit(&self, now: Instant) -> Result<ThrottlePermit<'_>, Rejection> {
        let Settings { k, min_requests, max_probability, random, .. } = &*self.settings;
        let probability = self.lock_at(now).probability(*k, *min_requests).min(*max_probability);
        if probability > 0.0 && random.unit() < probability {
            return Err(self.refuse(probability));
        }
        Ok(ThrottlePermit::new(&self.ratio))
    }

    #[cold]
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

    fn snapshot(&self) -> ThrottleSnapshot {
        let Settings { k, min_requests, max_probability, .. } = *self.settings;
        let ratio = self.lock_at(Instant::now());
        let Part { requests, accepts } = ratio.sum();
        let probability = ratio.probability(k, min_requests).min(max_probability);
        ThrottleSnapshot { requests, accepts, probability }
    }
}

impl Limit for Throttle {
    type Permit<'p> = ThrottlePermit<'p>;
    type Wait<'p> = NoWait<ThrottlePermit<'p>>;

    #[inline]
    fn admit_at_once(&self, attempt: &mut Attempt) -> Option<ThrottlePermit<'_>> {
        let shared = &*self.shared;
        let Settings { k, min_requests, .. } = *shared.settings;
        // In good health nothing is drawn.
        let healthy = shared.lock_at(attempt.began()).sheds_nothing(k, min_requests);
        healthy.then(|| ThrottlePermit::new(&shared.ratio))
    }

    #[inline]
    fn admit(&self, attempt: &mut Attempt) -> Admission<ThrottlePermit<'_>, Self::Wait<'_>> {
        match self.shared.admit(attempt.began()) {
            Ok(permit) => Admission::Granted(permit),
            Err(rejection) => Admission::Refused(rejection),
        }
    }
}

impl Policy for Throttle {
    type Wrapped<'p, Op> = Limited<'p, Self, Op>;

    #[inline]
    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        Limited::new(self, op)
    }

    fn describe(&self, inner: Description) -> Description {
        let Settings { k, window, .. } = &*self.shared.settings;
        let text = format!("{k} calls for each that was accepted in the last {window:?}");
        inner.layer(PolicyKind::Throttle, self.name(), text)
    }
}

impl Layer for Throttle {
    type Policy = Self;

    fn into_policy(self, _: &LayerContext) -> Result<Self, ConfigError> {
        Ok(self)
    }
}
