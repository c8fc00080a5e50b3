//! The guarded call as a future.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::{pin_project, pinned_drop};
use seawall_core::operation::Start;
use seawall_core::{Attempt, ByClass, Error, Judge, Rare, Rejection};

use crate::permit::Permit;
use crate::shared::{Admitted, Shared};
use crate::waiting::{Entrance, Wait};

/// A call that a breaker guards: admitted and under way, waiting to be, or refused.
///
/// Dropped while under way, the call counts as abandoned.
#[pin_project(PinnedDrop, project = Projection)]
#[must_use = "futures do nothing unless polled"]
pub enum BreakerFuture<'p, Fut, S, J = ByClass> {
    /// Admitted. What is inside is the breaker's business.
    #[doc(hidden)]
    Running {
        #[pin]
        future: Fut,
        guard: Guard<'p>,
        judge: &'p J,
    },
    /// Refused.
    #[doc(hidden)]
    Refused(Option<Rejection>),
    /// Not let in at once. Moved in and out of calls instead of lent to them, and dropped out of line:
    /// what no call can reach stays in registers while nobody waits.
    #[doc(hidden)]
    Late(Rare<Pin<Box<Late<'p, Fut, S, J>>>>),
}

impl<'p, Fut, S, J> BreakerFuture<'p, Fut, S, J> {
    #[inline(always)]
    pub(crate) fn running(future: Fut, permit: Permit<'p>, judge: &'p J) -> Self {
        let (breaker, admitted) = permit.into_parts();
        Self::Running { future, guard: Guard { breaker, held: Some(admitted) }, judge }
    }

    #[inline]
    pub(crate) const fn late(late: Pin<Box<Late<'p, Fut, S, J>>>) -> Self {
        Self::Late(Rare::some(late))
    }

    #[inline]
    pub(crate) const fn refused(rejection: Rejection) -> Self {
        Self::Refused(Some(rejection))
    }
}

/// What a breaker said to an attempt.
pub(crate) enum Entered<'p> {
    In(Permit<'p>),
    Waiting(Wait<'p>),
    Out(Rejection),
}

impl<'p> Entered<'p> {
    /// Asks for admission.
    #[inline(always)]
    pub(crate) fn ask(breaker: &'p Shared, attempt: &mut Attempt) -> Self {
        match breaker.try_admit() {
            Some(admitted) => Self::In(Permit::new(breaker, admitted)),
            None => Self::ask_in_full(breaker, attempt.began()),
        }
    }

    #[inline(never)]
    fn ask_in_full(breaker: &'p Shared, began: tokio::time::Instant) -> Self {
        match breaker.enter(began) {
            Entrance::In(admitted) => Self::In(Permit::new(breaker, admitted)),
            Entrance::Wait(wait) => Self::Waiting(wait),
            Entrance::Out(rejection) => Self::Out(rejection),
        }
    }
}

/// An attempt that had to wait for the verdict, and is started if that lets it in: no sooner, as the
/// policies inside would be asked, and their clocks would run, for a call that is not admitted yet.
#[doc(hidden)]
#[pin_project]
pub struct Late<'p, Fut, S, J> {
    #[pin]
    stage: Stage<'p, Fut, S, J>,
}

#[pin_project(project = StageProjection)]
enum Stage<'p, Fut, S, J> {
    Waiting {
        breaker: &'p Shared,
        wait: Wait<'p>,
        start: Option<S>,
        attempt: Attempt,
        judge: &'p J,
    },
    Started(#[pin] BreakerFuture<'p, Fut, S, J>),
}

/// The permit of a future, until the future is over. Given back by the future when that is dropped.
#[doc(hidden)]
pub struct Guard<'p> {
    breaker: &'p Shared,
    /// Nothing in it drops itself, so that dropping a future that is over is a look at one word.
    held: Option<Admitted>,
}

impl<'p> Guard<'p> {
    #[inline(always)]
    fn take(&mut self) -> Permit<'p> {
        match self.held.take() {
            Some(admitted) => Permit::new(self.breaker, admitted),
            None => over(),
        }
    }
}

#[cold]
#[inline(never)]
fn over() -> ! {
    panic!("a guarded call was polled after it was over")
}

impl Permit<'_> {
    /// Settles what came to `outcome`, and hands that on.
    #[inline(always)]
    fn weigh<T, E, J: Judge<T, E>>(
        self,
        judge: &J,
        outcome: Result<T, Error<E>>,
    ) -> Result<T, Error<E>> {
        let class = judge.judge_contained(&outcome, |report| self.tell(report));
        self.settle(class);
        outcome
    }
}

