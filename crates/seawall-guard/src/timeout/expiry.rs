//! The timer of one call.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;
use tokio::task::coop;
use tokio::time::{Instant, Sleep, sleep_until};

use super::plan::LONGEST;

/// The timer of one call: made only when it is needed.
#[pin_project(project = ExpiryProjection)]
#[derive(Debug)]
pub(crate) enum Expiry {
    Unset,
    Set(#[pin] Sleep),
}

impl Expiry {
    /// Ready once `due` has come. To be polled after the call that it bounds was pending;
    /// `had_budget` says whether the task could make progress before that poll.
    pub(crate) fn poll_at(
        mut self: Pin<&mut Self>,
        began: Instant,
        due: Instant,
        had_budget: bool,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if let ExpiryProjection::Unset = self.as_mut().project() {
            let left = due.saturating_duration_since(began);
            if left.is_zero() {
                return poll_over(had_budget, cx);
            }
            if left > LONGEST {
                return Poll::Pending;
            }
            self.set(Self::Set(sleep_until(due)));
        }
        match self.project() {
            ExpiryProjection::Set(sleep) => poll_sleep(sleep, had_budget, cx),
            ExpiryProjection::Unset => Poll::Pending,
        }
    }
}

/// A call that uses up the task's cooperative budget on every poll must not keep its own timer
/// from being looked at. Where the budget was gone before, the task has to yield first: otherwise
/// a loop of timeouts could keep its thread for itself.
fn poll_sleep(mut sleep: Pin<&mut Sleep>, had_budget: bool, cx: &mut Context<'_>) -> Poll<()> {
    if had_budget && !coop::has_budget_remaining() {
        Pin::new(&mut coop::unconstrained(sleep.as_mut())).poll(cx)
    } else {
        sleep.poll(cx)
    }
}

/// What is over without a timer takes its part of the budget all the same.
fn poll_over(had_budget: bool, cx: &mut Context<'_>) -> Poll<()> {
    match coop::poll_proceed(cx) {
        Poll::Ready(progress) => {
            progress.made_progress();
            Poll::Ready(())
        }
        Poll::Pending if had_budget => Poll::Ready(()),
        Poll::Pending => Poll::Pending,
    }
}
