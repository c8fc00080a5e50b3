//! Wakes the writer when there is something to write.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// What is too long for the clock is as long as this.
const NEVER: Duration = Duration::from_hours(365 * 24);

#[derive(Debug, Default)]
pub(crate) struct Signal {
    /// Whether there is news already: what spares all but the first the lock.
    news: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    news: bool,
    /// How many requests there were.
    requested: u64,
    /// How many of them the writer saw before it last began.
    begun: u64,
    stop: bool,
    ended: bool,
}

/// What was asked for when the writer began.
pub(super) struct Asked {
    pub(super) ticket: u64,
    pub(super) last: bool,
}

impl Signal {
    /// Something came that should be written soon. Waits for nothing but a lock that is held for a
    /// few instructions.
    pub(crate) fn news(&self) {
        // Relaxed: what is new is handed over under the source's own lock.
        if !self.news.swap(true, Ordering::Relaxed) {
            self.state.lock().news = true;
            self.changed.notify_all();
        }
    }

    /// Asks for everything to be written now. Gives the number of the request.
    pub(super) fn request(&self) -> u64 {
        let mut state = self.state.lock();
        state.requested += 1;
        self.changed.notify_all();
        state.requested
    }

    /// Asks for a last time, and waits until that is done or `within` is over.
    pub(super) fn stop(&self, within: Duration) {
        let deadline = Instant::now() + within;
        let mut state = self.state.lock();
        state.stop = true;
        self.changed.notify_all();
        while !state.ended && !self.changed.wait_until(&mut state, deadline).timed_out() {}
    }

    pub(super) fn begin(&self) -> Asked {
        let mut state = self.state.lock();
        state.news = false;
        self.news.store(false, Ordering::Relaxed);
        state.begun = state.requested;
        Asked { ticket: state.requested, last: state.stop }
    }

    /// Waits for a request; after `rest` for news as well; `most` at the longest.
    pub(super) fn wait(&self, rest: Duration, most: Duration) {
        let now = Instant::now();
        let later = |time: Duration| now.checked_add(time).unwrap_or(now + NEVER);
        let (rest, most) = (later(rest), later(most.max(rest)));
        let mut state = self.state.lock();
        loop {
            let now = Instant::now();
            if state.stop || state.requested > state.begun || now >= most {
                return;
            }
            let deadline = match state.news {
                true if now >= rest => return,
                true => rest,
                false => most,
            };
            self.changed.wait_until(&mut state, deadline);
        }
    }

    pub(super) fn end(&self) {
        self.state.lock().ended = true;
        self.changed.notify_all();
    }
}
