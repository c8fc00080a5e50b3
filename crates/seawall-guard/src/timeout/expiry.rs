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
pub(super) enum Expiry {
    /// The call was not pending yet.
    Unset,
    /// Over without a timer, as soon as the task has had its turn.
    Overdue,
    Set(#[pin] Sleep),
}

impl Expiry {
    /// Whether the task can make progress now. To be asked before the call is polled. Where no
    /// timer is set the answer makes no difference.
    #[inline]
    pub(super) fn has_budget(self: Pin<&Self>) -> bool {
        match *self {
            Self::Set(_) => coop::has_budget_remaining(),
            _ => true,
        }
    }

    /// Ready once `due` has come. To be polled after the call was pending; `had_budget` is what
    /// [`has_budget`](Self::has_budget) said before.
    pub(super) fn poll_at(
        mut self: Pin<&mut Self>,
        began: Instant,
        due: Instant,
        had_budget: bool,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if matches!(*self, Self::Unset) {
            let left = due.saturating_duration_since(began);
            if left.is_zero() {
                return self.poll_overdue(cx);
            }
            if left > LONGEST {
                return Poll::Pending;
            }
            self.set(Self::Set(sleep_until(due)));
        }
        match self.project() {
            ExpiryProjection::Set(sleep) => poll_sleep(sleep, had_budget, cx),
            ExpiryProjection::Unset | ExpiryProjection::Overdue => Poll::Ready(()),
        }
    }

    /// No timer, but a part of the budget all the same: a loop of calls that are over at once
    /// would keep its thread for itself. If the budget is gone, whoever used it up, the task
    /// yields once, and the call has another chance to be ready.
    fn poll_overdue(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match coop::poll_proceed(cx) {
            Poll::Ready(progress) => {
                progress.made_progress();
                Poll::Ready(())
            }
            Poll::Pending => {
                self.set(Self::Overdue);
                Poll::Pending
            }
        }
    }
}

/// A call that uses up the task's cooperative budget on every poll must not keep its own timer
/// from being looked at. Where the budget was gone before, the task has to yield first.
fn poll_sleep(mut sleep: Pin<&mut Sleep>, had_budget: bool, cx: &mut Context<'_>) -> Poll<()> {
    if had_budget && !coop::has_budget_remaining() {
        Pin::new(&mut coop::unconstrained(sleep.as_mut())).poll(cx)
    } else {
        sleep.poll(cx)
    }
}
