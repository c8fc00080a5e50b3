//! Liveness: a heartbeat for each task that has to show that it makes progress.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::Shutdown;

/// All heartbeats of a coordinator.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heartbeats(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    list: Mutex<Vec<Weak<Pulse>>>,
    added: Notify,
}

/// What a heartbeat and its watchers share.
#[derive(Debug)]
struct Pulse {
    name: String,
    stall_after: Duration,
    born: Instant,
    /// Nanoseconds after `born`; 584 years of them fit.
    last: AtomicU64,
}

/// A task's heartbeat: it counts as stalled when it has not beaten for longer than its threshold,
/// until it beats again or is dropped.
#[derive(Debug)]
#[must_use = "a heartbeat that is dropped at once watches nothing"]
pub struct Heartbeat(Arc<Pulse>);

/// Whether the tasks that have a heartbeat make progress, as a state that can be watched. For a
/// liveness probe: answer 500 while anything is stalled. Clones watch the same.
#[derive(Clone, Debug)]
pub struct Liveness(Heartbeats);

/// A task whose heartbeat has been silent for longer than its threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stalled {
    /// Its name.
    pub name: String,
    /// The time since its last beat.
    pub silent_for: Duration,
}

impl Shutdown {
    /// A heartbeat called `name`, which counts as stalled when it has been silent for longer than
    /// `stall_after`. Choose several times what one turn of the task's loop takes at worst.
    pub fn heartbeat(&self, name: impl Into<String>, stall_after: Duration) -> Heartbeat {
        let pulse = Arc::new(Pulse {
            name: name.into(),
            stall_after,
            born: Instant::now(),
            last: AtomicU64::new(0),
        });
        let Heartbeats(shared) = &self.0.heartbeats;
        {
            let mut list = shared.list.lock();
            // Forget those that are gone, so that the list is as long as there are heartbeats.
            list.retain(|pulse| pulse.strong_count() > 0);
            list.push(Arc::downgrade(&pulse));
        }
        shared.added.notify_waiters();
        Heartbeat(pulse)
    }

    /// Whether the tasks that have a heartbeat make progress.
    pub fn liveness(&self) -> Liveness {
        Liveness(self.0.heartbeats.clone())
    }
}

impl Heartbeat {
    /// Shows that the task makes progress. One clock reading and one atomic store.
    pub fn beat(&self) {
        let at = Instant::now().saturating_duration_since(self.0.born);
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        // Relaxed: nothing else is published with the number.
        self.0.last.store(nanos, Ordering::Relaxed);
    }
}

impl Pulse {
    fn last(&self) -> Instant {
        self.born + Duration::from_nanos(self.last.load(Ordering::Relaxed))
    }

    /// When it counts as stalled unless it beats; `None` for never.
    fn stalls_at(&self) -> Option<Instant> {
        self.last().checked_add(self.stall_after)
    }

    fn stalled(&self, now: Instant) -> Option<Stalled> {
        let silent_for = now.saturating_duration_since(self.last());
        (silent_for > self.stall_after).then(|| Stalled { name: self.name.clone(), silent_for })
    }
}

impl Liveness {
    /// Whether nothing is stalled.
    pub fn is_alive(&self) -> bool {
        self.stalled().is_empty()
    }

    /// The tasks that are stalled now.
    pub fn stalled(&self) -> Vec<Stalled> {
        let now = Instant::now();
        self.pulses().iter().filter_map(|pulse| pulse.stalled(now)).collect()
    }

    /// Waits until a task is stalled, and gives all that are. Cancel safe.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime that has its timers enabled.
    pub async fn not_alive(&self) -> Vec<Stalled> {
        loop {
            let added = self.0.0.added.notified();
            let stalled = self.stalled();
            if !stalled.is_empty() {
                return stalled;
            }
            let next = self.pulses().iter().filter_map(|pulse| pulse.stalls_at()).min();
            match next {
                // Only more than the threshold is stalled, so look just after it.
                Some(at) => either(added, sleep_until(at + Duration::from_millis(1))).await,
                None => added.await,
            }
        }
    }

    fn pulses(&self) -> Vec<Arc<Pulse>> {
        let list = self.0.0.list.lock();
        list.iter().filter_map(Weak::upgrade).collect()
    }
}

/// Waits for the first of two.
async fn either(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|cx| {
        if one.as_mut().poll(cx).is_ready() { Poll::Ready(()) } else { other.as_mut().poll(cx) }
    })
    .await;
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' has been silent for {:.3?}", self.name, self.silent_for)
    }
}
