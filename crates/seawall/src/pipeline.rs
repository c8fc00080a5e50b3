//! The pipeline: policies around a fallible future, the first one outermost.

use std::fmt;
use std::future::Future;

use seawall_core::{
    AllTransient, Attempt, Call, Called, CalledOnce, CalledWith, Chain, Classified, Classify,
    Description, Error, Finding, FromAttemptFn, FromFn, FromFuture, Listeners, Name, Policy,
};

use seawall_core::operation::{FromBlockingFn, OfAttempt, Plain};

use crate::findings::{self, ExpectedLoad};
pub use boxed::{AnyPipeline, BoxCall, BoxFuture, BoxPipeline};
pub use builder::{Gated, PipelineBuilder};
pub use erased::{ErasedCall, ErasedPipeline};
pub use omittable::Omittable;
pub use standard::{Standard, StandardBuilder, StandardPipeline};

mod boxed;
mod builder;
mod choice;
mod erased;
mod omittable;
mod reconfigure;
mod standard;

/// Policies around a fallible future.
///
/// Made by [`Pipeline::builder`], where the first policy that is added is the outermost, or by
/// [`Pipeline::standard`]. A call borrows the pipeline and touches no reference count. One pipeline
/// serves operations of any result and error type that its classifier knows.
///
/// Clones share their policies: the circuit, the budget, the limits. Each clone counts a reference to
/// every one of them; where that is to be one count for all, put the pipeline in an `Arc`.
///
/// The future of a call does nothing before it is first polled, and gives back whatever the
/// policies hold for it when it is dropped, at any point.
///
/// ```
/// use std::time::Duration;
/// use seawall::{Breaker, Pipeline, Retry};
///
/// # async fn fetch() -> Result<u32, std::io::Error> { Ok(42) }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pipeline = Pipeline::builder("inventory")
///     .timeout(Duration::from_secs(2))
///     .retry(Retry::builder().idempotent())
///     .breaker(Breaker::builder())
///     .attempt_timeout(Duration::from_millis(500))
///     .guard_panics()
///     .build()?;
///
/// let stock = pipeline.call(|| fetch()).await?;
/// assert_eq!(stock, 42);
/// # Ok(())
/// # }
/// ```
///
/// # Naming it
///
/// A struct that holds a pipeline names it as [`StandardPipeline`], where the standard layers do,
/// or as [`ErasedPipeline<E>`](ErasedPipeline) or [`BoxPipeline<T, E>`](BoxPipeline), which hide the
/// layers at the price of a few allocations per call. One that is generic over its pipeline has
/// [`AnyPipeline`] for a bound. The [front page](crate#naming-a-pipeline) has both, and classifiers.
#[derive(Clone)]
pub struct Pipeline<P, C = AllTransient> {
    name: Name,
    classified: Classified<P, C>,
    listeners: Listeners,
    load: Option<ExpectedLoad>,
}

