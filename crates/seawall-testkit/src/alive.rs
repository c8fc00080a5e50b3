use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts what is alive: give a [`Token`] to each value, and see whether all were dropped.
///
/// ```
/// use seawall_testkit::Alive;
///
/// let alive = Alive::default();
/// let token = alive.token();
/// assert_eq!((alive.now(), alive.ever()), (1, 1));
/// drop(token);
/// assert_eq!((alive.now(), alive.ever()), (0, 1));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Alive(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    now: AtomicUsize,
    ever: AtomicUsize,
}

/// Counts as alive until it is dropped.
#[derive(Debug)]
#[must_use = "a token that is dropped at once counts nothing"]
pub struct Token(Arc<Counts>);

impl Alive {
    /// A token, alive until it is dropped.
    pub fn token(&self) -> Token {
        self.0.now.fetch_add(1, Ordering::SeqCst);
        self.0.ever.fetch_add(1, Ordering::SeqCst);
        Token(Arc::clone(&self.0))
    }

    /// How many tokens are alive.
    pub fn now(&self) -> usize {
        self.0.now.load(Ordering::SeqCst)
    }

    /// How many tokens were made.
    pub fn ever(&self) -> usize {
        self.0.ever.load(Ordering::SeqCst)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}
