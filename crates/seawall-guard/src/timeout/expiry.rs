//! The timer of one call.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::Timer;
use tokio::task::coop;
use tokio::time::Instant;

use super::plan::{Due, Span};

/// How far a timer is set back to mark that its call had its last chance.
const SET_BACK: Duration = Duration::from_nanos(1);

/// The timer of one call, made only when it is needed.
#[pin_project(project = ExpiryProjection)]
#[derive(Debug)]
pub(super) enum Expiry {
    /// The call was not pending yet, or is never due.
    Unset,
    Set(#[pin] Timer),
}

impl Expiry {
    /// Ready once the call is to be cut off. Polled after the call was pending.
    pub(super) fn poll(mut self: Pin<&mut Self>, span: Span, cx: &mut Context<'_>) -> Poll<()> {
        if let ExpiryProjection::Set(sleep) = self.as_mut().project() {
            ready!(poll_without_budget(sleep, cx));
        } else {
            let due = match span.due() {
                Due::Never => return Poll::Pending,
                Due::Now if take_turn(cx) => return Poll::Ready(()),
                Due::Now => Instant::now(),
                Due::At(due) => due,
            };
            self.set(Self::Set(Timer::at(due)));
            // Registers the timer, unless the task's cooperative budget is used up: then the task is
            // woken at once, and the timer is registered at the next poll.
            if let ExpiryProjection::Set(sleep) = self.as_mut().project() {
                ready!(sleep.poll(cx));
            }
        }
        self.poll_last_chance(span, cx)
    }

    /// Ready if the call is to be cut off now that its time is up. Without budget the call may have
    /// an outcome that it was not allowed to take, so the task is woken at once and the call polled
    /// once more. A timer that was set back marks that it was.
    fn poll_last_chance(self: Pin<&mut Self>, span: Span, cx: &mut Context<'_>) -> Poll<()> {
        if let ExpiryProjection::Set(sleep) = self.project()
            && span.due() == Due::At(sleep.deadline())
            && let Some(set_back) = sleep.deadline().checked_sub(SET_BACK)
            && !take_turn(cx)
        {
            sleep.reset(set_back);
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

/// Polling a timer takes from the task's cooperative budget. A call that uses up the budget on every
/// poll must not keep its own timer from running out.
fn poll_without_budget(mut sleep: Pin<&mut Timer>, cx: &mut Context<'_>) -> Poll<()> {
    if coop::has_budget_remaining() {
        sleep.poll(cx)
    } else {
        Pin::new(&mut coop::unconstrained(sleep.as_mut())).poll(cx)
    }
}

/// Takes from the task's budget what a timer would take: a loop of calls that are cut off without a
/// timer must not keep its thread for itself. False if the budget is used up, by this call or by
/// others.
fn take_turn(cx: &mut Context<'_>) -> bool {
    match coop::poll_proceed(cx) {
        Poll::Ready(progress) => {
            progress.made_progress();
            true
        }
        Poll::Pending => false,
    }
}
