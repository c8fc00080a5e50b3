//! The fallback as a policy.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use seawall_core::{
    AllTransient, Attempt, Call, ConfigError, Description, Error, FromFuture, Layer, LayerContext,
    Listeners, Name, Operation, OperationFuture, Policy, PolicyKind,
};

use super::config::When;
use super::future::FallbackFuture;
use super::{FallbackBuilder, Substitute, TryWith, Value, With, WithAsync};
use crate::places::Places;

/// Answers in the operation's place when it fails.
///
/// The answer is an `Ok` to the caller, and [`Degraded`](seawall_core::EventKind::Degraded) to the
/// listeners. Clones share places and counts.
///
/// ```
/// use seawall_guard::Fallback;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let prices = Fallback::value(vec![100_u32]).name("prices").build()?;
/// let answer = prices
///     .call(async { Err::<Vec<u32>, _>(std::io::Error::other("down")) })
///     .await?;
/// assert_eq!(answer, [100]);
/// assert_eq!(prices.degraded(), 1);
/// # Ok(())
/// # }
/// ```
pub struct Fallback<S>(pub(super) Arc<Shared<S>>);

#[derive(Debug)]
pub(super) struct Shared<S> {
    pub(super) name: Name,
    pub(super) listeners: Listeners,
    pub(super) when: When,
    pub(super) places: Places,
    pub(super) counts: Counts,
    pub(super) substitute: S,
    pub(super) at_once: bool,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) degraded: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) refused: AtomicU64,
}

impl Fallback<()> {
    /// Falls back to `value`.
    pub fn value<T: Clone>(value: T) -> FallbackBuilder<Value<T>> {
        FallbackBuilder::new(Value(value)).at_once(true)
    }

    /// Falls back to what `f` makes of the error.
    pub fn with<F, T, E>(f: F) -> FallbackBuilder<With<F, E>>
    where
        F: Fn(&Error<E>) -> T,
    {
        FallbackBuilder::new(With(f, PhantomData)).at_once(true)
    }

    /// Falls back to what `f` makes of the error; where it makes nothing, the error stands.
    pub fn try_with<F, T, E>(f: F) -> FallbackBuilder<TryWith<F, E>>
    where
        F: Fn(&Error<E>) -> Option<T>,
    {
        FallbackBuilder::new(TryWith(f, PhantomData)).at_once(true)
    }

    /// Falls back to the outcome of the future that `f` makes of the error; where that fails, the
    /// first error stands. It may take as long as it likes: the description of a pipeline has no
    /// longest time then, unless a timeout is around it.
    ///
    /// ```
    /// use seawall_guard::Fallback;
    /// # async fn cached() -> Result<u32, &'static str> { Ok(7) }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let fallback = Fallback::with_async(|_| cached()).or_value(0).build()?;
    /// let answer = fallback.call(async { Err(std::io::Error::other("down")) }).await?;
    /// assert_eq!(answer, 7);
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_async<F, Fut, T, X, E>(f: F) -> FallbackBuilder<WithAsync<F, E>>
    where
        F: Fn(&Error<E>) -> Fut,
        Fut: Future<Output = Result<T, X>>,
    {
        FallbackBuilder::new(WithAsync(f, PhantomData))
    }
}

impl<S> Fallback<S> {
    /// Its name.
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// Who is told of answers in the operation's place.
    pub fn listeners(&self) -> &Listeners {
        &self.0.listeners
    }

    /// How many calls it answered for.
    pub fn degraded(&self) -> u64 {
        self.0.counts.degraded.load(Ordering::Relaxed)
    }

    /// How many times it declined, failed or panicked.
    pub fn failed(&self) -> u64 {
        self.0.counts.failed.load(Ordering::Relaxed)
    }

    /// How many calls found no place.
    pub fn refused(&self) -> u64 {
        self.0.counts.refused.load(Ordering::Relaxed)
    }

    /// How many fallbacks are under way.
    pub fn in_flight(&self) -> usize {
        self.0.places.taken()
    }

    /// `future`, answered for where it fails.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future` or the fallback under way, and gives back its place.
    #[inline]
    pub fn call<Fut, T, E>(
        &self,
        future: Fut,
    ) -> FallbackFuture<'_, S, OperationFuture<'static, Fut, AllTransient>, S::Answer, E>
    where
        Fut: Future<Output = Result<T, E>>,
        S: Substitute<T, E>,
    {
        self.wrap(FromFuture::new(future, &AllTransient)).start(Attempt::first())
    }
}

impl<S> Policy for Fallback<S> {
    type Wrapped<'p, Op>
        = FallbackCall<'p, S, Op>
    where
        Self: 'p;

    #[inline]
    fn wrap<Op>(&self, op: Op) -> FallbackCall<'_, S, Op> {
        FallbackCall { fallback: self, op }
    }

    fn describe(&self, inner: Description) -> Description {
        let text = match self.0.places.max() {
            Places::UNLIMITED => "answers for failures".to_owned(),
            max => format!("answers for failures, {max} at a time"),
        };
        let longest = inner.longest();
        inner
            .layer(PolicyKind::Fallback, self.name(), text)
            // One that waits may take as long as it likes.
            .with_longest(longest.filter(|_| self.0.at_once))
    }
}

impl<S> Layer for Fallback<S> {
    type Policy = Self;

    fn into_policy(self, _: &LayerContext) -> Result<Self, ConfigError> {
        Ok(self)
    }
}

impl<S> Clone for Fallback<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for Fallback<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("name", self.name())
            .field("counts", &self.0.counts)
            .finish_non_exhaustive()
    }
}

/// An operation with a [`Fallback`] around it.
#[derive(Debug)]
pub struct FallbackCall<'p, S, Op> {
    fallback: &'p Fallback<S>,
    op: Op,
}

impl<S, Op: Clone> Clone for FallbackCall<'_, S, Op> {
    fn clone(&self) -> Self {
        Self { fallback: self.fallback, op: self.op.clone() }
    }
}

impl<'p, S, Op> Call for FallbackCall<'p, S, Op>
where
    Op: Call,
    S: Substitute<Op::Output, Op::Error>,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = FallbackFuture<'p, S, Op::Future, S::Answer, Op::Error>;

    #[inline]
    fn start(self, attempt: Attempt) -> Self::Future {
        FallbackFuture::new(self.fallback, self.op.start(attempt))
    }
}

impl<'p, S, Op> Operation for FallbackCall<'p, S, Op>
where
    Op: Operation,
    S: Substitute<Op::Output, Op::Error>,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = FallbackFuture<'p, S, Op::Future, S::Answer, Op::Error>;

    #[inline]
    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        FallbackFuture::new(self.fallback, self.op.attempt(attempt))
    }
}
