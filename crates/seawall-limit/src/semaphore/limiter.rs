//! The gate with a name, a voice and a clock: what refuses, waits and reports.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use seawall_core::{
    Event, EventKind, Evidence, Listeners, Name, PolicyKind, Reason, Rejection, Rule,
};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{Demand, Entry, Gate, Key, Verdict, Word};

/// A gate that speaks for a policy.
#[derive(Debug)]
pub(crate) struct Entrance {
    pub(crate) gate: Gate,
    pub(crate) name: Name,
    pub(crate) kind: PolicyKind,
    pub(crate) listeners: Listeners,
    pub(crate) shutdown: Option<CancellationToken>,
    /// How long a call may wait; `None`: there is no queue.
    pub(crate) longest_wait: Option<Duration>,
    pub(crate) refused: AtomicU64,
}

/// What becomes of a call that may wait.
#[derive(Debug)]
pub(crate) enum Arrival<'p> {
    Entered,
    Waits(Wait<'p>),
    Refused(Rejection),
}

impl Entrance {
    /// Lets a call in, or gives it a place in the queue, or turns it away.
    #[inline]
    pub(crate) fn enter(&self, demand: &Demand, deadline: Option<Instant>) -> Arrival<'_> {
        match self.gate.try_enter(demand) {
            Ok(_) => Arrival::Entered,
            Err(word) => self.enter_late(*demand, deadline, word),
        }
    }

    #[cold]
    fn enter_late(&self, demand: Demand, deadline: Option<Instant>, word: Word) -> Arrival<'_> {
        let Some(longest) = self.longest_wait else {
            return Arrival::Refused(self.refuse_try(word));
        };
        if self.shutdown.as_ref().is_some_and(CancellationToken::is_cancelled) {
            return Arrival::Refused(self.refuse(Reason::ShuttingDown, None, None));
        }
        let now = Instant::now();
        if deadline.is_some_and(|deadline| deadline <= now) {
            let evidence = in_flight(word, self.gate.queued());
            return Arrival::Refused(self.refuse(Reason::DeadlineTooNear, Some(evidence), None));
        }
        match self.gate.enter_or_queue(demand, now) {
            Entry::Entered => Arrival::Entered,
            Entry::Waits(key) => {
                Arrival::Waits(Wait::new(self, demand, key, now, longest, deadline))
            }
            Entry::NoPlace { queued } => Arrival::Refused(self.refuse_place(demand, queued)),
        }
    }

    fn refuse_place(&self, demand: Demand, queued: u32) -> Rejection {
        let word = self.gate.word();
        if word.is_closed() {
            self.refuse(Reason::ShuttingDown, None, None)
        } else if !demand.can_fit(word.limit()) {
            self.refuse(Reason::Full, Some(in_flight(word, queued)), None)
        } else {
            let (waiting, limit) = (f64::from(queued), f64::from(queued));
            let evidence = Evidence::new(Rule::Queued, waiting, limit, word.in_flight());
            self.refuse(Reason::QueueFull, Some(evidence), None)
        }
    }

    #[cold]
    pub(crate) fn refuse_try(&self, word: Word) -> Rejection {
        if word.has_flags() || !self.listeners.is_empty() {
            return self.refuse_in_full(word);
        }
        // As mostly: nobody waits, nobody listens. Apart from the rest, as it needs no frame.
        self.refused.fetch_add(1, Ordering::Relaxed);
        Rejection::new(self.name.clone(), self.kind, Reason::Full).because(in_flight(word, 0))
    }

    #[inline(never)]
    fn refuse_in_full(&self, word: Word) -> Rejection {
        if word.is_closed() {
            return self.refuse(Reason::ShuttingDown, None, None);
        }
        // The lock is taken only where somebody waits.
        let queued = if word.has_waiters() { self.gate.queued() } else { 0 };
        self.refuse(Reason::Full, Some(in_flight(word, queued)), None)
    }

    fn refuse(
        &self,
        reason: Reason,
        evidence: Option<Evidence>,
        waited: Option<Duration>,
    ) -> Rejection {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let mut rejection = Rejection::new(self.name.clone(), self.kind, reason);
        if let Some(evidence) = evidence {
            rejection = rejection.because(evidence);
        }
        if let Some(waited) = waited {
            rejection = rejection.in_force_for(waited);
        }
        self.listeners.rejected(rejection)
    }

    /// Sets another limit and says so.
    pub(crate) fn resize(&self, limit: u32) {
        let before = self.gate.resize(limit);
        if before != limit {
            self.listeners.emit(|| {
                let kind = EventKind::limit_changed(before, limit);
                Event::new(self.name.clone(), self.kind, Instant::now(), kind)
            });
        }
    }
}

