use std::fmt::{self, Write};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use seawall_core::{
    Admission, Admit, Admitted, Attempt, ConfigError, Counted, Description, Evidence, Guarded,
    Inspect, Listeners, Name, Policy, PolicyKind, Reason, Rejection, Reporter, Rule,
};
use tokio::time::Instant;

use super::config::quota;
use super::fast_path::Take;
use super::machine::Algorithm;
use super::shared::Shared;
use super::{Acquire, RateLimitBuilder, RatePermit, Reservation};
use seawall_core::wakers::wake_all;

/// Admits a limited number of calls in a period. Clones share it. See the [chapter](crate::rate).
#[derive(Clone)]
pub struct RateLimit {
    pub(super) shared: Arc<Shared>,
    pub(super) reporter: Reporter,
}

/// How long a call waits that is refused for good.
pub(super) const NEVER: u64 = u64::MAX;

/// The state of a rate limit at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimitSnapshot {
    /// How many permits a period grants.
    pub permits: u64,
    /// The period.
    pub period: Duration,
    /// How many permits can be taken at once.
    pub burst: u64,
    /// How many permits could be taken now: none while calls wait.
    pub available: u64,
    /// How many calls wait.
    pub queued: usize,
    /// How many calls were refused since it was built.
    pub refused: u64,
}

impl RateLimit {
    pub(super) fn of(shared: Shared, reporter: Reporter) -> Self {
        Self { shared: Arc::new(shared), reporter }
    }

    /// Starts a rate limit.
    pub fn builder() -> RateLimitBuilder {
        RateLimitBuilder::default()
    }

    /// Takes one permit now, or says when there will be one.
    ///
    /// Needs no runtime and works in blocking code. Refused while other calls wait: it overtakes
    /// none.
    #[inline]
    pub fn try_acquire(&self) -> Result<(), Rejection> {
        self.take_now(Instant::now())
    }

    /// Takes `permits` permits now, all or none. More than a burst are refused without a time to try
    /// again. 0 permits are always granted, until the limit is [closed](Self::close).
    pub fn try_acquire_many(&self, permits: u64) -> Result<(), Rejection> {
        self.take_many(self.shared.time.now(), permits)
    }

