//! Callers that wait for the verdict.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use seawall_core::{Admission, Reason, Rejection, Timer};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use crate::machine::{Machine, Refusal, Waiting};
use crate::permit::Permit;
use crate::shared::Circuit;
use crate::time::Nanos;

/// A caller's wait for the verdict. It ends with a permit or a rejection.
#[must_use = "futures do nothing unless polled"]
pub struct WaitForVerdict<'b>(Pin<Box<dyn Future<Output = Waited<'b>> + Send + Sync + 'b>>);

type Waited<'b> = Result<Permit<'b>, Rejection>;

/// The callers that wait. One at a time has its turn, in the order in which they came: it watches the
/// circuit, and the next has its turn when it is over. So a slot that comes back wakes one of them.
#[derive(Debug)]
pub(crate) struct Waiters {
    turn: Semaphore,
    /// Notifies the caller whose turn it is.
    change: Notify,
    count: AtomicU32,
}

impl Default for Waiters {
    fn default() -> Self {
        Self { turn: Semaphore::new(1), change: Notify::new(), count: AtomicU32::new(0) }
    }
}

/// A place among the callers that wait.
struct Place<'b>(&'b Waiters);

impl Waiters {
    fn place(&self, most: u32) -> Option<Place<'_>> {
        let room = |count| (count < most).then_some(count + 1);
        // Relaxed: nothing else depends on the count.
        self.count.fetch_update(Relaxed, Relaxed, room).ok().map(|_| Place(self))
    }
}

impl Waiting {
    /// Waits for `event`, or says why the caller has to stop waiting.
    async fn until<T>(
        &self,
        deadline: Option<Instant>,
        event: impl Future<Output = T>,
    ) -> Result<T, Reason> {
        let in_time = async {
            match deadline {
                Some(deadline) => by(deadline, event).await.ok_or(Reason::WaitedTooLong),
                None => Ok(event.await),
            }
        };
        match &self.shutdown {
            Some(token) => {
                let ended = token.run_until_cancelled(in_time).await;
                ended.unwrap_or(Err(Reason::ShuttingDown))
            }
            None => in_time.await,
        }
    }
}

/// The outcome of `event`, unless `deadline` comes first.
async fn by<T>(deadline: Instant, event: impl Future<Output = T>) -> Option<T> {
    let (mut event, mut timer) = (pin!(event), pin!(Timer::at(deadline)));
    let first = poll_fn(|cx| match event.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
    });
    first.await
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Relaxed);
    }
}

impl Circuit {
    /// Admits a call, refuses it, or has it wait.
    pub(crate) fn admit_or_wait(&self, now: Nanos) -> Admission<Permit<'_>, WaitForVerdict<'_>> {
        match self.admit(now) {
            Ok(admitted) => Admission::Granted(Permit::new(self, admitted)),
            Err(refusal) => match self.wait_for_verdict(refusal) {
                Some(wait) => Admission::Waiting(wait),
                None => Admission::Refused(self.refuse(refusal, now)),
            },
        }
    }

    fn wait_for_verdict(&self, refusal: Refusal) -> Option<WaitForVerdict<'_>> {
        if refusal.reason != Reason::ProbesInFlight {
            return None;
        }
        let waiting = self.peek(|machine| machine.settings().waiting.clone())?;
        let waiters = self.waiters.get_or_init(Default::default);
        let place = waiters.place(waiting.callers)?;
        let deadline = Instant::now().checked_add(waiting.timeout);
        Some(WaitForVerdict(Box::pin(self.wait(place, waiting, deadline))))
    }

    async fn wait(
        &self,
        place: Place<'_>,
        waiting: Box<Waiting>,
        deadline: Option<Instant>,
    ) -> Waited<'_> {
        let turn = waiting.until(deadline, place.0.turn.acquire()).await;
        let stopped = match turn {
            Ok(_turn) => loop {
                // Registered before the state is read, so that no change between the two is missed.
                let mut change = pin!(place.0.change.notified());
                change.as_mut().enable();
                let now = self.now();
                match self.admit(now) {
                    Ok(admitted) => return Ok(Permit::new(self, admitted)),
                    Err(refusal) if refusal.reason != Reason::ProbesInFlight => {
                        return Err(self.refuse(refusal, now));
                    }
                    Err(_) => {}
                }
                // A lease that ends gives its slot back without a notification, as no timer runs for it.
                let lease_end = self.peek(Machine::first_lease_end);
                let change = async {
                    match lease_end {
                        Some(end) => drop(by(self.instant(end), change).await),
                        None => change.await,
                    }
                };
                if let Err(reason) = waiting.until(deadline, change).await {
                    break reason;
                }
            },
            Err(reason) => reason,
        };
        self.stop_waiting(stopped)
    }

    /// The end of a wait without a change: a last attempt, unless the process shuts down.
    fn stop_waiting(&self, reason: Reason) -> Waited<'_> {
        let now = self.now();
        let terms = if reason == Reason::ShuttingDown {
            self.peek(Machine::refusal_terms)
        } else {
            match self.admit(now) {
                Ok(admitted) => return Ok(Permit::new(self, admitted)),
                Err(refusal) if refusal.reason != Reason::ProbesInFlight => {
                    return Err(self.refuse(refusal, now));
                }
                Err(refusal) => refusal.terms,
            }
        };
        Err(self.refuse(Refusal { reason, terms }, now))
    }

    /// Has the caller whose turn it is read the state again.
    pub(crate) fn wake(&self) {
        if let Some(waiters) = self.waiters.get() {
            waiters.change.notify_one();
        }
    }
}

impl<'b> Future for WaitForVerdict<'b> {
    type Output = Waited<'b>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl std::fmt::Debug for WaitForVerdict<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WaitForVerdict").finish_non_exhaustive()
    }
}
