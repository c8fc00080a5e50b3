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
pub(super) struct Shared {
    pub(super) settings: Arc<Settings>,
    pub(super) ratio: Mutex<Ratio>,
}

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) name: Name,
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
        ThrottleBuilder::new()
    }

    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self { shared: Arc::new(Shared { settings, ratio: Mutex::new(Ratio::new()) }) }
    }

    /// Whether it knows nothing that a new one does not.
    pub(super) fn is_idle(&self) -> bool {
        self.snapshot().requests == 0
    }

    /// A permit, or a refusal with the probability that it was drawn with.
    #[inline]
    pub fn try_acquire(&self) -> Result<ThrottlePermit<'_>, Rejection> {
        let Shared { settings, ratio } = &*self.shared;
        settings.admit(ratio, Instant::now())?;
        Ok(ThrottlePermit::new(ratio))
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
        self.shared.settings.snapshot(&self.shared.ratio)
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.shared.settings.name
    }

    /// Who is told of what it does.
    pub fn listeners(&self) -> &Listeners {
        &self.shared.settings.listeners
    }
}

impl Settings {
    #[inline]
    fn lock_at<'r>(&self, ratio: &'r Mutex<Ratio>, now: Instant) -> MutexGuard<'r, Ratio> {
        let now = self.time.at(now);
        let mut ratio = ratio.lock();
        ratio.advance(now, self.width);
        ratio
    }

    fn admit(&self, ratio: &Mutex<Ratio>, now: Instant) -> Result<(), Rejection> {
        let probability = self.lock_at(ratio, now).probability(self.k, self.min_requests);
        let probability = probability.min(self.max_probability);
        if probability > 0.0 && self.random.unit() < probability {
            return Err(self.refuse(ratio, probability));
        }
        Ok(())
    }

    #[cold]
    fn refuse(&self, ratio: &Mutex<Ratio>, probability: f64) -> Rejection {
        let requests = {
            let mut ratio = ratio.lock();
            ratio.record(false);
            ratio.sum().requests
        };
        let evidence =
            Evidence::new(Rule::ShedProbability, probability, self.max_probability, requests);
        let rejection = Rejection::new(self.name.clone(), PolicyKind::Throttle, Reason::Shed);
        self.listeners.rejected(rejection.because(evidence))
    }

    pub(super) fn snapshot(&self, ratio: &Mutex<Ratio>) -> ThrottleSnapshot {
        let mut ratio = ratio.lock();
        ratio.advance(self.time.now(), self.width);
        let Part { requests, accepts } = ratio.sum();
        let probability = ratio.probability(self.k, self.min_requests).min(self.max_probability);
        ThrottleSnapshot { requests, accepts, probability }
    }
}

impl Limit for Throttle {
    type Permit<'p> = ThrottlePermit<'p>;
    type Wait<'p> = NoWait<ThrottlePermit<'p>>;

    #[inline]
    fn admit_at_once(&self, attempt: &mut Attempt) -> Option<ThrottlePermit<'_>> {
        let Shared { settings, ratio } = &*self.shared;
        // In good health nothing is drawn.
        let healthy = settings
            .lock_at(ratio, attempt.began())
            .sheds_nothing(settings.k, settings.min_requests);
        healthy.then(|| ThrottlePermit::new(ratio))
    }

    #[inline]
    fn admit(&self, attempt: &mut Attempt) -> Admission<ThrottlePermit<'_>, Self::Wait<'_>> {
        let Shared { settings, ratio } = &*self.shared;
        match settings.admit(ratio, attempt.began()) {
            Ok(()) => Admission::Granted(ThrottlePermit::new(ratio)),
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