    /// Waits for a permit, within the longest wait. Refused at once if that can't succeed, or if
    /// there is no queue and no permit.
    pub const fn acquire(&self) -> Acquire<'_> {
        Acquire::new(self)
    }

    /// Reserves `permits` permits: a place in the queue, to be claimed when its time has come.
    /// Refused at once if that is later than the longest wait. For blocking code, and for callers
    /// that do something else in the time.
    pub fn reserve(&self, permits: u64) -> Result<Reservation<'_>, Rejection> {
        let now = Instant::now();
        Reservation::new(self, permits, now, None)
    }

    /// Runs `future` once the rate admits it.
    pub fn call<Fut, T, E>(&self, future: Fut) -> Guarded<'_, Self, Fut>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        Guarded::new(self, future)
    }

    /// Takes over what the server says is left of its own count, such as `X-RateLimit-Remaining: 3`:
    /// permits beyond `left` are taken. It never adds any, as calls that are on their way are not in the
    /// server's count yet. While calls wait there is nothing to take, and nothing happens.
    ///
    /// ```
    /// use seawall_limit::RateLimit;
    ///
    /// let limit = RateLimit::builder().per_second(10).build()?;
    /// limit.leave_at_most(3); // Another process used the rest.
    /// assert_eq!(limit.snapshot().available, 3);
    /// # Ok::<(), seawall_core::ConfigError>(())
    /// ```
    pub fn leave_at_most(&self, left: u64) {
        let now = self.shared.time.now();
        let mut state = self.shared.lock(now);
        let beyond = state.available(now).saturating_sub(left);
        state.take(now, beyond);
    }

    /// Sets another rate. Permits that were taken stay taken; calls that wait keep their places. With
    /// [`Algorithm::Gcra`] the burst becomes `permits`; use
    /// [`set_rate_and_burst`](Self::set_rate_and_burst) for another.
    pub fn set_rate(&self, permits: u64, period: Duration) -> Result<(), ConfigError> {
        self.set_quota(permits, period, None)
    }

    /// Sets another rate and another burst. Only for [`Algorithm::Gcra`].
    pub fn set_rate_and_burst(
        &self,
        permits: u64,
        period: Duration,
        burst: u64,
    ) -> Result<(), ConfigError> {
        self.set_quota(permits, period, Some(burst))
    }

    fn set_quota(
        &self,
        permits: u64,
        period: Duration,
        burst: Option<u64>,
    ) -> Result<(), ConfigError> {
        let quota = quota(self.shared.algorithm, permits, period, burst)
            .map_err(|error| error.of(self.name()))?;
        let now = self.shared.time.now();
        let wakers = {
            let mut state = self.shared.lock(now);
            state.quota = quota;
            self.shared.shown.store(quota.shown().to_bits(), Ordering::Relaxed);
            state.meter.set_quota(quota, now);
            let burst = state.burst();
            state.queue.evict_above(burst)
        };
        wake_all(wakers);
        Ok(())
    }

    /// Refuses every call from now on with "shutting down", including those that wait.
    pub fn close(&self) {
        let wakers = {
            let mut state = self.shared.lock(self.shared.time.now());
            state.closed = true;
            state.queue.wakers()
        };
        wake_all(wakers);
    }

    /// Its state now.
    pub fn snapshot(&self) -> RateLimitSnapshot {
        let now = self.shared.time.now();
        let mut state = self.shared.lock(now);
        RateLimitSnapshot {
            permits: state.quota.permits,
            period: Duration::from_nanos(state.quota.period),
            burst: state.burst(),
            available: state.available(now),
            queued: state.queue.len(),
            refused: self.shared.refused.load(Ordering::Relaxed),
        }
    }

    /// Takes one permit, or refuses.
    #[inline]
    fn take_now(&self, now: Instant) -> Result<(), Rejection> {
        let now = self.shared.time.at(now);
        match self.shared.state.fast_path.take(now) {
            Take::Taken => Ok(()),
            Take::NotYet(wait) => Err(self.refuse(Reason::RateLimited, wait, 0)),
            Take::Closed => self.take_many(now, 1),
        }
    }

    /// Takes all of `permits` under the lock, or refuses.
    fn take_many(&self, now: u64, permits: u64) -> Result<(), Rejection> {
        let mut state = self.shared.lock(now);
        if state.take(now, permits) {
            return Ok(());
        }
        if state.closed {
            drop(state);
            return Err(self.refuse(Reason::ShuttingDown, NEVER, 0));
        }
        if permits == 0 {
            return Ok(());
        }
        let fits = permits <= state.burst();
        let (ahead, waiting) = (state.queue.permits(), state.queue.len());
        let wait = if fits { state.meter.due(now, ahead, permits) - now } else { NEVER };
        drop(state);
        Err(self.refuse(Reason::RateLimited, wait, waiting))
    }

    /// Counts a refusal and reports it; `wait` is in nanoseconds. Call it without the lock.
    pub(super) fn refuse(&self, reason: Reason, wait: u64, waiting: usize) -> Rejection {
        let shared = &self.shared;
        shared.refused.fetch_add(1, Ordering::Relaxed);
        self.reporter.count(Counted::Refused(reason));
        let rate = f64::from_bits(shared.shown.load(Ordering::Relaxed));
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        let evidence = Evidence::new(Rule::Rate, rate, rate, waiting);
        let rejection = self.reporter.rejection(reason).because(evidence);
        self.reporter.refused(rejection.retry_in_nanos(wait))
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        self.reporter.name()
    }

    /// The listeners that receive its events.
    pub fn listeners(&self) -> &Listeners {
        self.reporter.listeners()
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("name", self.name())
            .field("algorithm", &self.shared.algorithm)
            .field("snapshot", &self.snapshot())
            .finish_non_exhaustive()
    }
}

impl Admit for RateLimit {
    type Permit<'p> = RatePermit;
    type Wait<'p> = Acquire<'p>;

    #[inline]
    fn try_admit(&self, attempt: &mut Attempt) -> Option<RatePermit> {
        let now = self.shared.time.at(attempt.began());
        (self.shared.state.fast_path.take(now) == Take::Taken).then_some(RatePermit(()))
    }

    fn admit(&self, attempt: &mut Attempt) -> Admission<RatePermit, Acquire<'_>> {
        let now = attempt.began();
        if self.shared.queue.is_some() {
            return Acquire::admit(self, attempt.deadline(), now);
        }
        match self.take_now(now) {
            Ok(()) => Admission::Granted(RatePermit(())),
            Err(rejection) => Admission::Refused(rejection),
        }
    }
}

impl Policy for RateLimit {
    type Wrapped<'p, Op> = Admitted<'p, Self, Op>;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        Admitted::new(self, op)
    }

    fn describe(&self, inner: Description) -> Description {
        let RateLimitSnapshot { permits, period, burst, .. } = self.snapshot();
        let counted = self.shared.algorithm.as_str();
        // Writing to a string can't fail.
        let mut text = format!("{permits} calls in {period:?}, counted {counted}");
        if self.shared.algorithm == Algorithm::Gcra {
            let _ = write!(text, ", {burst} at once");
        }
        let mut longest = inner.longest();
        if let Some((capacity, wait)) = self.shared.queue {
            let _ = write!(text, ", {capacity} more may wait {wait:?} at the longest");
            longest = longest.and_then(|longest| longest.checked_add(wait));
        }
        inner
            .layer_with(PolicyKind::RateLimit, self.name(), text, self.settings())
            .with_longest(longest)
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        each(Arc::new(self.clone()));
    }

    fn heard_by(self, listeners: &Listeners) -> Self {
        Self { reporter: self.reporter.heard_by(listeners), ..self }
    }
}
