//! What there is beside the primary, once it was pending or failed.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use seawall_core::{Attempt, Class, Error, StopReason};
use tokio::time::{Sleep, sleep};

use super::Hedge;
use super::plan::Progress;
use crate::BudgetPermit;

/// What there is beside the primary.
pub(super) struct Beside<'p, Fut, T, E> {
    pub(super) others: Vec<Other<'p, Fut>>,
    /// When the next is launched.
    timer: Option<Timer>,
    pub(super) launched: u32,
    /// Whether the next is launched at once, as one has failed.
    pub(super) due: bool,
    /// What the attempt that failed last came to.
    pub(super) last: Option<Class>,
    /// Why no other is launched.
    pub(super) stopped: Option<StopReason>,
    /// How the primary failed.
    pub(super) primary: Option<Failed<T, E>>,
    /// How the others failed.
    errors: Vec<Error<E>>,
}

/// When the next is launched, beside what is under way then.
enum Timer {
    /// Never given to the runtime's timer, whose steps are a millisecond long.
    AtOnce,
    Sleep(Pin<Box<Sleep>>),
}

/// A hedge under way.
pub(super) struct Other<'p, Fut> {
    pub(super) future: Pin<Box<Fut>>,
    _permit: Option<BudgetPermit<'p>>,
}

/// An attempt that did not answer, and what it came to.
pub(super) struct Failed<T, E> {
    pub(super) outcome: Result<T, Error<E>>,
    pub(super) class: Class,
}

impl<'p, Fut, T, E> Beside<'p, Fut, T, E> {
    /// Beside a primary that was launched, and beside which no other is where it `stopped`.
    pub(super) const fn new(stopped: Option<StopReason>) -> Self {
        Self {
            others: Vec::new(),
            timer: None,
            launched: 1,
            due: false,
            last: None,
            stopped,
            primary: None,
            errors: Vec::new(),
        }
    }

    /// Sets the timer for the attempt after this one.
    pub(super) fn arm<J>(&mut self, hedge: &Hedge<J>, attempt: &Attempt) {
        let more = self.stopped.is_none() && self.launched < hedge.plan.max_attempts;
        let delay = if more { hedge.delay_after(attempt) } else { None };
        self.timer = delay.map(|delay| match delay {
            Duration::ZERO => Timer::AtOnce,
            delay => Timer::Sleep(Box::pin(sleep(delay))),
        });
    }

    pub(super) fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.timer {
            Some(Timer::AtOnce) => Poll::Ready(()),
            Some(Timer::Sleep(sleep)) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    /// A hedge was launched, as attempt `number`.
    pub(super) fn add(
        &mut self,
        number: u32,
        future: Pin<Box<Fut>>,
        permit: Option<BudgetPermit<'p>>,
    ) {
        self.launched = number;
        self.due = false;
        self.others.push(Other { future, _permit: permit });
    }

    /// An attempt failed, and the call goes on: the primary or another.
    pub(super) fn failed(&mut self, primary: bool, failed: Failed<T, E>) {
        self.due |= failed.class.is_retryable();
        if failed.class.retry_after().is_some_and(|after| !after.is_zero()) {
            // It asked to be left alone for a while. That is for a retry to wait for.
            self.stopped.get_or_insert(StopReason::Permanent);
        }
        self.last = Some(failed.class);
        if primary {
            self.primary = Some(failed);
        } else if let Err(error) = failed.outcome {
            self.errors.push(error);
        }
    }

    pub(super) fn progress(&self, primary: bool) -> Progress {
        let others = u32::try_from(self.others.len()).unwrap_or(u32::MAX);
        Progress {
            launched: self.launched,
            in_flight: u32::from(primary) + others,
            stopped: self.stopped.is_some(),
        }
    }

    /// Why the call is over, where all have failed.
    pub(super) const fn why_over(&self) -> StopReason {
        match self.stopped {
            Some(why) => why,
            None if self.due => StopReason::Attempts,
            None => StopReason::Permanent,
        }
    }

    /// How attempts failed, the primary first, but for one that was taken out to end the call.
    pub(super) fn take_failures(&mut self) -> Vec<Error<E>> {
        let mut failures = std::mem::take(&mut self.errors);
        if let Some(Failed { outcome: Err(error), .. }) = self.primary.take() {
            failures.insert(0, error);
        }
        failures
    }
}
