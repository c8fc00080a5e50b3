//! What a call needs beyond its first request: a place in the queue, more requests, a timer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use seawall_core::{
    Attempt, CarriedOut, Class, Counted, Error, EventKind, GaveUp, Health, Operation, PolicyKind,
    Reason, StopReason, Timer, Verdict,
};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::machine::{Answer, Refusal, nanos};
use super::permit::{Permit, Ticket};
use super::shared::Shared;

pub(super) struct Rest<'p, Op: Operation> {
    came: u64,
    due: u64,
    sent: u32,
    failures: u32,
    others: Vec<Other<'p, Op>>,
    ticket: Option<Ticket<'p>>,
    /// The end of the pause after a failure.
    pause: Option<u64>,
    refused: Option<Refusal>,
    /// No more requests are sent.
    stopped: Option<StopReason>,
    last: Option<Error<Op::Error>>,
    /// What the requests that are over may have done.
    carried_out: CarriedOut,
    /// When to look whether the requests in flight were overtaken.
    check_at: u64,
    timer: Option<Pin<Box<Timer>>>,
    shutdown: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

/// A request of the call after its first.
struct Other<'p, Op: Operation> {
    future: Pin<Box<Op::Future>>,
    permit: Permit<'p>,
}

pub(super) enum Step<T, E> {
    Pending,
    Done(Result<T, Error<E>>),
}

type StepOf<Op> = Step<<Op as Operation>::Output, <Op as Operation>::Error>;

impl<'p, Op: Operation> Rest<'p, Op> {
    fn new(came: u64, due: u64, sent: u32) -> Self {
        Self {
            came,
            due,
            sent,
            failures: 0,
            others: Vec::new(),
            ticket: None,
            pause: None,
            refused: None,
            stopped: None,
            last: None,
            carried_out: CarriedOut::No,
            check_at: 0,
            timer: None,
            shutdown: None,
        }
    }

    /// Of a call that sent its first request.
    pub(super) fn started(came: u64, due: u64) -> Self {
        Self::new(came, due, 1)
    }

    /// Of a call that waits in the queue.
    pub(super) fn waiting(came: u64, due: u64, ticket: Ticket<'p>) -> Self {
        Self { ticket: Some(ticket), ..Self::new(came, due, 0) }
    }

    pub(super) fn refused(came: u64, due: u64, refusal: Refusal) -> Self {
        Self { refused: Some(refusal), ..Self::new(came, due, 0) }
    }

    /// A request failed, or was answered in a way that can't be bettered.
    pub(super) fn failed(
        &mut self,
        shared: &'p Shared,
        op: &Op,
        attempt: &Attempt,
        permit: Option<Permit<'p>>,
        error: Error<Op::Error>,
    ) -> StepOf<Op> {
        let Verdict { class, carried_out } = error.verdict();
        self.carried_out = self.carried_out.max(carried_out);
        if let Some(permit) = permit {
            match (&error, class.health()) {
                (Error::TimedOut(_), _) => permit.timed_out(),
                (_, Health::Healthy) => permit.succeeded(),
                (_, Health::Unhealthy) => permit.failed(),
                (_, Health::Unknown) => permit.ended(),
            }
        }
        if !class.is_retryable() {
            let why = match (&error, class) {
                (Error::Rejected(_), _) => StopReason::Rejected,
                (_, Class::Cancelled) => StopReason::Shutdown,
                _ => StopReason::Permanent,
            };
            return Step::Done(Err(self.give_up(shared, *attempt, error, why)));
        }
        self.failures += 1;
        if self.is_same_panic(&error) {
            self.stopped = Some(StopReason::Poisoned);
        }
        let now = shared.time.now();
        if let Some(why) = self.stopped.or_else(|| self.stop(shared, op, attempt, carried_out)) {
            self.stopped = Some(why);
        } else if self.ticket.is_none() && self.pause.is_none() {
            let pause = self.pause_after(shared, class);
            if now.saturating_add(pause) >= self.due {
                self.stopped = Some(StopReason::Deadline);
            } else {
                self.pause = Some(now.saturating_add(pause));
                let (sent, pause) = (self.sent, Duration::from_nanos(pause));
                shared.reporter.count(Counted::Retried(class));
                shared.reporter.report(|| EventKind::retrying(sent, class, pause));
            }
        }
        self.last = Some(error);
        Step::Pending
    }

    /// Whether the request before ended in the same panic.
    fn is_same_panic(&self, error: &Error<Op::Error>) -> bool {
        let report = |error: &Error<Op::Error>| {
            error.panicked().map(|it| (it.report.message.clone(), it.report.location.clone()))
        };
        let before = self.last.as_ref().and_then(report);
        before.is_some() && before == report(error)
    }

