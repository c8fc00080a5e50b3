//! The timer of one call.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project::pin_project;
use tokio::task::coop;
use tokio::time::{Instant, Sleep, sleep_until};

use super::plan::Due;

/// By how much the timer of a call is set back that has had one more chance to be ready.
const SET_BACK: Duration = Duration::from_nanos(1);

/// The timer of one call: made only when it is needed.
#[pin_project(project = ExpiryProjection)]
#[derive(Debug)]
pub(super) enum Expiry {
    /// The call was not pending yet, or is never due.
    Unset,
    Set(#[pin] Sleep),
}

impl Expiry {
    /// Ready once a call is over that is due at `due`. To be polled after the call was pending.
    #[expect(clippy::inline_always, reason = "17 instructions a call, by count")]
    #[inline(always)]
    pub(super) fn poll_at(
        mut self: Pin<&mut Self>,
        due: impl FnOnce() -> Due,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if let ExpiryProjection::Set(sleep) = self.as_mut().project() {
            return poll_without_budget(sleep, cx);
        }
        let due = match due() {
            Due::Never => return Poll::Pending,
            Due::Now if take_turn(cx) => return Poll::Ready(()),
            Due::Now => Instant::now(),
            Due::At(due) => due,
        };
        self.set(Self::Set(sleep_until(due)));
        match self.project() {
            // Sets the timer, unless the task's cooperative budget is used up: then the task is
            // woken at once, and the timer is set when the call is polled next.
            ExpiryProjection::Set(sleep) => sleep.poll(cx),
            ExpiryProjection::Unset => Poll::Pending,
        }
    }

    /// Ready if a call that was due at `due` is to be cut off now that its time is up. Where no budget
    /// is left, whoever used it up, the call may have an outcome that it was not allowed to take: the
    /// task is woken at once, and the call polled once more. A timer that was set back says that it
    /// was.
    #[cold]
    pub(super) fn poll_last_chance(
        self: Pin<&mut Self>,
        due: Due,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if let ExpiryProjection::Set(sleep) = self.project()
            && due == Due::At(sleep.deadline())
            && let Some(set_back) = sleep.deadline().checked_sub(SET_BACK)
            && !take_turn(cx)
        {
            sleep.reset(set_back);
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

/// Polling a timer takes of the task's cooperative budget. A call that uses the budget up on every
/// poll must not keep its own timer from being set and looked at.
fn poll_without_budget(mut sleep: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
    if coop::has_budget_remaining() {
        sleep.poll(cx)
    } else {
        Pin::new(&mut coop::unconstrained(sleep.as_mut())).poll(cx)
    }
}

/// What is over without a timer takes its part of the task's budget all the same: a loop of such
/// calls would keep its thread for itself. If the budget is gone, whoever used it up, a timer is
/// set, and the call has another chance to be ready.
fn take_turn(cx: &mut Context<'_>) -> bool {
    match coop::poll_proceed(cx) {
        Poll::Ready(progress) => {
            progress.made_progress();
            true
        }
        Poll::Pending => false,
    }
}
