//! The attempts of a call after its primary, which was pending or failed.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use seawall_core::{Attempt, Error, StopReason, Verdict};
use tokio::time::{Sleep, sleep};

use super::Hedge;
use super::plan::Progress;
use crate::BudgetPermit;

/// The attempts after the primary.
pub(super) struct Hedges<'p, Fut, E> {
    pub(super) in_flight: Vec<HedgeAttempt<'p, Fut>>,
    /// When the next is launched.
    timer: Option<Timer>,
    pub(super) launched: u32,
    /// Whether the next is launched at once, as one has failed.
    pub(super) due: bool,
    /// How the attempt that failed last ended.
    pub(super) last: Option<Verdict>,
    /// Why no more are launched.
    pub(super) stopped: Option<StopReason>,
    /// How the primary failed.
    pub(super) primary: Option<Error<E>>,
    /// How the hedges failed.
    errors: Vec<Error<E>>,
}

/// When the next is launched, if any attempt is still under way.
enum Timer {
    /// Never given to the runtime's timer, whose steps are a millisecond long.
    AtOnce,
    Sleep(Pin<Box<Sleep>>),
}

/// A hedge under way.
pub(super) struct HedgeAttempt<'p, Fut> {
    pub(super) future: Pin<Box<Fut>>,
    _permit: Option<BudgetPermit<'p>>,
}

impl<'p, Fut, E> Hedges<'p, Fut, E> {
    /// After a primary that was launched. Where `stopped` says why, none follows it.
    pub(super) const fn new(stopped: Option<StopReason>) -> Self {
        Self {
            in_flight: Vec::new(),
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
    pub(super) fn arm(&mut self, hedge: &Hedge, attempt: &Attempt) {
        let more = self.stopped.is_none() && self.launched < hedge.plan.load().max_attempts;
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
        self.in_flight.push(HedgeAttempt { future, _permit: permit });
    }

    /// An attempt failed, and the call goes on.
    pub(super) fn failed(&mut self, primary: bool, failed: Error<E>) {
        let verdict = failed.verdict();
        self.due |= verdict.class.is_retryable();
        if verdict.class.retry_after().is_some_and(|after| !after.is_zero()) {
            // It asked to be left alone for a while. Waiting for that is the business of a retry.
            self.stopped.get_or_insert(StopReason::Permanent);
        }
        self.last = Some(verdict);
        if primary {
            self.primary = Some(failed);
        } else {
            self.errors.push(failed);
        }
    }

    pub(super) fn progress(&self, primary: bool) -> Progress {
        let hedges = u32::try_from(self.in_flight.len()).unwrap_or(u32::MAX);
        Progress {
            launched: self.launched,
            in_flight: u32::from(primary) + hedges,
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

    /// How attempts failed, the primary first, except one that was taken out to end the call.
    pub(super) fn take_failures(&mut self) -> Vec<Error<E>> {
        let mut failures = std::mem::take(&mut self.errors);
        if let Some(error) = self.primary.take() {
            failures.insert(0, error);
        }
        failures
    }
}
