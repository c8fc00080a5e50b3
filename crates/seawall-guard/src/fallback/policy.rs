//! The fallback as a policy.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::{
    AllTransient, Alone, Attempt, Call, Class, Counted, Description, Error, EventKind, FromFuture,
    Inspect, Lazy, Listeners, Name, Operation, Policy, PolicyKind, Reason, Reporter, catch,
};

use super::FallbackBuilder;
use super::answer::Answer;
use super::chain::Link;
use super::future::FallbackFuture;
use super::memory::Remember;
use crate::permits::Permits;

/// Answers in the operation's place when it fails.
///
/// The answer is an `Ok` to the caller, and [`Degraded`](seawall_core::EventKind::Degraded) to the
/// listeners. Clones share permits and counts.
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
pub struct Fallback<T, E> {
    pub(super) shared: Arc<Shared<T, E>>,
    pub(super) reporter: Reporter,
}

pub(super) struct Shared<T, E> {
    pub(super) when: Arc<dyn Fn(Class) -> bool + Send + Sync>,
    pub(super) permits: Permits,
    pub(super) chain: Vec<Link<T, E>>,
    /// Where the last success is one of the links.
    pub(super) memory: Option<Arc<dyn Remember<T>>>,
}

impl<T, E> Fallback<T, E> {
    /// Falls back to `value`.
    pub fn value(value: T) -> FallbackBuilder<T, E>
    where
        T: Clone + Send + Sync + 'static,
    {
        FallbackBuilder::new().or_value(value)
    }

    /// Falls back to what `f` makes of the error.
    pub fn with(f: impl Fn(&Error<E>) -> T + Send + Sync + 'static) -> FallbackBuilder<T, E> {
        FallbackBuilder::new().or_with(f)
    }

    /// Falls back to what `f` makes of the error; `None` declines, and the error stands.
    pub fn try_with(
        f: impl Fn(&Error<E>) -> Option<T> + Send + Sync + 'static,
    ) -> FallbackBuilder<T, E> {
        FallbackBuilder::new().or_try_with(f)
    }

    /// Falls back to the outcome of the future that `f` makes of the error; where that fails, the
    /// first error stands. It may take any time: the description of a pipeline has no longest time
    /// then, unless a timeout is around it.
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
    pub fn with_async<F, Fut, X>(f: F) -> FallbackBuilder<T, E>
    where
        F: Fn(&Error<E>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, X>> + Send + 'static,
    {
        FallbackBuilder::new().or_with_async(f)
    }

    /// Falls back to the last success, if it is no older than `max_age`: yesterday's configuration, the
    /// last list of prices. It is the last of all calls through this fallback, so they have to ask for
    /// the same thing. See [`or_last_good`](FallbackBuilder::or_last_good).
    ///
    /// ```
    /// use std::time::Duration;
    /// use seawall_guard::Fallback;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let rates = Fallback::last_good(Duration::from_secs(3600)).name("rates").build()?;
    /// rates.call(async { Ok(1.08) }).await?;
    /// let answer = rates.call(async { Err(std::io::Error::other("down")) }).await?;
    /// assert_eq!(answer, 1.08);
    /// # Ok(())
    /// # }
    /// ```
    pub fn last_good(max_age: Duration) -> FallbackBuilder<T, E>
    where
        T: Clone + Send + Sync + 'static,
    {
        FallbackBuilder::new().or_last_good(max_age)
    }

    /// How old the last success is, where it is [kept](Self::last_good) and there was one.
    pub fn last_good_age(&self) -> Option<Duration> {
        self.shared.memory.as_ref()?.age()
    }

    /// Forgets the last success, so that it is no answer any more.
    pub fn forget_last_good(&self) {
        if let Some(memory) = &self.shared.memory {
            memory.forget();
        }
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        self.reporter.name()
    }

    /// The listeners that receive its events.
    pub fn listeners(&self) -> &Listeners {
        self.reporter.listeners()
    }

    /// How many calls it answered for.
    pub fn degraded(&self) -> u64 {
        self.reporter.counted(Counted::Degraded)
    }

    /// How many times it declined, failed or panicked.
    pub fn failed(&self) -> u64 {
        self.reporter.counted(Counted::FallbackFailed)
    }

    /// How many calls got no permit.
    pub fn refused(&self) -> u64 {
        self.reporter.counted(Counted::Refused(Reason::Full))
    }

    /// How many fallbacks are under way.
    pub fn in_flight(&self) -> usize {
        self.shared.permits.taken()
    }

    /// `future`, answered for where it fails.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future` or the fallback under way, and gives back its permit.
    pub fn call<Fut>(&self, future: Fut) -> Alone<'_, Self, Fut>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        Lazy::started(self.wrap(FromFuture::new(future, &AllTransient)).start(Attempt::first()))
    }

    /// Whether `class` is fallen back from.
    pub(super) fn covers(&self, class: Class) -> bool {
        self.contained(|| (self.shared.when)(class)).unwrap_or(false)
    }

