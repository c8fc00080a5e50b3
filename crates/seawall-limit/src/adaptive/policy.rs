use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use seawall_core::{
    Attempt, ConfigError, Description, Layer, LayerContext, Listeners, Name, Policy, PolicyKind,
    Rejection, Timeline,
};
use tokio::time::Instant;

use super::deadband::SharedCalm;
use super::permit::{AdaptivePermit, Call};
use super::state::{End, Ended, State};
use super::{AdaptiveLimitBuilder, Range};
use crate::admission::{Admission, Guarded, Limit, Limited, NoWait};
use crate::semaphore::{Demand, Entrance};

/// At most as many calls in flight as the dependency turns out to stand. Clones share it. See the
/// [chapter](crate::adaptive).
#[derive(Clone, Debug)]
pub struct AdaptiveLimit {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) entrance: Entrance,
    pub(super) state: Mutex<State>,
    pub(super) calm: SharedCalm,
    pub(super) time: Timeline,
    pub(super) range: Range,
    pub(super) shadow: bool,
    pub(super) would_refuse: AtomicU64,
    pub(super) missed: AtomicU64,
    pub(super) text: &'static str,
}

/// What an adaptive limit is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdaptiveLimitSnapshot {
    /// Calls in flight, those that linger included.
    pub in_flight: u32,
    /// The limit that the algorithm has arrived at.
    pub limit: u32,
    /// Calls that nobody waits for any longer, but that the dependency may still be at.
    pub lingering: usize,
    /// How many calls were refused since it was built.
    pub refused: u64,
    /// How many it would have refused, had it not been in shadow.
    pub would_refuse: u64,
    /// How many calls ended in the same moment as another, so that they were no sample.
    pub missed: u64,
}

impl AdaptiveLimit {
    /// Starts an adaptive limit.
    pub fn builder() -> AdaptiveLimitBuilder {
        AdaptiveLimitBuilder::default()
    }

    pub(super) fn from_shared(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }

    /// A permit, if there is room; else says how many calls are in flight.
    ///
    /// Tell it what the call came to, [`AdaptivePermit::success`] or one of the others: dropped, it
    /// counts as given up.
    pub fn try_acquire(&self) -> Result<AdaptivePermit<'_>, Rejection> {
        self.enter(&mut Attempt::first())
    }

    /// Runs `future` if there is room for it.
    #[inline]
    pub fn call<Fut, T, E>(&self, future: Fut) -> Guarded<'_, Self, Fut>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        Guarded::new(self, future)
    }

    /// What it is doing.
    pub fn snapshot(&self) -> AdaptiveLimitSnapshot {
        let shared = &*self.shared;
        let (limit, lingering) = {
            let state = shared.state.lock();
            (state.limit(), state.lingering())
        };
        AdaptiveLimitSnapshot {
            in_flight: shared.entrance.gate.word().in_flight(),
            limit,
            lingering,
            refused: shared.entrance.refused.load(Ordering::Relaxed),
            would_refuse: shared.would_refuse.load(Ordering::Relaxed),
            missed: shared.missed.load(Ordering::Relaxed),
        }
    }

    /// Refuses every call from now on with "shutting down".
    pub fn close(&self) {
        self.shared.entrance.gate.close();
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.shared.entrance.name
    }

    /// Who is told of what it does.
    pub fn listeners(&self) -> &Listeners {
        &self.shared.entrance.listeners
    }

    #[inline]
    fn enter(&self, attempt: &mut Attempt) -> Result<AdaptivePermit<'_>, Rejection> {
        match self.enter_at_once(attempt) {
            Some(permit) => Ok(permit),
            None => self.enter_after_reaping(attempt),
        }
    }

    #[inline]
    fn enter_at_once(&self, attempt: &mut Attempt) -> Option<AdaptivePermit<'_>> {
        let word = self.shared.entrance.gate.try_enter(&Demand::ONE).ok()?;
        let (began, in_flight) = (attempt.began(), word.in_flight());
        let patience = match attempt.deadline() {
            Some(deadline) => self.shared.time.between(began, deadline),
            None => 0,
        };
        if self.shared.shadow {
            self.shared.compare(in_flight);
        }
        Some(AdaptivePermit::new(self, Call { began, patience, in_flight }))
    }

    #[cold]
    fn enter_after_reaping(&self, attempt: &mut Attempt) -> Result<AdaptivePermit<'_>, Rejection> {
        let shared = &*self.shared;
        shared.reap(shared.time.at(attempt.began()));
        self.enter_at_once(attempt)
            .ok_or_else(|| shared.entrance.refuse_try(shared.entrance.gate.word()))
    }

    /// A call was answered.
    #[inline(always)]
    pub(super) fn answered(&self, call: Call) {
        let now = Instant::now();
        let took = self.shared.time.between(call.began, now);
        if self.shared.calm.get().covers(call.in_flight, took, call.patience) {
            self.leave();
        } else {
            self.end(call, now, End::Answered);
        }
    }

    /// Nobody waits for a call any longer.
    #[cold]
    pub(super) fn give_up(&self, call: Call) {
        self.end(call, Instant::now(), End::GivenUp);
    }

    /// A call is over that may change something.
    #[inline(never)]
    pub(super) fn end(&self, call: Call, now: Instant, end: End) {
        let Call { began, patience, in_flight } = call;
        let time = &self.shared.time;
        let (took, now) = (time.between(began, now), time.at(now));
        self.shared.end(&Ended { took, now, patience, in_flight, end });
    }

    /// A call is over that changes nothing.
    #[inline]
    pub(super) fn leave(&self) {
        self.shared.entrance.gate.leave(&Demand::ONE);
    }
}