#[pinned_drop]
impl<Fut, S, J> PinnedDrop for BreakerFuture<'_, Fut, S, J> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        if let Projection::Running { guard, .. } = self.project()
            && let Some(admitted) = guard.held.take()
        {
            drop(Permit::new(guard.breaker, admitted));
        }
    }
}

impl std::fmt::Debug for Guard<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.held.is_some() { "Guard::Held" } else { "Guard::Over" })
    }
}

impl<Fut, S, J> std::fmt::Debug for Late<'_, Fut, S, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.stage {
            Stage::Waiting { .. } => "Late::Waiting",
            Stage::Started(_) => "Late::Started",
        })
    }
}

impl<Fut, S, J> std::fmt::Debug for BreakerFuture<'_, Fut, S, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Running { .. } => "BreakerFuture::Running",
            Self::Refused(_) => "BreakerFuture::Refused",
            Self::Late(_) => "BreakerFuture::Late",
        })
    }
}

impl<Fut, S, T, E, J> Future for BreakerFuture<'_, Fut, S, J>
where
    Fut: Future<Output = Result<T, Error<E>>>,
    S: Start<Future = Fut>,
    J: Judge<T, E>,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Projection::Running { future, guard, judge } => {
                // Taken out while the future runs, so that its panic finds it.
                let permit = guard.take();
                // Success and failure are told apart here, and each returns for itself: a small
                // output then stays in registers, where a whole `Result` is copied otherwise.
                match future.poll(cx) {
                    Poll::Ready(Ok(output)) => Poll::Ready(permit.weigh(*judge, Ok(output))),
                    Poll::Ready(Err(error)) => Poll::Ready(permit.weigh(*judge, Err(error))),
                    Poll::Pending => {
                        guard.held = Some(permit.keep());
                        Poll::Pending
                    }
                }
            }
            Projection::Refused(rejection) => {
                let rejection = rejection.take().unwrap_or_else(|| over());
                Poll::Ready(Err(rejection.into()))
            }
            Projection::Late(late) => match late.take().unwrap_or_else(|| over()).go_on(cx) {
                Ok(outcome) => Poll::Ready(outcome),
                Err(pending) => {
                    late.put(pending);
                    Poll::Pending
                }
            },
        }
    }
}

impl<'p, Fut, S, J> Late<'p, Fut, S, J>
where
    S: Start<Future = Fut>,
{
    /// To be started when the wait is over.
    #[cold]
    #[inline(never)]
    pub(crate) fn waiting(
        breaker: &'p Shared,
        wait: Wait<'p>,
        start: S,
        attempt: Attempt,
        judge: &'p J,
    ) -> Pin<Box<Self>> {
        let start = Some(start);
        Box::pin(Self { stage: Stage::Waiting { breaker, wait, start, attempt, judge } })
    }

    /// Started now.
    #[cold]
    #[inline(never)]
    pub(crate) fn started(
        start: S,
        attempt: Attempt,
        permit: Permit<'p>,
        judge: &'p J,
    ) -> Pin<Box<Self>> {
        let started = BreakerFuture::running(start.start(attempt), permit, judge);
        Box::pin(Self { stage: Stage::Started(started) })
    }
}

impl<Fut, S, T, E, J> Late<'_, Fut, S, J>
where
    Fut: Future<Output = Result<T, Error<E>>>,
    S: Start<Future = Fut>,
    J: Judge<T, E>,
{
    /// The outcome, or itself, if there is none yet.
    #[cold]
    #[inline(never)]
    fn go_on(
        mut self: Pin<Box<Self>>,
        cx: &mut Context<'_>,
    ) -> Result<Fut::Output, Pin<Box<Self>>> {
        let mut stage = self.as_mut().project().stage;
        if let StageProjection::Waiting { breaker, wait, start, attempt, judge } =
            stage.as_mut().project()
        {
            match wait.as_mut().poll(cx) {
                Poll::Pending => return Err(self),
                Poll::Ready(Err(rejection)) => return Ok(Err(rejection.into())),
                Poll::Ready(Ok(admitted)) => {
                    // Held over the start, which may panic.
                    let permit = Permit::new(breaker, admitted);
                    let start = start.take().unwrap_or_else(|| over());
                    let future = start.start(attempt.restart_clock());
                    let started = BreakerFuture::running(future, permit, *judge);
                    stage.set(Stage::Started(started));
                }
            }
        }
        let StageProjection::Started(started) = stage.project() else { over() };
        match started.poll(cx) {
            Poll::Ready(outcome) => Ok(outcome),
            Poll::Pending => Err(self),
        }
    }
}
