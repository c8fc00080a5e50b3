//! Liveness: a heartbeat for each task that is to show that it goes on.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::Shutdown;

/// The hearts that beat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hearts(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    list: Mutex<Vec<Weak<Heart>>>,
    added: Notify,
}

#[derive(Debug)]
struct Heart {
    name: String,
    stall_after: Duration,
    born: Instant,
    /// Nanoseconds after `born`; 584 years of them fit.
    last: AtomicU64,
}

/// A task's heartbeat: it is taken for stalled when it has not beaten for longer than its
/// threshold, until it beats again or is dropped.
#[derive(Debug)]
#[must_use = "a heart that is dropped at once watches nothing"]
pub struct Heartbeat(Arc<Heart>);

/// Whether the tasks that have a heartbeat go on, as a state that can be watched. For a liveness
/// probe: answer 500 while anything is stalled. Clones watch the same.
#[derive(Clone, Debug)]
pub struct Liveness(Hearts);

/// A task that has not shown for longer than its threshold that it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stalled {
    /// Its name.
    pub name: String,
    /// For how long it has been silent.
    pub silent_for: Duration,
}

impl Shutdown {
    /// A heartbeat called `name`, which is taken for stalled when it has been silent for longer
    /// than `stall_after`. Choose several times what a turn of the loop takes at worst.
    pub fn heartbeat(&self, name: impl Into<String>, stall_after: Duration) -> Heartbeat {
        let heart = Arc::new(Heart {
            name: name.into(),
            stall_after,
            born: Instant::now(),
            last: AtomicU64::new(0),
        });
        let hearts = &self.0.hearts.0;
        {
            let mut list = hearts.list.lock();
            // Forget those that are gone, so that the list is as long as there are hearts.
            list.retain(|heart| heart.strong_count() > 0);
            list.push(Arc::downgrade(&heart));
        }
        hearts.added.notify_waiters();
        Heartbeat(heart)
    }

    /// Whether the tasks that have a heartbeat go on.
    pub fn liveness(&self) -> Liveness {
        Liveness(self.0.hearts.clone())
    }
}

impl Heartbeat {
    /// Shows that the task goes on. One clock reading and one atomic store.
    #[inline]
    pub fn beat(&self) {
        let at = Instant::now().saturating_duration_since(self.0.born);
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        // Relaxed: the number says all there is to say.
        self.0.last.store(nanos, Ordering::Relaxed);
    }
}

impl Heart {
    fn last(&self) -> Instant {
        self.born + Duration::from_nanos(self.last.load(Ordering::Relaxed))
    }

    /// When it is taken for stalled unless it beats; `None` for never.
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

    /// Who is stalled now.
    pub fn stalled(&self) -> Vec<Stalled> {
        let now = Instant::now();
        let hearts = self.hearts();
        hearts.iter().filter_map(|heart| heart.stalled(now)).collect()
    }

    /// Waits until something is stalled, and says what. Cancel safe.
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
            let next = {
                let hearts = self.hearts();
                hearts.iter().filter_map(|heart| heart.stalls_at()).min()
            };
            match next {
                // Longer than the threshold is stalled, so look just after it.
                Some(at) => {
                    let sleep = sleep_until(at + Duration::from_millis(1));
                    first(added, sleep).await;
                }
                None => added.await,
            }
        }
    }

    fn hearts(&self) -> Vec<Arc<Heart>> {
        let list = self.0.0.list.lock();
        list.iter().filter_map(Weak::upgrade).collect()
    }
}

/// Waits for either.
async fn first(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (std::pin::pin!(one), std::pin::pin!(other));
    std::future::poll_fn(|cx| {
        if one.as_mut().poll(cx).is_ready() {
            return std::task::Poll::Ready(());
        }
        other.as_mut().poll(cx)
    })
    .await;
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' has been silent for {:.3?}", self.name, self.silent_for)
    }
}