    /// Runs the caller's code, whose panic is reported.
    pub(super) fn contained<R>(&self, f: impl FnOnce() -> R) -> Option<R> {
        match catch(f) {
            Ok(result) => Some(result),
            Err(caught) => {
                let report = caught.into_report();
                self.reporter.count(Counted::Panicked);
                self.reporter.report(|| EventKind::Panicked(report));
                None
            }
        }
    }

    /// No permit is left.
    pub(super) fn report_refused(&self) {
        self.reporter.count(Counted::Refused(Reason::Full));
        let rejection = self.reporter.rejection(Reason::Full);
        self.reporter.refused(rejection.because(self.shared.permits.evidence()));
    }

    /// A link answered.
    pub(super) fn report_degraded(&self, class: Class) {
        self.reporter.count(Counted::Degraded);
        self.reporter.report(|| EventKind::degraded(class));
    }

    /// No link answered.
    pub(super) fn report_failed(&self, class: Class) {
        self.reporter.count(Counted::FallbackFailed);
        self.reporter.report(|| EventKind::fallback_failed(class));
    }

    /// `call` with this fallback around it, for callers that want to tell an answer of the fallback from
    /// the operation's own: to send `Warning: 110`, or not to cache it. Takes whatever gives the error of
    /// this toolkit, such as the call of a pipeline, whose outermost layer it then stands for.
    ///
    /// ```
    /// use seawall_guard::{Fallback, Timeout};
    /// # async fn fetch_price() -> Result<u32, std::io::Error> { Err(std::io::Error::other("down")) }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let timeout = Timeout::new(std::time::Duration::from_secs(1));
    /// let prices = Fallback::value(100).name("prices").build()?;
    /// let answer = prices.answer(timeout.call(fetch_price())).await?;
    /// assert_eq!((answer.value, answer.is_fallback()), (100, true));
    /// assert_eq!(answer.instead_of.unwrap().to_string(), "down");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `call` or the fallback under way, and gives back its permit.
    pub fn answer<Fut>(&self, call: Fut) -> FallbackFuture<'_, T, E, Fut, Answer<T, E>>
    where
        Fut: Future<Output = Result<T, Error<E>>>,
    {
        FallbackFuture::new(self, call)
    }
}

impl<T, E> Policy for Fallback<T, E> {
    type Wrapped<'p, Op>
        = FallbackCall<'p, T, E, Op>
    where
        Self: 'p;

    fn wrap<Op>(&self, op: Op) -> FallbackCall<'_, T, E, Op> {
        FallbackCall { fallback: self, op }
    }

    fn describe(&self, inner: Description) -> Description {
        let text = match self.shared.permits.max() {
            Permits::UNLIMITED => "answers for failures".to_owned(),
            max => format!("answers for failures, {max} at a time"),
        };
        let waits = self.shared.chain.iter().any(|link| matches!(link, Link::Later(_)));
        let longest = inner.longest().filter(|_| !waits);
        let failures = [Class::Transient, Class::Overloaded { retry_after: None }, Class::Panicked];
        let answers = failures.into_iter().any(|class| self.covers(class));
        inner
            .layer(PolicyKind::Fallback, self.name(), text)
            .with_fact("answers_for_failures", answers)
            .with_longest(longest)
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        each(Arc::new(self.reporter.clone()));
    }

    fn heard_by(self, listeners: &Listeners) -> Self {
        Self { reporter: self.reporter.heard_by(listeners), ..self }
    }
}

impl<T, E> Clone for Fallback<T, E> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), reporter: self.reporter.clone() }
    }
}

impl<T, E> fmt::Debug for Fallback<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("name", self.name())
            .field("degraded", &self.degraded())
            .finish_non_exhaustive()
    }
}

/// An operation with a [`Fallback`] around it.
#[derive(Debug)]
pub struct FallbackCall<'p, T, E, Op> {
    fallback: &'p Fallback<T, E>,
    op: Op,
}

impl<T, E, Op: Clone> Clone for FallbackCall<'_, T, E, Op> {
    fn clone(&self) -> Self {
        Self { fallback: self.fallback, op: self.op.clone() }
    }
}

impl<'p, T, E, Op: Call<Output = T, Error = E>> Call for FallbackCall<'p, T, E, Op> {
    type Output = T;
    type Error = E;
    type Future = FallbackFuture<'p, T, E, Op::Future>;

    #[inline]
    fn start(self, attempt: Attempt) -> Self::Future {
        FallbackFuture::new(self.fallback, self.op.start(attempt))
    }
}

impl<'p, T, E, Op: Operation<Output = T, Error = E>> Operation for FallbackCall<'p, T, E, Op> {
    type Output = T;
    type Error = E;
    type Future = FallbackFuture<'p, T, E, Op::Future>;

    #[inline]
    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        FallbackFuture::new(self.fallback, self.op.attempt(attempt))
    }

    fn is_repeatable(&self) -> bool {
        self.op.is_repeatable()
    }
}
