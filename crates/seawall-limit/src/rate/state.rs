//! What a rate limit keeps under its lock.

use std::ops::{Deref, DerefMut};

use super::fast_path::Lane;
use super::gcra::Gcra;
use super::machine::{Algorithm, Meter};
use super::quota::Quota;
use super::wait_queue::Line;
use crate::sync::{Mutex, MutexGuard};

#[derive(Debug)]
pub(super) struct State {
    pub(super) meter: Meter,
    pub(super) line: Line,
    pub(super) quota: Quota,
    pub(super) closed: bool,
}

/// The state, and the lane by which permits are taken from it while nobody waits.
#[derive(Debug)]
pub(super) struct Shelter {
    pub(super) lane: Lane,
    state: Mutex<State>,
}

/// The state with the lane shut: all that is to be known is here. Opens it when dropped, if nobody
/// waits then.
pub(super) struct Locked<'s> {
    state: MutexGuard<'s, State>,
    lane: &'s Lane,
    now: u64,
}

impl State {
    /// Whether a call may take a permit without waiting for others.
    pub(super) fn is_open(&self) -> bool {
        self.line.is_empty() && !self.closed
    }

    pub(super) fn capacity(&self) -> u64 {
        match self.meter {
            Meter::Gcra(_) => self.quota.burst.get(),
            _ => self.quota.permits.get(),
        }
    }
}

impl Shelter {
    pub(super) fn new(algorithm: Algorithm, quota: Quota) -> Self {
        let meter = Meter::new(algorithm, quota);
        let state = State { meter, line: Line::default(), quota, closed: false };
        let shelter = Self { lane: Lane::new(), state: Mutex::new(state) };
        drop(shelter.lock(0));
        shelter
    }

    #[inline]
    pub(super) fn lock(&self, now: u64) -> Locked<'_> {
        let mut state = self.state.lock();
        if let Meter::Gcra(meter) = &mut state.meter {
            shut(&self.lane, meter);
        }
        Locked { state, lane: &self.lane, now }
    }

    /// The state for one who wants to know neither how much is taken nor to change anything.
    pub(super) fn peek(&self) -> impl Deref<Target = State> {
        self.state.lock()
    }
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Meter::Gcra(meter) = &self.state.meter
            && self.state.is_open()
        {
            open(self.lane, meter, self.now);
        }
    }
}

// Apart, as the other meters have no lane and go past it.

#[inline(never)]
fn shut(lane: &Lane, meter: &mut Gcra) {
    if let Some(tat) = lane.shut() {
        meter.set_tat(tat);
    }
}

#[inline(never)]
fn open(lane: &Lane, meter: &Gcra, now: u64) {
    let (rate, tat) = meter.parts();
    lane.open(rate, tat, now);
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
