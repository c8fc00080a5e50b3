//! Callers that wait for the verdict.

use std::pin::{Pin, pin};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use seawall_core::{Admission, Reason, Rejection};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::machine::{Machine, Refusal, Waiting};
use crate::permit::Permit;
use crate::shared::Shared;
use crate::time::Nanos;

/// A caller's wait for the verdict. It ends with a permit or a rejection.
#[must_use = "futures do nothing unless polled"]
pub struct WaitForVerdict<'b>(Pin<Box<dyn Future<Output = Waited<'b>> + Send + Sync + 'b>>);

type Waited<'b> = Result<Permit<'b>, Rejection>;

/// The callers that wait.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    /// Notified whenever one of them may be admitted.
    change: Notify,
    count: AtomicU32,
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
    async fn is_shut_down_before(&self, change: impl Future<Output = ()>) -> bool {
        let Some(token) = &self.shutdown else {
            change.await;
            return false;
        };
        token.run_until_cancelled(change).await.is_none()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Relaxed);
    }
}

impl Shared {
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
        loop {
            // Registered before the state is read, so that no verdict between the two is missed.
            let mut change = pin!(place.0.change.notified());
            change.as_mut().enable();
            let at = Instant::now();
            let now = self.moment(at);
            let mut refusal = match self.admit(now) {
                Ok(admitted) => return Ok(Permit::new(self, admitted)),
                Err(refusal) => refusal,
            };
            if refusal.reason != Reason::ProbesInFlight {
                return Err(self.refuse(refusal, now));
            }
            if deadline.is_some_and(|deadline| at >= deadline) {
                refusal.reason = Reason::WaitedTooLong;
                return Err(self.refuse(refusal, now));
            }
            // A lease that ends gives its slot back without a notification, as no timer runs for it.
            let lease = self.peek(Machine::first_lease_end);
            let lease = lease.map(|end| self.instant(end));
            let change = async {
                match lease.into_iter().chain(deadline).min() {
                    Some(wake) => drop(timeout_at(wake, change).await),
                    None => change.await,
                }
            };
            if waiting.is_shut_down_before(change).await {
                refusal.reason = Reason::ShuttingDown;
                return Err(self.refuse(refusal, now));
            }
        }
    }

    /// Has the callers that wait read the state again.
    pub(crate) fn wake(&self) {
        if let Some(waiters) = self.waiters.get() {
            waiters.change.notify_waiters();
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
