//! The last success, for a fallback that answers with it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Keeps the last success. Its type is hidden, so that a fallback without one asks nothing of `T`.
pub(super) trait Remember<T>: Send + Sync {
    /// Keeps a copy of `output` in the place of what was kept.
    fn remember(&self, output: &T);
    /// A copy of what is kept, unless it is too old.
    fn recall(&self) -> Option<T>;
    /// How long ago what is kept was kept.
    fn age(&self) -> Option<Duration>;
    fn forget(&self);
}

/// A memory for successes up to this age.
pub(super) fn memory<T>(max_age: Duration) -> Arc<dyn Remember<T>>
where
    T: Clone + Send + Sync + 'static,
{
    Arc::new(Memory { max_age, kept: Mutex::new(None) })
}

struct Memory<T> {
    max_age: Duration,
    // Shared, so that the code of `T` never runs under the lock.
    kept: Mutex<Option<Arc<Kept<T>>>>,
}

struct Kept<T> {
    output: T,
    at: Instant,
}

impl<T> Memory<T> {
    fn kept(&self) -> Option<Arc<Kept<T>>> {
        self.kept.lock().clone()
    }
}

impl<T: Clone + Send + Sync> Remember<T> for Memory<T> {
    fn remember(&self, output: &T) {
        let kept = Arc::new(Kept { output: output.clone(), at: Instant::now() });
        let old = self.kept.lock().replace(kept);
        drop(old);
    }

    fn recall(&self) -> Option<T> {
        let kept = self.kept()?;
        (kept.at.elapsed() <= self.max_age).then(|| kept.output.clone())
    }

    fn age(&self) -> Option<Duration> {
        self.kept().map(|kept| kept.at.elapsed())
    }

    fn forget(&self) {
        let old = self.kept.lock().take();
        drop(old);
    }
}
