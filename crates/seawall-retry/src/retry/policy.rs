//! The handle, and the operation that it wraps.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::{
    AllTransient, Attempt, ByClass, Call, Class, Description, Error, FromAttemptFn, FromFn, Judge,
    Lazy, Listeners, Name, Operation, Policy, PolicyKind, Random, contain,
};
use tokio_util::sync::CancellationToken;

use super::course::Last;
use super::future::ATTEMPTS_PER_TURN;
use super::plan::Plan;
use super::{RetryBuilder, RetryFuture};
use crate::{Budget, CallInFlight};

/// Repeats an operation that failed, until it succeeds or there is a reason to stop.
///
/// [The chapter](crate) says what is repeated, when, and what comes back. Cloning a retry is cheap.
/// Clones share their budget, their source of chance and their listeners.
#[derive(Clone)]
pub struct Retry<J = ByClass> {
    pub(super) name: Name,
    pub(super) plan: Plan,
    pub(super) budget: Option<Budget>,
    pub(super) deadline: Option<Duration>,
    pub(super) history: usize,
    /// There is nothing to wait for, to remember or to ask between attempts.
    pub(super) at_once: bool,
    pub(super) random: Random,
    pub(super) listeners: Listeners,
    pub(super) shutdown: Option<CancellationToken>,
    pub(super) veto: Option<Veto>,
    pub(super) judge: J,
}

type May = dyn Fn(&Attempt, Class) -> bool + Send + Sync;

/// The user's predicate on attempts.
#[derive(Clone)]
pub(super) struct Veto(pub(super) Arc<May>);

impl fmt::Debug for Veto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Veto")
    }
}

/// An operation with a [`Retry`] around it.
#[derive(Clone, Debug)]
pub struct RetryCall<'p, Op, J = ByClass> {
    retry: &'p Retry<J>,
    op: Op,
}

/// A call through a [`Retry`] alone, made by [`Retry::call`].
pub type Retried<'p, F, J = ByClass> = Lazy<RetryCall<'p, FromFn<'static, F>, J>>;

/// A call through a [`Retry`] alone, made by [`Retry::call_with`].
pub type RetriedWith<'p, F, J = ByClass> = Lazy<RetryCall<'p, FromAttemptFn<'static, F>, J>>;

impl Retry {
    /// Starts a retry with the defaults that [`RetryBuilder`] lists.
    pub fn builder() -> RetryBuilder {
        RetryBuilder::default()
    }
}

impl<J> Retry<J> {
    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Who is told of what it does.
    pub fn listeners(&self) -> &Listeners {
        &self.listeners
    }

    /// What its repetitions take from, if anything.
    pub fn budget(&self) -> Option<&Budget> {
        self.budget.as_ref()
    }

    /// This retry with another budget: that of a [key](crate::KeyedBudget), for instance.
    #[must_use]
    pub fn with_budget(&self, budget: &Budget) -> Self
    where
        J: Clone,
    {
        Self { budget: Some(budget.clone()), ..self.clone() }
    }

    /// Calls the operation that `make` makes, once for each attempt: `|| async { .. }`,
    /// `async || { .. }`, or the name of an async function without arguments. All its errors are
    /// transient, unless this retry was given a predicate or judge.
    ///
    /// # Cancel safety
    ///
    /// The future does nothing before it is first polled. Dropping it, at any point, drops the
    /// attempt that is under way or the wait for the next one; nothing is left behind.
    pub fn call<F, Fut, T, E>(&self, make: F) -> Retried<'_, F, J>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        J: Judge<T, E>,
    {
        Lazy::new(self.wrap(FromFn::new(make, &AllTransient)))
    }

    /// [`call`](Self::call), with `make` told which attempt it is: its number, the time left, and
    /// what the attempt before it came to. State that is kept across attempts lives in `make`.
    pub fn call_with<F, Fut, T, E>(&self, make: F) -> RetriedWith<'_, F, J>
    where
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        J: Judge<T, E>,
    {
        Lazy::new(self.wrap(FromAttemptFn::new(make, &AllTransient)))
    }

    /// Whether `attempt`, which came to `class`, is followed by another at once, paid for and not
    /// told to anybody. Short for what [`Course::decide`](super::course::Course::decide) comes to
    /// where there is no deadline and nothing to wait for, to remember or to tell.
    #[inline]
    pub(super) fn repeats_at_once(&self, attempt: &Attempt, class: Class) -> bool {
        let number = attempt.number();
        self.at_once
            && class == Class::Transient
            && attempt.deadline().is_none()
            && self.plan.repeats(class, attempt.is_idempotent())
            // 0 is unlimited.
            && number - 1 < self.plan.max_attempts.wrapping_sub(1)
            && !number.is_multiple_of(ATTEMPTS_PER_TURN)
            && self.listeners.is_empty()
            && self.budget.as_ref().is_none_or(Budget::try_spend)
    }

