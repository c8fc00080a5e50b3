use std::fmt;
use std::future::Future;
use std::mem::{self, ManuallyDrop};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;

use super::{Admission, Admit, Mark, Settle};
use crate::{AllTransient, Attempt, Classify, Error};

/// A future that a policy admits, without a pipeline: `policy.call(future)`.
///
/// It asks for admission when it is first polled. The future stays where it is, so admitting it
/// moves nothing. Its errors are classed as transient.
///
/// # Cancel safety
///
/// Dropped while it waits, it gives its place up; dropped while it runs, it gives its permit back.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct Guarded<'p, A: Admit, Fut> {
    // Before the permit: what is inside ends before its permit goes to the next.
    #[pin]
    future: Fut,
    held: Held<A::Permit<'p>, A::Wait<'p>>,
    policy: &'p A,
}

/// Dropped out of line, and by hand where there is something to drop: a call that is over at its
/// first poll pays one comparison for it.
struct Held<P, W>(State<P, W>);

// In this order: one comparison tells the states apart that hold nothing.
enum State<P, W> {
    /// Not polled yet, or over at the first poll.
    New,
    Done,
    Waiting(ManuallyDrop<W>),
    Running(ManuallyDrop<P>),
}

impl<P, W> Held<P, W> {
    fn take(&mut self) -> State<P, W> {
        mem::replace(&mut self.0, State::Done)
    }
}

impl<P, W> Drop for Held<P, W> {
    #[inline]
    fn drop(&mut self) {
        if let State::Waiting(_) | State::Running(_) = &self.0 {
            drop_held(self);
        }
    }
}

#[cold]
fn drop_held<P, W>(held: &mut Held<P, W>) {
    match held.take() {
        State::Waiting(wait) => drop(ManuallyDrop::into_inner(wait)),
        State::Running(permit) => drop(ManuallyDrop::into_inner(permit)),
        State::New | State::Done => {}
    }
}

impl<'p, A: Admit, Fut> Guarded<'p, A, Fut> {
    /// `future`, admitted by `policy`.
    pub const fn new(policy: &'p A, future: Fut) -> Self {
        Self { future, held: Held(State::New), policy }
    }
}

impl<'p, A: Admit, Fut, T, E> Future for Guarded<'p, A, Fut>
where
    Fut: Future<Output = Result<T, E>>,
    A::Permit<'p>: Settle<T, E>,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    #[expect(clippy::inline_always, reason = "about 20 instructions of a call that has 60")]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::New = self.held.0
            && let Some(permit) = self.policy.try_admit(&mut Attempt::first())
        {
            let this = self.project();
            // The permit is held here while the future runs, so that a panic gives it back.
            return match this.future.poll(cx) {
                Poll::Ready(Ok(output)) => Poll::Ready(permit.settle_ok(output)),
                other => conclude(permit, other, this.held),
            };
        }
        if let State::New = self.held.0 { self.poll_new(cx) } else { self.poll_held(cx) }
    }
}

impl<'p, A: Admit, Fut, T, E> Guarded<'p, A, Fut>
where
    Fut: Future<Output = Result<T, E>>,
    A::Permit<'p>: Settle<T, E>,
{
    /// The first poll of a call that is not admitted at once.
    #[inline(never)]
    fn poll_new(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Error<E>>> {
        match self.policy.try_refuse(&mut Attempt::first()) {
            Some(rejection) => Poll::Ready(Err(rejection.into())),
            None => self.poll_undecided(cx),
        }
    }

    #[inline(never)]
    fn poll_undecided(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Error<E>>> {
        match self.policy.admit(&mut Attempt::first()) {
            Admission::Refused(rejection) => Poll::Ready(Err(rejection.into())),
            Admission::Granted(permit) => {
                let this = self.project();
                let _inside = permit.mark().map(Mark::enter);
                conclude(permit, this.future.poll(cx), this.held)
            }
            Admission::Waiting(wait) => {
                self.as_mut().project().held.0 = State::Waiting(ManuallyDrop::new(wait));
                self.poll_held(cx)
            }
        }
    }

    /// A later poll.
    #[inline(never)]
    fn poll_held(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Error<E>>> {
        let this = self.project();
        let permit = match this.held.take() {
            State::Running(permit) => ManuallyDrop::into_inner(permit),
            State::Waiting(wait) => {
                let mut wait = ManuallyDrop::into_inner(wait);
                match Pin::new(&mut wait).poll(cx) {
                    Poll::Ready(permit) => permit?,
                    Poll::Pending => {
                        this.held.0 = State::Waiting(ManuallyDrop::new(wait));
                        return Poll::Pending;
                    }
                }
            }
            State::New | State::Done => panic!("a call was polled after it was over"),
        };
        let _inside = permit.mark().map(Mark::enter);
        conclude(permit, this.future.poll(cx), this.held)
    }
}

/// Keeps the permit of a future that is pending, and settles that of one that is ready.
#[inline(never)]
fn conclude<T, E, P: Settle<T, E>, W>(
    permit: P,
    polled: Poll<Result<T, E>>,
    held: &mut Held<P, W>,
) -> Poll<Result<T, Error<E>>> {
    let Poll::Ready(outcome) = polled else {
        held.0 = State::Running(ManuallyDrop::new(permit));
        return Poll::Pending;
    };
    held.0 = State::Done;
    let outcome = AllTransient.sort(outcome);
    permit.settle(&outcome);
    Poll::Ready(outcome)
}

impl<A: Admit, Fut> fmt::Debug for Guarded<'_, A, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.held.0 {
            State::New => "Guarded::New",
            State::Waiting(_) => "Guarded::Waiting",
            State::Running(_) => "Guarded::Running",
            State::Done => "Guarded::Done",
        })
    }
}
