//! The semaphore with a reporter and a clock: it refuses, waits and reports.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use seawall_core::{Admission, Counted, EventKind, Evidence, Reason, Rejection, Reporter, Rule};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Demand, Key, Queued, Semaphore, Verdict, Word};
use crate::wait_limit::WaitLimit;

#[derive(Debug)]
pub(crate) struct Limiter {
    pub(crate) semaphore: Semaphore,
    pub(crate) shutdown: Option<CancellationToken>,
    /// How long a call may wait. `None` where there is no queue.
    pub(crate) longest_wait: Option<Duration>,
    pub(crate) refused: AtomicU64,
}

impl Limiter {
    pub(crate) const fn new(semaphore: Semaphore) -> Self {
        Self { semaphore, shutdown: None, longest_wait: None, refused: AtomicU64::new(0) }
    }

    /// Admits a call, or gives it a place in the queue, or refuses it by `reporter`.
    pub(crate) fn acquire<'p>(
        &'p self,
        reporter: &'p Reporter,
        demand: &Demand,
        deadline: Option<Instant>,
    ) -> Admission<(), Wait<'p>> {
        match self.semaphore.try_acquire(demand) {
            Ok(_) => Admission::Granted(()),
            Err(word) => self.acquire_late(reporter, *demand, deadline, word),
        }
    }

    #[cold]
    fn acquire_late<'p>(
        &'p self,
        reporter: &'p Reporter,
        demand: Demand,
        deadline: Option<Instant>,
        word: Word,
    ) -> Admission<(), Wait<'p>> {
        let Some(longest) = self.longest_wait else {
            return Admission::Refused(self.refuse_full(reporter, word));
        };
        if self.shutdown.as_ref().is_some_and(CancellationToken::is_cancelled) {
            return Admission::Refused(self.refuse(reporter, Reason::ShuttingDown, None, None));
        }
        let now = Instant::now();
        if deadline.is_some_and(|deadline| deadline <= now) {
            let evidence = in_flight(word, self.semaphore.waiters());
            return Admission::Refused(self.refuse(
                reporter,
                Reason::DeadlineTooNear,
                Some(evidence),
                None,
            ));
        }
        match self.semaphore.acquire_or_queue(demand, now) {
            Queued::Acquired => Admission::Granted(()),
            Queued::Waiting(key) => {
                let limit = WaitLimit::new(now, longest, deadline, self.shutdown.as_ref());
                Admission::Waiting(Wait {
                    limiter: self,
                    reporter,
                    demand,
                    key: Some(key),
                    since: now,
                    limit,
                })
            }
            Queued::Refused { waiters } => {
                Admission::Refused(self.refuse_place(reporter, demand, waiters))
            }
        }
    }

    fn refuse_place(&self, reporter: &Reporter, demand: Demand, waiters: u32) -> Rejection {
        let word = self.semaphore.word();
        if word.is_closed() {
            self.refuse(reporter, Reason::ShuttingDown, None, None)
        } else if !demand.can_fit(word.limit()) {
            self.refuse(reporter, Reason::Full, Some(in_flight(word, waiters)), None)
        } else {
            let queued = f64::from(waiters);
            let evidence = Evidence::new(Rule::Queued, queued, queued, word.in_flight());
            self.refuse(reporter, Reason::QueueFull, Some(evidence), None)
        }
    }

    /// Refuses a call that does not wait, by the word that did not admit it.
    #[cold]
    pub(crate) fn refuse_full(&self, reporter: &Reporter, word: Word) -> Rejection {
        if word.is_closed() {
            return self.refuse(reporter, Reason::ShuttingDown, None, None);
        }
        // The lock is taken only where somebody waits.
        let waiters = if word.has_waiters() { self.semaphore.waiters() } else { 0 };
        self.refuse(reporter, Reason::Full, Some(in_flight(word, waiters)), None)
    }

    fn refuse(
        &self,
        reporter: &Reporter,
        reason: Reason,
        evidence: Option<Evidence>,
        waited: Option<Duration>,
    ) -> Rejection {
        self.refused.fetch_add(1, Ordering::Relaxed);
        reporter.count(Counted::Refused(reason));
        let mut rejection = reporter.rejection(reason);
        if let Some(evidence) = evidence {
            rejection = rejection.because(evidence);
        }
        if let Some(waited) = waited {
            rejection = rejection.in_force_for(waited);
        }
        reporter.refused(rejection)
    }

    /// Sets another limit and reports it.
    pub(crate) fn resize(&self, reporter: &Reporter, limit: u32) {
        let before = self.semaphore.resize(limit);
        if before != limit {
            reporter.report(|| EventKind::limit_changed(before, limit));
        }
    }
}

fn in_flight(word: Word, waiters: u32) -> Evidence {
    let (in_flight, limit) = (f64::from(word.in_flight()), f64::from(word.limit()));
    Evidence::new(Rule::InFlight, in_flight, limit, waiters)
}

/// A place in the queue. Ready when the permit is there, or when it is certain that it won't be.
#[derive(Debug)]
pub(crate) struct Wait<'p> {
    limiter: &'p Limiter,
    reporter: &'p Reporter,
    demand: Demand,
    // `None` once the wait is over.
    key: Option<Key>,
    since: Instant,
    limit: WaitLimit,
}

impl Wait<'_> {
    fn end(&mut self, verdict: Verdict) -> Result<(), Rejection> {
        self.key = None;
        let reason = match verdict {
            Verdict::Granted => return Ok(()),
            Verdict::Closed => Reason::ShuttingDown,
            Verdict::Shed => Reason::Shed,
            Verdict::TooHeavy => Reason::Full,
        };
        Err(self.refused(reason))
    }

    // Gives the place up, unless the permit came in this very moment: then it is taken.
    fn give_up(&mut self, reason: Reason) -> Result<(), Rejection> {
        let verdict = self.key.take().and_then(|key| self.limiter.semaphore.remove_waiter(key));
        match verdict {
            Some(verdict) => self.end(verdict),
            None => Err(self.refused(reason)),
        }
    }

    fn refused(&self, reason: Reason) -> Rejection {
        let Limiter { semaphore, .. } = self.limiter;
        let evidence = in_flight(semaphore.word(), semaphore.waiters());
        let waited = Instant::now().saturating_duration_since(self.since);
        self.limiter.refuse(self.reporter, reason, Some(evidence), Some(waited))
    }
}

impl Future for Wait<'_> {
    type Output = Result<(), Rejection>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(key) = this.key else { panic!("a wait was polled after it was ready") };
        // The permit before the timer: one that is there is taken even if time is up, and tokio's
        // timer says "not yet" to a task that has used up its budget.
        if let Poll::Ready(verdict) = this.limiter.semaphore.poll_waiter(key, cx.waker()) {
            return Poll::Ready(this.end(verdict));
        }
        match this.limit.poll(None, cx) {
            Poll::Ready(Some(reason)) => Poll::Ready(this.give_up(reason)),
            _ => Poll::Pending,
        }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let Some(key) = self.key.take() else { return };
        if self.limiter.semaphore.remove_waiter(key) == Some(Verdict::Granted) {
            self.limiter.semaphore.release(&self.demand);
        }
    }
}