fn in_flight(word: Word, queued: u32) -> Evidence {
    let (in_flight, limit) = (f64::from(word.in_flight()), f64::from(word.limit()));
    Evidence::new(Rule::InFlight, in_flight, limit, queued)
}

/// A place in the queue. Ready when the permit is there, or when it is certain that it won't be.
///
/// Only what has to wait gets here, so what it waits for is boxed: the futures of calls that don't
/// wait stay small.
#[derive(Debug)]
pub(crate) struct Wait<'p> {
    entrance: &'p Entrance,
    demand: Demand,
    // `None` once the wait is over.
    key: Option<Key>,
    since: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    at_the_end: Reason,
    shutdown: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl<'p> Wait<'p> {
    fn new(
        entrance: &'p Entrance,
        demand: Demand,
        key: Key,
        since: Instant,
        longest: Duration,
        deadline: Option<Instant>,
    ) -> Self {
        // A wait that is too long for the clock to express has no end.
        let end = since.checked_add(longest);
        let (end, at_the_end) = match (end, deadline) {
            (Some(end), Some(deadline)) if deadline < end => {
                (Some(deadline), Reason::DeadlineTooNear)
            }
            (None, Some(deadline)) => (Some(deadline), Reason::DeadlineTooNear),
            (end, _) => (end, Reason::WaitedTooLong),
        };
        let mut wait = Self {
            entrance,
            demand,
            key: Some(key),
            since,
            timer: None,
            at_the_end,
            shutdown: None,
        };
        // After `wait` exists: making a timer panics outside a runtime, and the place goes back.
        wait.timer = end.map(|end| Box::pin(tokio::time::sleep_until(end)));
        let token = entrance.shutdown.clone();
        wait.shutdown = token.map(|token| Box::pin(token.cancelled_owned()));
        wait
    }

    fn over(&mut self, verdict: Verdict) -> Result<(), Rejection> {
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
        let verdict = self.key.take().and_then(|key| self.entrance.gate.forget_waiter(key));
        match verdict {
            Some(verdict) => self.over(verdict),
            None => Err(self.refused(reason)),
        }
    }

    fn refused(&self, reason: Reason) -> Rejection {
        let evidence = in_flight(self.entrance.gate.word(), self.entrance.gate.queued());
        let waited = Instant::now().saturating_duration_since(self.since);
        self.entrance.refuse(reason, Some(evidence), Some(waited))
    }
}

impl Future for Wait<'_> {
    type Output = Result<(), Rejection>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(key) = this.key else { panic!("a wait was polled after it was over") };
        // The permit before the timer: one that is there is taken even if time is up, and tokio's
        // timer says "not yet" to a task that has used up its budget.
        if let Poll::Ready(verdict) = this.entrance.gate.poll_waiter(key, cx.waker()) {
            return Poll::Ready(this.over(verdict));
        }
        if let Some(shutdown) = &mut this.shutdown
            && shutdown.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(this.give_up(Reason::ShuttingDown));
        }
        if let Some(timer) = &mut this.timer
            && timer.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(this.give_up(this.at_the_end));
        }
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let Some(key) = self.key.take() else { return };
        if self.entrance.gate.forget_waiter(key) == Some(Verdict::Granted) {
            self.entrance.gate.leave(&self.demand);
        }
    }
}