    /// Why nothing follows a failure.
    fn stop(
        &self,
        shared: &Shared,
        op: &Op,
        attempt: &Attempt,
        carried_out: CarriedOut,
    ) -> Option<StopReason> {
        let said = attempt.is_idempotent();
        let may = said.unwrap_or(shared.settings().idempotent || carried_out == CarriedOut::No);
        if shared.settings().max_attempts == 1 {
            Some(StopReason::Attempts)
        } else if !may {
            let unsaid = said.is_none();
            Some(if unsaid { StopReason::NotIdempotent } else { StopReason::Permanent })
        } else if self.sent >= shared.settings().max_attempts {
            Some(StopReason::Attempts)
        } else if shared.shutdown.as_ref().is_some_and(CancellationToken::is_cancelled) {
            Some(StopReason::Shutdown)
        } else if !op.is_repeatable() {
            Some(StopReason::NotRepeatable)
        } else {
            None
        }
    }

    fn pause_after(&self, shared: &Shared, class: Class) -> u64 {
        let chance = shared.random.unit();
        let now = shared.time.now();
        let machine = &shared.state().machine;
        let pause = machine.pause(now, self.came, self.due, self.failures, chance);
        let hint = class.retry_after().unwrap_or_default();
        pause.max(nanos(hint.as_secs_f64()))
    }

    pub(super) fn proceed(
        &mut self,
        shared: &'p Shared,
        op: &mut Op,
        attempt: &Attempt,
        first: &mut Option<Permit<'p>>,
        cx: &mut Context<'_>,
    ) -> StepOf<Op> {
        if let Some(refusal) = self.refused.take() {
            return Step::Done(self.refuse(shared, refusal));
        }
        loop {
            if let Step::Done(outcome) = self.poll_others(shared, op, attempt, cx) {
                return Step::Done(outcome);
            }
            let now = shared.time.now();
            if self.pause.is_some_and(|pause| pause <= now) {
                self.pause = None;
                if self.want(shared, op, attempt, now) {
                    continue;
                }
            }
            if let Some(ticket) = &self.ticket {
                match ticket.poll(cx.waker()) {
                    Poll::Ready(Ok(())) => {
                        self.ticket = None;
                        self.launch(shared, op, attempt);
                        continue;
                    }
                    Poll::Ready(Err(refusal)) => {
                        self.ticket = None;
                        if self.sent == 0 {
                            return Step::Done(self.refuse(shared, refusal));
                        }
                        self.stopped = Some(why(refusal));
                    }
                    Poll::Pending => {}
                }
            }
            let in_flight = self.others.len() + usize::from(first.is_some());
            let idle = self.ticket.is_none() && self.pause.is_none();
            if in_flight == 0 && idle {
                let why = self.stopped.unwrap_or(StopReason::Attempts);
                let Some(last) = self.last.take() else {
                    panic!("a call was polled after it was over");
                };
                return Step::Done(Err(self.give_up(shared, *attempt, last, why)));
            }
            let watches = idle
                && self.stopped.is_none()
                && self.sent < shared.settings().max_attempts
                && idempotent(shared, attempt);
            if watches && self.check_at <= now {
                let others = self.others.iter_mut().map(|other| &mut other.permit);
                let mut all = true;
                let mut newest = 0;
                for permit in first.iter_mut().chain(others) {
                    newest = newest.max(permit.sent.at);
                    all &= permit.is_lost();
                }
                let hedges = self.sent == 1 && shared.hedge_at(newest) <= now;
                if (all || hedges) && op.is_repeatable() {
                    if self.want(shared, op, attempt, now) {
                        continue;
                    }
                    if self.ticket.is_some() {
                        continue;
                    }
                } else {
                    self.check_at = next_check(shared, newest, now);
                    if self.sent == 1 {
                        self.check_at = self.check_at.min(shared.hedge_at(newest).max(now + 1));
                    }
                }
            }
            if self.shutting_down(shared, cx) {
                self.pause = None;
                self.ticket = None;
                if self.sent == 0 {
                    let rejection = shared.reporter.refuse(Reason::ShuttingDown);
                    return Step::Done(Err(rejection.into()));
                }
                if self.stopped.is_none() {
                    self.stopped = Some(StopReason::Shutdown);
                    continue;
                }
            }
            let mut at = self.pause.unwrap_or(u64::MAX);
            if watches {
                at = at.min(self.check_at);
            }
            if let Some(ticket) = &self.ticket {
                at = at.min(ticket.look_at(now));
            }
            if at == u64::MAX || !self.sleeps_until(shared, at, cx) {
                return Step::Pending;
            }
        }
    }

    /// Asks for another request; says whether it was launched.
    fn want(&mut self, shared: &'p Shared, op: &mut Op, attempt: &Attempt, now: u64) -> bool {
        match shared.want(now, self.due) {
            Answer::Starts => {
                self.launch(shared, op, attempt);
                return true;
            }
            Answer::Waits(key) => self.ticket = Some(Ticket::new(shared, key)),
            Answer::Refused(refusal) => self.stopped = Some(why(refusal)),
        }
        false
    }

