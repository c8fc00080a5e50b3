use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::sleep;

use crate::Alive;

/// What a scripted operation does in one attempt.
#[derive(Clone, Debug)]
pub struct Step<T, E> {
    delay: Option<Duration>,
    end: End<T, E>,
}

#[derive(Clone, Debug)]
enum End<T, E> {
    Ready(Result<T, E>),
    Panic(&'static str),
    Never,
}

impl<T, E> Step<T, E> {
    /// Succeeds at once.
    pub const fn ok(output: T) -> Self {
        Self { delay: None, end: End::Ready(Ok(output)) }
    }

    /// Fails at once.
    pub const fn err(error: E) -> Self {
        Self { delay: None, end: End::Ready(Err(error)) }
    }

    /// Ends with `result` after `delay`.
    pub const fn after(delay: Duration, result: Result<T, E>) -> Self {
        Self { delay: Some(delay), end: End::Ready(result) }
    }

    /// Panics with `message` when polled.
    pub const fn panic(message: &'static str) -> Self {
        Self { delay: None, end: End::Panic(message) }
    }

    /// Panics with `message` after `delay`.
    pub const fn panic_after(delay: Duration, message: &'static str) -> Self {
        Self { delay: Some(delay), end: End::Panic(message) }
    }

    /// Never ends.
    pub const fn never() -> Self {
        Self { delay: None, end: End::Never }
    }
}

/// An operation that follows a script, one step an attempt, and counts how the attempts ended. Clones
/// share the script.
///
/// The last step is repeated.
#[derive(Debug)]
pub struct Script<T, E>(Arc<Inner<T, E>>);

#[derive(Debug)]
struct Inner<T, E> {
    steps: Mutex<VecDeque<Step<T, E>>>,
    finished: AtomicUsize,
    alive: Alive,
}

impl<T, E> Clone for Script<T, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Clone, E: Clone> Script<T, E> {
    /// An operation that takes one of `steps` an attempt.
    ///
    /// # Panics
    ///
    /// If there is no step.
    pub fn new(steps: impl IntoIterator<Item = Step<T, E>>) -> Self {
        let steps: VecDeque<_> = steps.into_iter().collect();
        assert!(!steps.is_empty(), "a script needs at least one step");
        Self(Arc::new(Inner {
            steps: Mutex::new(steps),
            finished: AtomicUsize::new(0),
            alive: Alive::default(),
        }))
    }

    /// Starts the next attempt. It counts as started at once, not at its first poll.
    ///
    /// # Panics
    ///
    /// When polled, if the step is one that panics.
    pub fn run(&self) -> impl Future<Output = Result<T, E>> + use<T, E> {
        let token = self.0.alive.token();
        let step = {
            let mut steps = self.0.steps.lock();
            if steps.len() > 1 { steps.pop_front() } else { steps.front().cloned() }
        };
        let inner = Arc::clone(&self.0);
        async move {
            let _token = token;
            let Some(step) = step else { unreachable!("a script has at least one step") };
            if let Some(delay) = step.delay {
                sleep(delay).await;
            }
            match step.end {
                End::Ready(result) => {
                    inner.finished.fetch_add(1, Ordering::SeqCst);
                    result
                }
                End::Panic(message) => panic!("{message}"),
                End::Never => std::future::pending().await,
            }
        }
    }

    /// How many attempts were started.
    pub fn started(&self) -> usize {
        self.0.alive.ever()
    }

    /// How many attempts ended with a result.
    pub fn finished(&self) -> usize {
        self.0.finished.load(Ordering::SeqCst)
    }

    /// How many attempts run: started, and neither over nor dropped.
    pub fn running(&self) -> usize {
        self.0.alive.now()
    }
}
