//! The breaker as a policy.

use seawall_core::operation::{Deferrable, Once, Repeated};
use seawall_core::{
    Attempt, ByClass, Call, ConfigError, Description, Layer, LayerContext, Operation, Policy,
    PolicyKind,
};

use crate::Breaker;
use crate::future::{BreakerFuture, Entered, Late};
use crate::guarded::Guarded;
use crate::inner::Inner;

/// An operation that a breaker guards.
#[derive(Clone)]
pub struct BreakerCall<'p, Op, J = ByClass> {
    breaker: &'p Inner,
    judge: &'p J,
    op: Deferrable<Op>,
}

/// A breaker with an opinion of its own on what a failure is.
///
/// Shares its circuit with the breaker that it was made from.
#[derive(Clone, Debug)]
pub struct Judged<J> {
    breaker: Breaker,
    judge: J,
}

impl Breaker {
    /// Guards `future`, whose errors all count as failures of the dependency.
    ///
    /// To tell errors apart, use the breaker in a pipeline with a classifier, or
    /// [`judged_by`](Self::judged_by).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future at any point gives its admission back.
    ///
    /// ```
    /// use seawall_breaker::Breaker;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let breaker = Breaker::builder().build()?;
    /// let answer = breaker.call(async { Ok::<_, std::io::Error>(42) }).await?;
    /// assert_eq!(answer, 42);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn call<Fut, T, E>(&self, future: Fut) -> Guarded<'_, Fut>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        Guarded::new(&self.0, future)
    }

    /// This breaker, with outcomes classed by `judge` instead of by the pipeline's classifier.
    pub fn judged_by<J>(&self, judge: J) -> Judged<J> {
        Judged { breaker: self.clone(), judge }
    }

    fn text(&self) -> String {
        self.0.shell.peek(|machine| machine.settings().to_string())
    }
}

impl Policy for Breaker {
    type Wrapped<'p, Op> = BreakerCall<'p, Op>;

    #[inline]
    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        BreakerCall { breaker: &self.0, judge: &ByClass, op: Deferrable::new(op) }
    }

    fn describe(&self, inner: Description) -> Description {
        inner.layer(PolicyKind::Breaker, self.name(), self.text())
    }
}

impl<J> Policy for Judged<J> {
    type Wrapped<'p, Op>
        = BreakerCall<'p, Op, J>
    where
        Self: 'p;

    #[inline]
    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        BreakerCall { breaker: &self.breaker.0, judge: &self.judge, op: Deferrable::new(op) }
    }

    fn describe(&self, inner: Description) -> Description {
        let text = format!("{}, with a judge of its own", self.breaker.text());
        inner.layer(PolicyKind::Breaker, self.breaker.name(), text)
    }
}

impl Layer for Breaker {
    type Policy = Self;

    fn into_policy(self, _: &LayerContext) -> Result<Self, ConfigError> {
        Ok(self)
    }
}

impl<J> Layer for Judged<J> {
    type Policy = Self;

    fn into_policy(self, _: &LayerContext) -> Result<Self, ConfigError> {
        Ok(self)
    }
}

impl<'p, Op: Call, J> Call for BreakerCall<'p, Op, J>
where
    J: seawall_core::Judge<Op::Output, Op::Error> + 'p,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = BreakerFuture<'p, Op::Future, Once<Op>, J>;

    #[inline(always)]
    fn start(self, mut attempt: Attempt) -> Self::Future {
        match Entered::ask(self.breaker, &mut attempt) {
            Entered::In(permit) => {
                // The permit is held over the inner start, which may panic.
                let future = self.op.into_op().start(attempt);
                BreakerFuture::running(future, permit, self.judge)
            }
            Entered::Waiting(wait) => {
                let late = Late::waiting(self.breaker, wait, self.op.once(), attempt, self.judge);
                BreakerFuture::late(late)
            }
            Entered::Out(rejection) => BreakerFuture::refused(rejection),
        }
    }
}

impl<'p, Op: Operation, J> Operation for BreakerCall<'p, Op, J>
where
    J: seawall_core::Judge<Op::Output, Op::Error> + 'p,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = BreakerFuture<'p, Op::Future, Repeated<Op>, J>;

    #[inline(always)]
    fn attempt(&mut self, mut attempt: Attempt) -> Self::Future {
        match Entered::ask(self.breaker, &mut attempt) {
            Entered::In(permit) => {
                // The permit is held over the inner attempt, which may panic.
                let Some(op) = self.op.own() else {
                    let late = Late::started(self.op.repeated(), attempt, permit, self.judge);
                    return BreakerFuture::late(late);
                };
                let future = op.attempt(attempt);
                BreakerFuture::running(future, permit, self.judge)
            }
            Entered::Waiting(wait) => {
                let late =
                    Late::waiting(self.breaker, wait, self.op.repeated(), attempt, self.judge);
                BreakerFuture::late(late)
            }
            Entered::Out(rejection) => BreakerFuture::refused(rejection),
        }
    }
}

impl<Op, J> std::fmt::Debug for BreakerCall<'_, Op, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BreakerCall").finish_non_exhaustive()
    }
}