    fn launch(&mut self, shared: &'p Shared, op: &mut Op, attempt: &Attempt) {
        let began = Instant::now();
        let now = shared.time.at(began);
        self.sent += 1;
        self.check_at = 0;
        let mut next =
            attempt.numbered(self.sent, shared.settings().max_attempts).beginning_at(began);
        if let Some(last) = &self.last {
            next = next.after(last.verdict());
        } else if self.sent > 1 {
            let sent = self.sent;
            shared.reporter.count(Counted::Hedged);
            shared.reporter.report(|| EventKind::hedged(sent));
        }
        let permit = Permit::new(shared, now, self.due);
        self.others.push(Other { future: Box::pin(op.attempt(next)), permit });
    }

    fn poll_others(
        &mut self,
        shared: &'p Shared,
        op: &Op,
        attempt: &Attempt,
        cx: &mut Context<'_>,
    ) -> StepOf<Op> {
        let mut index = 0;
        while let Some(other) = self.others.get_mut(index) {
            let Poll::Ready(outcome) = other.future.as_mut().poll(cx) else {
                index += 1;
                continue;
            };
            let Other { future, permit } = self.others.remove(index);
            drop(future);
            match outcome {
                Ok(output) => {
                    permit.succeeded();
                    return Step::Done(Ok(output));
                }
                Err(error) => {
                    let step = self.failed(shared, op, attempt, Some(permit), error);
                    if let Step::Done(_) = step {
                        return step;
                    }
                }
            }
        }
        Step::Pending
    }

    /// Whether it is time; otherwise the task is woken then.
    fn sleeps_until(&mut self, shared: &Shared, at: u64, cx: &mut Context<'_>) -> bool {
        let Some(at) = shared.time.instant(at) else { return false };
        let timer = self.timer.get_or_insert_with(|| Box::pin(Timer::at(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        timer.as_mut().poll(cx).is_ready()
    }

    fn shutting_down(&mut self, shared: &Shared, cx: &mut Context<'_>) -> bool {
        let waits = self.ticket.is_some() || self.pause.is_some();
        let Some(token) = shared.shutdown.as_ref().filter(|_| waits) else { return false };
        let shutdown =
            self.shutdown.get_or_insert_with(|| Box::pin(token.clone().cancelled_owned()));
        shutdown.as_mut().poll(cx).is_ready()
    }

    fn refuse<T>(&self, shared: &Shared, refusal: Refusal) -> Result<T, Error<Op::Error>> {
        Err(shared.refuse(self.came, refusal).into())
    }

    fn give_up(
        &self,
        shared: &Shared,
        mut attempt: Attempt,
        last: Error<Op::Error>,
        why: StopReason,
    ) -> Error<Op::Error> {
        if self.sent <= 1 && !matches!(why, StopReason::Deadline | StopReason::NotIdempotent) {
            return last;
        }
        let class = last.class();
        shared.reporter.count(Counted::GaveUp(why));
        shared.reporter.report(|| EventKind::gave_up(self.sent, why, class));
        let elapsed = Instant::now().saturating_duration_since(attempt.began());
        let (name, kind) = (shared.reporter.name().clone(), PolicyKind::CongestionControl);
        let gave_up = GaveUp::new(name, kind, why, self.sent, elapsed, last);
        gave_up.out_of(Some(shared.settings().max_attempts)).after(self.carried_out).into()
    }
}

/// Whether anything may be done while the first request is under way.
pub(super) fn may_go_beside(shared: &Shared, attempt: &Attempt) -> bool {
    let settings = shared.settings();
    !settings.disabled && settings.max_attempts > 1 && idempotent(shared, attempt)
}

/// Whether a request may go out while another is under way, and follow one that may have been carried
/// out.
fn idempotent(shared: &Shared, attempt: &Attempt) -> bool {
    attempt.is_idempotent().unwrap_or(shared.settings().idempotent)
}

const fn why(refusal: Refusal) -> StopReason {
    match refusal {
        Refusal::TooLate { .. } | Refusal::StillDown(_) | Refusal::NoRoom { .. } => {
            StopReason::Deadline
        }
        Refusal::Down(_) | Refusal::Held { .. } | Refusal::Full { .. } => StopReason::Rejected,
    }
}

/// When to look next whether a request that was sent at `at` was overtaken: in steps that grow with
/// the time that it has taken, so that one which takes a long time wakes its task a few times only.
fn next_check(shared: &Shared, at: u64, now: u64) -> u64 {
    let overtakes = shared.state().machine.overtaken_by(at);
    if now < overtakes && overtakes < u64::MAX {
        return overtakes.saturating_add(1_000_000);
    }
    now.saturating_add((now.saturating_sub(at) / 4).max(1_000_000))
}
