//! Callers that wait for the verdict.

use std::pin::{Pin, pin};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use seawall_core::{Reason, Rejection};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::machine::{Machine, Refusal, Waiting};
use crate::shared::{Admitted, Shared};

/// The wait of one caller: it ends with an admission or a rejection.
pub(crate) type Wait<'b> =
    Pin<Box<dyn Future<Output = Result<Admitted, Rejection>> + Send + Sync + 'b>>;

/// The answer to a future that asks for admission.
pub(crate) enum Entrance<'b> {
    In(Admitted),
    Out(Rejection),
    Wait(Wait<'b>),
}

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
    /// Admits a future, refuses it, or has it wait.
    pub(crate) fn enter(&self, at: Instant) -> Entrance<'_> {
        let now = self.moment(at);
        match self.admit(now) {
            Ok(admitted) => Entrance::In(admitted),
            Err(refusal) => match self.join_waiters(refusal) {
                Some(wait) => Entrance::Wait(wait),
                None => Entrance::Out(self.refuse(refusal, now)),
            },
        }
    }

    #[inline]
    fn join_waiters(&self, refusal: Refusal) -> Option<Wait<'_>> {
        if refusal.reason == Reason::ProbesInFlight { self.join() } else { None }
    }

    #[cold]
    fn join(&self) -> Option<Wait<'_>> {
        let waiting = self.peek(|machine| machine.settings().waiting.clone())?;
        let waiters = self.waiters.get_or_init(Default::default);
        let place = waiters.place(waiting.callers)?;
        let deadline = Instant::now().checked_add(waiting.timeout);
        Some(Box::pin(self.wait(place, waiting, deadline)))
    }

    async fn wait(
        &self,
        place: Place<'_>,
        waiting: Box<Waiting>,
        deadline: Option<Instant>,
    ) -> Result<Admitted, Rejection> {
        loop {
            // Registered before the state is read, so that no verdict between the two is missed.
            let mut change = pin!(place.0.change.notified());
            change.as_mut().enable();
            let at = Instant::now();
            let now = self.moment(at);
            let mut refusal = match self.admit(now) {
                Ok(admitted) => return Ok(admitted),
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
