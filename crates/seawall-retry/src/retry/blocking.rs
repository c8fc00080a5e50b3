//! The form for threads that may block.

use seawall_core::{AllTransient, Attempt, Error, PolicyExt};

use super::Retry;

impl Retry {
    /// [`call`](Self::call) for threads that may block: the same attempts, delays, budget, events
    /// and errors. Waits by putting the thread to sleep; a shutdown wakes it at once. Needs no
    /// runtime.
    ///
    /// All errors are transient; [`classify`](seawall_core::PolicyExt::classify) tells them apart, and
    /// [`Classified::call_blocking`](seawall_core::Classified::call_blocking) calls by that.
    ///
    /// ```
    /// use seawall_retry::{Backoff, Retry};
    ///
    /// let retry = Retry::builder().idempotent().backoff(Backoff::none()).build()?;
    /// let mut calls = 0;
    /// let answer = retry.call_blocking(|| {
    ///     calls += 1;
    ///     if calls < 3 { Err("not yet") } else { Ok(42) }
    /// });
    /// assert_eq!(answer.ok(), Some(42));
    /// # Ok::<(), seawall_core::ConfigError>(())
    /// ```
    pub fn call_blocking<T, E>(
        &self,
        operation: impl FnMut() -> Result<T, E>,
    ) -> Result<T, Error<E>> {
        self.classify(AllTransient).call_blocking(operation)
    }

    /// [`call_blocking`](Self::call_blocking) for a closure that takes the [`Attempt`].
    pub fn call_blocking_with<T, E>(
        &self,
        operation: impl FnMut(Attempt) -> Result<T, E>,
    ) -> Result<T, Error<E>> {
        self.classify(AllTransient).call_blocking_with(operation)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::{Duration, Instant};

    use seawall_core::{Backoff, StopReason};
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[test]
    fn it_waits_as_long_as_the_async_form_and_gives_up_alike() {
        let wait = Duration::from_millis(20);
        let retry = Retry::builder().idempotent().backoff(wait).build().unwrap();
        let mut numbers = Vec::new();
        let start = Instant::now();
        let outcome = retry.call_blocking_with(|attempt| {
            numbers.push(attempt.number());
            Err::<(), _>("down")
        });
        assert!(start.elapsed() >= 2 * wait);
        assert_eq!(numbers, [1, 2, 3]);
        let error = outcome.unwrap_err();
        let gave_up = error.gave_up().unwrap();
        assert_eq!(gave_up.why, StopReason::Attempts);
        assert!(gave_up.elapsed >= 2 * wait);
        assert_eq!(error.operation(), Some(&"down"));
    }

    #[test]
    fn a_shutdown_wakes_the_sleeper_at_once_and_keeps_the_last_error() {
        let token = CancellationToken::new();
        let retry = Retry::builder()
            .idempotent()
            .backoff(Backoff::constant(Duration::from_hours(1)))
            .shutdown(token.clone())
            .build()
            .unwrap();
        let start = Instant::now();
        let other = thread::spawn(move || token.cancel());
        let error = retry.call_blocking(|| Err::<(), _>("down")).unwrap_err();
        assert!(start.elapsed() < Duration::from_mins(1));
        assert_eq!(error.gave_up().unwrap().why, StopReason::Shutdown);
        assert_eq!(error.operation(), Some(&"down"));
        other.join().unwrap();
    }
}
