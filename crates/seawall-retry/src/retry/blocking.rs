//! The form for threads that may block.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use seawall_core::{AllTransient, Attempt, Classify, Error, Failure, StopReason};
use tokio_util::sync::CancellationToken;

use super::Retry;
use super::plan::Step;
use super::state::{RetryState, overslept};

impl Retry {
    /// [`call`](Self::call) for threads that may block: the same attempts, delays, budget, events
    /// and errors. Waits by putting the thread to sleep; a shutdown wakes it at once. Needs no
    /// runtime.
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
        mut operation: impl FnMut() -> Result<T, E>,
    ) -> Result<T, Error<E>> {
        self.call_blocking_with(|_| operation())
    }

    /// [`call_blocking`](Self::call_blocking) for a closure that takes the [`Attempt`].
    pub fn call_blocking_with<T, E>(
        &self,
        operation: impl FnMut(Attempt) -> Result<T, E>,
    ) -> Result<T, Error<E>> {
        self.block(&AllTransient, operation, rest)
    }

    /// [`call_blocking_with`](Self::call_blocking_with), with outcomes classed by `classifier`, as that
    /// of a pipeline does.
    ///
    /// ```
    /// use seawall_core::{ByOutcome, Class};
    /// use seawall_retry::{Backoff, Retry};
    ///
    /// let retry = Retry::builder().idempotent().backoff(Backoff::none()).build()?;
    /// let classifier = ByOutcome(|outcome: Result<&u16, &std::io::Error>| match outcome {
    ///     Ok(500..) | Err(_) => Class::Transient,
    ///     Ok(_) => Class::Success,
    /// });
    /// let answer = retry.call_blocking_by(&classifier, |attempt| {
    ///     Ok(if attempt.number() < 3 { 503 } else { 200 })
    /// });
    /// assert_eq!(answer.ok(), Some(200));
    /// # Ok::<(), seawall_core::ConfigError>(())
    /// ```
    pub fn call_blocking_by<T, E, C: Classify<T, E>>(
        &self,
        classifier: &C,
        operation: impl FnMut(Attempt) -> Result<T, E>,
    ) -> Result<T, Error<E>> {
        self.block(classifier, operation, rest).or_else(C::Failure::settle)
    }

    fn block<T, E, C: Classify<T, E>>(
        &self,
        classifier: &C,
        mut operation: impl FnMut(Attempt) -> Result<T, E>,
        rest: impl Fn(Duration, Option<&CancellationToken>) -> Option<StopReason>,
    ) -> Result<T, Error<C::Failure>> {
        self.shared.pay_in();
        let _in_flight = self.shared.enter();
        let mut attempt = Attempt::first();
        attempt.began();
        attempt = self.first(attempt);
        let mut state = RetryState::empty();
        loop {
            let paid = self.shared.note_paid(true);
            let outcome = classifier.sort(operation(attempt.restart_clock()));
            drop(paid);
            let failed = match outcome {
                Ok(output) => return Ok(output),
                Err(failed) => failed,
            };
            let delay = match state.decide(self, &attempt, &failed, true) {
                Step::Pass => return Err(failed),
                Step::Stop(why) => return Err(state.give_up(self, attempt, failed, why)),
                Step::Repeat { delay, .. } => delay,
            };
            let stopped = rest(delay, self.shared.shutdown.as_ref());
            if let Some(why) = stopped.or_else(|| overslept(&attempt)) {
                return Err(state.give_up(self, attempt, failed, why));
            }
            let verdict = state.advance(self, failed, delay);
            attempt = self.next(attempt, verdict);
        }
    }
}

/// Puts the thread to sleep. Says why there will be no other attempt, if there won't.
fn rest(delay: Duration, shutdown: Option<&CancellationToken>) -> Option<StopReason> {
    let Some(token) = shutdown else {
        thread::sleep(delay);
        return None;
    };
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cancelled = pin!(token.cancelled());
    let start = Instant::now();
    loop {
        if let Poll::Ready(()) = cancelled.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(StopReason::Shutdown);
        }
        // Something else may unpark the thread, so what is left is looked at again.
        let left = delay.saturating_sub(start.elapsed());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use seawall_core::Backoff;

    use super::*;

    #[test]
    fn it_waits_as_long_as_the_async_form_and_gives_up_alike() {
        let retry = Retry::builder().idempotent().backoff(Duration::from_secs(10)).build().unwrap();
        let rests = RefCell::new(Vec::new());
        let numbers = RefCell::new(Vec::new());
        let outcome = retry.block(
            &AllTransient,
            |attempt| {
                numbers.borrow_mut().push(attempt.number());
                Err::<(), _>("down")
            },
            |delay, _| {
                rests.borrow_mut().push(delay.as_secs());
                None
            },
        );
        assert_eq!((*rests.borrow()).as_slice(), [10, 10]);
        assert_eq!((*numbers.borrow()).as_slice(), [1, 2, 3]);
        let error = outcome.unwrap_err();
        assert_eq!(error.gave_up().unwrap().why, StopReason::Attempts);
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

    #[test]
    fn what_is_over_when_the_wait_begins_is_not_waited_for() {
        let token = CancellationToken::new();
        assert_eq!(rest(Duration::ZERO, Some(&token)), None);
        token.cancel();
        assert_eq!(rest(Duration::MAX, Some(&token)), Some(StopReason::Shutdown));
    }
}