impl<P: Policy, C> Pipeline<P, C> {
    /// Calls the operation that `make` makes, once for each attempt: `|| async { .. }`,
    /// `async || { .. }`, or the name of an async function without arguments.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the attempt under way; the policies count the call as abandoned.
    #[inline]
    pub fn call<'p, F, Fut, T, E>(&'p self, make: F) -> Called<'p, P, F, C>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
        P::Wrapped<'p, FromFn<'p, F, C>>: Call<Output = T, Error = C::Failure>,
    {
        self.classified.call(make)
    }

    /// Like [`call`](Self::call), but tells `make` which [`Attempt`] it starts: its number, the
    /// time that is left, the outcome of the attempt before.
    ///
    /// ```
    /// # use seawall::{Pipeline, Retry};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pipeline = Pipeline::builder("inventory").retry(Retry::builder().idempotent()).build()?;
    /// let number = pipeline
    ///     .call_with(|attempt| async move {
    ///         if attempt.number() < 3 { Err("not yet") } else { Ok(attempt.number()) }
    ///     })
    ///     .await;
    /// assert_eq!(number.ok(), Some(3));
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn call_with<'p, F, Fut, T, E>(&'p self, make: F) -> CalledWith<'p, P, F, C>
    where
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
        P::Wrapped<'p, FromAttemptFn<'p, F, C>>: Call<Output = T, Error = C::Failure>,
    {
        self.classified.call_with(make)
    }

    /// Runs a future that exists already. Only for pipelines in which nothing repeats the call: a
    /// retry has to make a new future for each attempt.
    #[inline]
    pub fn call_once<'p, Fut, T, E>(&'p self, future: Fut) -> CalledOnce<'p, P, Fut, C>
    where
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
        P::Wrapped<'p, FromFuture<'p, Fut, C>>: Call<Output = T, Error = C::Failure>,
    {
        self.classified.call_once(future)
    }

    /// Calls `operation` on this thread, which blocks, once for each attempt. Needs no runtime, and
    /// ignores one that is there.
    ///
    /// Otherwise everything is as in [`call`](Self::call): what is repeated and after which wait, what
    /// is refused, what is counted, events and errors. Only, nothing can interrupt an attempt: timeouts
    /// and deadlines are looked at between attempts, and an answer that comes late is an answer.
    ///
    /// ```
    /// use seawall::{Class, Pipeline};
    /// use std::io;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pipeline = Pipeline::standard("config")
    ///     .idempotent()
    ///     .classify(|error: &io::Error| match error.kind() {
    ///         io::ErrorKind::NotFound => Class::Permanent,
    ///         _ => Class::Transient,
    ///     })
    ///     .build()?;
    /// let text = pipeline.call_blocking(|| std::fs::read_to_string("/no/such/file"));
    /// assert_eq!(text.unwrap_err().class(), Class::Permanent);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A hedge has two attempts under way at once, which one thread has not. A pipeline with one does
    /// not compile:
    ///
    /// ```compile_fail
    /// # use seawall::{Hedge, Pipeline};
    /// let pipeline = Pipeline::builder("config").hedge(Hedge::builder()).build().unwrap();
    /// pipeline.call_blocking(|| std::fs::read_to_string("/proc/uptime"));
    /// ```
    ///
    /// The thread sleeps while it waits, and a shutdown wakes it. In an async function it would hold up
    /// whatever else runs on the thread. An async [fallback](crate::Fallback::with_async) runs on this
    /// thread, too, and must need no runtime. Options of one call are those of a call that is
    /// [blocked on](crate::Lazy::block).
    pub fn call_blocking<'p, F, T, E>(&'p self, operation: F) -> Result<T, Error<E>>
    where
        F: FnMut() -> Result<T, E>,
        C: Classify<T, E>,
        P::Wrapped<'p, FromBlockingFn<'p, Plain<F>, C>>: Call<Output = T, Error = C::Failure>,
    {
        self.classified.call_blocking(operation)
    }

    /// Like [`call_blocking`](Self::call_blocking), but tells `operation` which [`Attempt`] it is.
    pub fn call_blocking_with<'p, F, T, E>(&'p self, operation: F) -> Result<T, Error<E>>
    where
        F: FnMut(Attempt) -> Result<T, E>,
        C: Classify<T, E>,
        P::Wrapped<'p, FromBlockingFn<'p, OfAttempt<F>, C>>: Call<Output = T, Error = C::Failure>,
    {
        self.classified.call_blocking_with(operation)
    }

    /// This pipeline between two more policies: `outer` around all of its own, `inner` right around
    /// the operation. For policies that look at each call and each attempt and change nothing about
    /// them, as those of `seawall-telemetry`; others belong into the builder.
    #[must_use]
    pub fn between<O: Policy, I: Policy>(
        self,
        outer: O,
        inner: I,
    ) -> Pipeline<Chain<O, Chain<P, I>>, C> {
        let Self { name, classified, listeners, load } = self;
        let around = |policy| Chain::new(outer, Chain::new(policy, inner));
        Pipeline { name, classified: classified.map(around), listeners, load }
    }

    /// The pipeline's name.
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// The classifier: what an outcome of the operation means.
    pub const fn classifier(&self) -> &C {
        self.classified.classifier()
    }

    /// The same policies around operations whose outcomes `classifier` classes: what both pipelines do
    /// counts for both.
    ///
    /// ```
    /// use seawall::{Class, Pipeline};
    ///
    /// # fn main() -> Result<(), seawall::ConfigError> {
    /// let pipeline = Pipeline::standard("inventory").build()?;
    /// let strict = pipeline.with_classifier(|_: &std::fmt::Error| Class::Permanent);
    /// assert_eq!(strict.name(), pipeline.name());
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_classifier<D>(&self, classifier: D) -> Pipeline<P, D>
    where
        P: Clone,
    {
        Pipeline {
            name: self.name.clone(),
            classified: Classified::new(self.policy().clone(), classifier),
            listeners: self.listeners.clone(),
            load: self.load,
        }
    }

    /// The policies.
    pub const fn policy(&self) -> &P {
        self.classified.policy()
    }

    /// The listeners that receive the events of the pipeline's calls. A policy that was made outside,
    /// to be shared, has listeners of its own as well.
    pub const fn listeners(&self) -> &Listeners {
        &self.listeners
    }

    /// The load that it is [expected](PipelineBuilder::expected_load) to have.
    pub const fn expected_load(&self) -> Option<ExpectedLoad> {
        self.load
    }

    /// What the pipeline is: its layers, the worst case that follows from their configuration, and
    /// what is [questionable](Self::findings) about them.
    pub fn describe(&self) -> Description {
        let description = self.classified.describe();
        let findings = findings::all(&description, self.load);
        description.with_findings(findings)
    }

    /// What is questionable about the order of the layers and about their numbers, the worst first;
    /// each with what to do. The [front page](crate#what-is-questionable) has the list of the rules.
    ///
    /// What is of severity error was refused by [`build`](PipelineBuilder::build); a policy that was
    /// reconfigured since can have made one.
    pub fn findings(&self) -> Vec<Finding> {
        findings::all(&self.classified.describe(), self.load)
    }
}

impl<P: Policy, C> fmt::Debug for Pipeline<P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("name", &self.name)
            .field("layers", &self.describe().layers())
            .finish_non_exhaustive()
    }
}