impl Shared {
    fn end(&self, ended: &Ended) {
        let answered = ended.end == End::Answered;
        // A sample less does no harm; a call that has to wait for another does.
        let state = if answered { self.state.try_lock() } else { Some(self.state.lock()) };
        let Some(mut state) = state else {
            self.missed.fetch_add(1, Ordering::Relaxed);
            return self.entrance.gate.leave(&Demand::ONE);
        };
        let before = state.limit();
        let is_free = state.end(ended);
        let freed = state.freed(ended.now) + u32::from(is_free);
        let limit = state.limit();
        if limit != before && !self.shadow {
            // Under the lock, so that the limits arrive in order.
            self.entrance.gate.resize(limit);
        }
        self.calm.set(state.calm());
        drop(state);
        self.free(freed);
    }

    #[inline]
    fn free(&self, places: u32) {
        if places > 0 {
            self.entrance.gate.leave(&Demand { weight: places, ..Demand::ONE });
        }
    }

    fn reap(&self, now: u64) {
        let freed = self.state.lock().freed(now);
        self.free(freed);
    }

    #[cold]
    fn compare(&self, in_flight: u32) {
        if in_flight > self.state.lock().limit() {
            self.would_refuse.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Limit for AdaptiveLimit {
    type Permit<'p> = AdaptivePermit<'p>;
    type Wait<'p> = NoWait<AdaptivePermit<'p>>;

    #[inline]
    fn admit_at_once(&self, attempt: &mut Attempt) -> Option<AdaptivePermit<'_>> {
        self.enter_at_once(attempt)
    }

    #[inline]
    fn admit(&self, attempt: &mut Attempt) -> Admission<AdaptivePermit<'_>, Self::Wait<'_>> {
        match self.enter(attempt) {
            Ok(permit) => Admission::Granted(permit),
            Err(rejection) => Admission::Refused(rejection),
        }
    }
}

impl Policy for AdaptiveLimit {
    type Wrapped<'p, Op> = Limited<'p, Self, Op>;

    #[inline]
    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        Limited::new(self, op)
    }

    fn describe(&self, inner: Description) -> Description {
        let Range { min, max, initial } = self.shared.range;
        let shadow = if self.shared.shadow { ", in shadow" } else { "" };
        let algorithm = self.shared.text;
        let text = format!(
            "between {min} and {max} in flight, {initial} to begin with, adapted by {algorithm}{shadow}"
        );
        inner.layer(PolicyKind::AdaptiveLimit, self.name(), text)
    }
}

impl Layer for AdaptiveLimit {
    type Policy = Self;

    fn into_policy(self, _: &LayerContext) -> Result<Self, ConfigError> {
        Ok(self)
    }
}

#[cfg(all(test, not(seawall_loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_changes_nothing_does_not_ask_for_the_lock() {
        let limit = AdaptiveLimit::builder().initial(20).build().unwrap();
        let others: Vec<_> = (0..4).map(|_| limit.try_acquire().unwrap()).collect();
        let fifth = limit.try_acquire().unwrap();
        let sixth = limit.try_acquire().unwrap();
        let state = limit.shared.state.lock();
        fifth.success();
        sixth.success();
        assert_eq!(limit.shared.missed.load(Ordering::Relaxed), 0);
        for idle in others {
            idle.success();
        }
        assert_eq!(limit.shared.missed.load(Ordering::Relaxed), 4, "too few in flight");
        drop(state);
        assert_eq!((limit.snapshot().limit, limit.snapshot().in_flight), (20, 0));
    }
}