    #[inline]
    fn due(&self, attempt: Attempt) -> Attempt {
        match self.deadline {
            None => attempt,
            Some(limit) => within(limit, attempt),
        }
    }

    /// `attempt` as the operation is told of it. A deadline of the retry's own counts from when it
    /// began.
    #[inline]
    pub(super) fn told(&self, attempt: Attempt) -> Attempt {
        self.due(attempt).numbered(attempt.number(), self.plan.max_attempts)
    }

    /// Pays in for a call.
    #[inline]
    pub(super) fn pay_in(&self) {
        if let Some(budget) = &self.budget {
            budget.pay_in();
        }
    }

    /// Counts a call as in flight, where that is counted.
    #[cold]
    #[inline(never)]
    pub(super) fn enter(&self) -> Option<CallInFlight<'_>> {
        self.budget.as_ref()?.enter()
    }

    pub(super) fn is_shutting_down(&self) -> bool {
        self.shutdown.as_ref().is_some_and(CancellationToken::is_cancelled)
    }

    /// What `outcome` means to this retry. If the user's judge panics, what it came with.
    #[inline]
    pub(super) fn class<T, E>(&self, outcome: &Result<T, Error<E>>) -> Class
    where
        J: Judge<T, E>,
    {
        self.judge.judge_contained(outcome, |report| self.tell_panicked(report))
    }

    /// An outcome that is a success to this retry; any other with what it means.
    #[inline]
    pub(super) fn weigh<T, E>(
        &self,
        outcome: Result<T, Error<E>>,
    ) -> Result<Result<T, Error<E>>, Last<T, E>>
    where
        J: Judge<T, E>,
    {
        let class = self.class(&outcome);
        if class == Class::Success { Ok(outcome) } else { Err(Last { outcome, class }) }
    }

    pub(super) fn forbids(&self, attempt: &Attempt, class: Class) -> bool {
        let Some(veto) = &self.veto else { return false };
        let may = contain(|| veto.0(attempt, class)).unwrap_or_else(|report| {
            self.tell_panicked(report);
            false
        });
        !may
    }
}

impl<J> Policy for Retry<J> {
    type Wrapped<'p, Op>
        = RetryCall<'p, Op, J>
    where
        Self: 'p;

    #[inline]
    fn wrap<Op>(&self, op: Op) -> RetryCall<'_, Op, J> {
        RetryCall { retry: self, op }
    }

    fn describe(&self, inner: Description) -> Description {
        let attempts = inner.max_attempts();
        let longest = inner.longest();
        let max_attempts = (self.plan.max_attempts > 0).then_some(self.plan.max_attempts);
        inner
            .layer(PolicyKind::Retry, &self.name, self.to_string())
            .with_max_attempts(
                max_attempts.zip(attempts).map(|(own, inner)| inner.saturating_mul(own.into())),
            )
            .with_longest(longest.and_then(|attempt| self.plan.longest(attempt, self.deadline)))
    }
}

impl<J> fmt::Display for Retry<J> {
    /// The configuration in one line, as in a pipeline's description.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.plan.max_attempts {
            0 => f.write_str("any number of attempts")?,
            1 => f.write_str("one attempt")?,
            attempts => write!(f, "at most {attempts} attempts")?,
        }
        if let Some(deadline) = self.deadline {
            write!(f, " within {deadline:?}")?;
        }
        write!(
            f,
            ", {}, waits of up to {:?} where asked for",
            self.plan.backoff, self.plan.max_retry_after
        )?;
        match &self.budget {
            Some(budget) => write!(f, ", {budget}")?,
            None => f.write_str(", no budget")?,
        }
        if self.plan.idempotent {
            Ok(())
        } else {
            f.write_str(", only what was refused as overloaded")
        }
    }
}

impl<'p, Op, J> Call for RetryCall<'p, Op, J>
where
    Op: Operation,
    J: Judge<Op::Output, Op::Error>,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = RetryFuture<'p, Op, J>;

    #[inline]
    fn start(self, attempt: Attempt) -> Self::Future {
        RetryFuture::start(self.retry, self.op, attempt)
    }
}

impl<J> fmt::Debug for Retry<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("name", &self.name)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

/// `attempt`, over when `limit` has passed from its beginning.
#[inline]
fn within(limit: Duration, mut attempt: Attempt) -> Attempt {
    // A deadline that no clock will ever reach is none.
    match attempt.began().checked_add(limit) {
        Some(deadline) => attempt.due_by(deadline),
        None => attempt,
    }
}
