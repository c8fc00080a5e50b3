//! What the clones of an adaptive limit share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};
use seawall_core::{Attempt, Rejection, Reporter, Timeline};

use super::deadband::SharedDeadband;
use super::state::{End, Ended, State};
use super::{Adaptive, Range};
use crate::semaphore::{Demand, Headroom, Limiter, MAX_LIMIT};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) limiter: Limiter,
    pub(super) headroom: Headroom,
    pub(super) state: Mutex<State>,
    pub(super) deadband: SharedDeadband,
    pub(super) time: Timeline,
    pub(super) shadow: AtomicBool,
    pub(super) would_refuse: AtomicU64,
    pub(super) missed: AtomicU64,
}

/// What is known of a call when it starts. Times are nanoseconds since the limit was built.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    began: u64,
    /// How long its caller waits; 0 if that is not known.
    patience: u64,
    /// Itself included.
    in_flight: u32,
}

impl Shared {
    #[inline]
    pub(super) fn is_shadow(&self) -> bool {
        self.shadow.load(Ordering::Relaxed)
    }

    /// Within which bounds, and by which algorithm.
    pub(super) fn adapts(&self) -> (Range, &'static str) {
        let state = self.state.lock();
        (state.adaptive().range(), state.adaptive().algorithm())
    }

    /// Goes on with other settings, and what was learned so far.
    pub(super) fn reconfigure(&self, adaptive: Adaptive, shadow: bool) {
        let mut state = self.state.lock();
        state.adapt_by(adaptive);
        self.shadow.store(shadow, Ordering::Relaxed);
        // Under the lock, so that the limits arrive in order.
        self.limiter.semaphore.resize(if shadow { MAX_LIMIT } else { state.limit() });
        self.deadband.set(state.deadband());
    }

    #[inline]
    pub(super) fn try_acquire(&self, attempt: &mut Attempt, demand: &Demand) -> Option<Call> {
        let in_flight = self.limiter.semaphore.try_acquire(demand).ok()?.in_flight();
        if self.is_shadow() {
            self.compare(in_flight);
        }
        let began = self.time.at(attempt.began());
        let waits = |deadline| self.time.at(deadline).saturating_sub(began);
        let patience = attempt.deadline().map_or(0, waits);
        Some(Call { began, patience, in_flight })
    }

    #[cold]
    fn compare(&self, in_flight: u32) {
        if in_flight > self.state.lock().limit() {
            self.would_refuse.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Tries once more, after the places that linger no longer were freed.
    #[cold]
    pub(super) fn acquire(
        &self,
        attempt: &mut Attempt,
        demand: &Demand,
        reporter: &Reporter,
    ) -> Result<Call, Rejection> {
        let freed = self.state.lock().freed(self.time.at(attempt.began()));
        self.release(freed);
        let refuse = || self.limiter.refuse_full(reporter, self.limiter.semaphore.word());
        self.try_acquire(attempt, demand).ok_or_else(refuse)
    }

    /// A call was answered.
    #[inline]
    pub(super) fn answered(&self, call: Call) {
        let now = self.time.now();
        let took = now.saturating_sub(call.began);
        if self.deadband.get().covers(call.in_flight, took, call.patience) {
            self.release(1);
        } else {
            self.end_at(now, call, End::Answered);
        }
    }

    /// A call has ended, and the limit may change by that.
    #[cold]
    pub(super) fn end(&self, call: Call, end: End) {
        self.end_at(self.time.now(), call, end);
    }

    fn end_at(&self, now: u64, call: Call, end: End) {
        // A sample less does no harm; a call that has to wait for another does.
        let answered = end == End::Answered;
        let state = if answered { self.state.try_lock() } else { Some(self.state.lock()) };
        let Some(state) = state else {
            self.missed.fetch_add(1, Ordering::Relaxed);
            return self.release(1);
        };
        let is_free = self.learn(state, now, call, end);
        self.release(u32::from(is_free));
    }

    /// The head of an answer is there: the limit learns of it, and the call keeps its place.
    pub(super) fn sample(&self, call: Call) {
        self.learn(self.state.lock(), self.time.now(), call, End::Answered);
    }

    /// Lets the limit learn of a call. Returns whether its place is free.
    fn learn(
        &self,
        mut state: MutexGuard<'_, State>,
        now: u64,
        Call { began, patience, in_flight }: Call,
        end: End,
    ) -> bool {
        let took = now.saturating_sub(began);
        let before = state.limit();
        let is_free = state.end(&Ended { took, now, patience, in_flight, end });
        let freed = state.freed(now);
        let limit = state.limit();
        if limit != before && !self.is_shadow() {
            // Under the lock, so that the limits arrive in order.
            self.limiter.semaphore.resize(limit);
        }
        self.deadband.set(state.deadband());
        drop(state);
        self.release(freed);
        is_free
    }

    /// Frees the places of calls that changed nothing else.
    #[inline]
    pub(super) fn release(&self, places: u32) {
        if places > 0 {
            self.limiter.semaphore.release(&Demand { weight: places, ..Demand::ONE });
        }
    }
}
