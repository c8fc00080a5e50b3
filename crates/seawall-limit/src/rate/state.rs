//! What a rate limit keeps under its lock.

use std::ops::{Deref, DerefMut};

use super::fast_path::FastPath;
use super::machine::{Algorithm, Meter};
use super::quota::Quota;
use super::wait_queue::WaitQueue;
use seawall_core::sync::{Mutex, MutexGuard};

#[derive(Debug)]
pub(super) struct State {
    pub(super) meter: Meter,
    pub(super) queue: WaitQueue,
    pub(super) quota: Quota,
    pub(super) closed: bool,
}

/// The state, and the fast path by which permits are taken from it while nobody waits.
#[derive(Debug)]
pub(super) struct StateCell {
    pub(super) fast_path: FastPath,
    state: Mutex<State>,
}

/// The state with the fast path closed, so that the meter is up to date. Dropping it opens the fast
/// path, if nobody waits then.
pub(super) struct Locked<'s> {
    state: MutexGuard<'s, State>,
    fast_path: &'s FastPath,
    now: u64,
}

impl State {
    /// Whether a call may take a permit without waiting for others.
    pub(super) fn is_open(&self) -> bool {
        self.queue.is_empty() && !self.closed
    }

    /// Takes `permits` if they are there and nobody waits.
    pub(super) fn take(&mut self, now: u64, permits: u64) -> bool {
        self.is_open() && self.meter.take(now, permits).is_ok()
    }

    /// How many permits can be taken now: none while others wait.
    pub(super) fn available(&mut self, now: u64) -> u64 {
        if self.is_open() { self.meter.available(now) } else { 0 }
    }

    /// How many permits can be taken at once.
    pub(super) fn burst(&self) -> u64 {
        match self.meter {
            Meter::Gcra(_) => self.quota.burst,
            _ => self.quota.permits,
        }
    }
}

impl StateCell {
    pub(super) fn new(algorithm: Algorithm, quota: Quota) -> Self {
        let meter = Meter::new(algorithm, quota);
        let state = State { meter, queue: WaitQueue::default(), quota, closed: false };
        let cell = Self { fast_path: FastPath::new(), state: Mutex::new(state) };
        drop(cell.lock(0));
        cell
    }

    pub(super) fn lock(&self, now: u64) -> Locked<'_> {
        let mut state = self.state.lock();
        // Only GCRA ever opens the fast path.
        if let Meter::Gcra(meter) = &mut state.meter
            && let Some(tat) = self.fast_path.close()
        {
            meter.set_tat(tat);
        }
        Locked { state, fast_path: &self.fast_path, now }
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if let Meter::Gcra(meter) = &self.state.meter
            && self.state.is_open()
        {
            let (rate, tat) = meter.parts();
            self.fast_path.open(rate, tat, self.now);
        }
    }
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}
