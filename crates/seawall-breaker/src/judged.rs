//! A breaker with its own judge of what a failure is.

use std::pin::Pin;
use std::task::{Context, Poll};

use seawall_core::{
    Admission, Admit, Admitted, Attempt, Description, Error, EventKind, Judge, Policy, PolicyKind,
    Rejection, Settle,
};

use crate::waiting::WaitForVerdict;
use crate::{Breaker, Permit};

/// A breaker with its own judge of what a failure is. Made by [`Breaker::judged_by`].
///
/// Shares its circuit with the breaker that it was made from.
#[derive(Clone, Debug)]
pub struct Judged<J> {
    breaker: Breaker,
    judge: J,
}

/// A permit whose outcome is judged.
#[derive(Debug)]
pub struct JudgedPermit<'p, J> {
    permit: Permit<'p>,
    judge: &'p J,
}

/// A wait for a [`JudgedPermit`].
#[derive(Debug)]
pub struct JudgedWait<'p, J> {
    wait: WaitForVerdict<'p>,
    judge: &'p J,
}

impl<J> Judged<J> {
    pub(crate) fn new(breaker: Breaker, judge: J) -> Self {
        Self { breaker, judge }
    }
}

impl<J> Admit for Judged<J> {
    type Permit<'p>
        = JudgedPermit<'p, J>
    where
        Self: 'p;
    type Wait<'p>
        = JudgedWait<'p, J>
    where
        Self: 'p;

    #[inline]
    fn try_admit(&self, attempt: &mut Attempt) -> Option<JudgedPermit<'_, J>> {
        let permit = self.breaker.try_admit(attempt)?;
        Some(JudgedPermit { permit, judge: &self.judge })
    }

    fn admit(&self, attempt: &mut Attempt) -> Admission<JudgedPermit<'_, J>, JudgedWait<'_, J>> {
        let judge = &self.judge;
        match self.breaker.admit(attempt) {
            Admission::Granted(permit) => Admission::Granted(JudgedPermit { permit, judge }),
            Admission::Waiting(wait) => Admission::Waiting(JudgedWait { wait, judge }),
            Admission::Refused(rejection) => Admission::Refused(rejection),
        }
    }
}

impl<T, E, J: Judge<T, E>> Settle<T, E> for JudgedPermit<'_, J> {
    #[inline]
    fn settle(self, outcome: &Result<T, Error<E>>) {
        let panicked = |report| self.permit.report(EventKind::Panicked(report));
        let class = self.judge.judge_contained(outcome, panicked);
        match outcome {
            Ok(_) => self.permit.settle(class),
            Err(error) => self.permit.settle_error(class, error),
        };
    }
}

impl<'p, J> Future for JudgedWait<'p, J> {
    type Output = Result<JudgedPermit<'p, J>, Rejection>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let judge = self.judge;
        let permit = Pin::new(&mut self.wait).poll(cx);
        permit.map_ok(|permit| JudgedPermit { permit, judge })
    }
}

impl<J> Policy for Judged<J> {
    type Wrapped<'p, Op>
        = Admitted<'p, Self, Op>
    where
        Self: 'p;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        Admitted::new(self, op)
    }

    fn describe(&self, inner: Description) -> Description {
        let text = format!("{}, with a judge of its own", self.breaker.text());
        inner.layer(PolicyKind::Breaker, self.breaker.name(), text)
    }
}
