use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use seawall_core::{
    Attempt, Call, Classify, Description, Error, Finding, FromAttemptFn, Name, Policy,
};
use tokio::time::Instant;

use super::Pipeline;

/// A future on the heap.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An operation on the heap.
pub(super) type BoxOperation<'a, T, E> =
    Box<dyn FnMut(Attempt) -> BoxFuture<'a, Result<T, E>> + Send + 'a>;

/// A pipeline whose layers are hidden, for a struct that can't name them. Clones share it.
///
/// It serves one result and one error type, and allocates: the operation, each attempt, and the
/// call. For results of several types there is [`ErasedPipeline`](super::ErasedPipeline). Where the
/// standard layers do, [`StandardPipeline`](super::StandardPipeline) has a name and costs nothing.
///
/// ```
/// use std::io;
/// use seawall::{BoxPipeline, Pipeline, Retry};
///
/// struct Inventory {
///     pipeline: BoxPipeline<u32, io::Error>,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pipeline = Pipeline::builder("inventory").retry(Retry::builder().idempotent()).build()?;
/// let inventory = Inventory { pipeline: pipeline.boxed() };
/// assert_eq!(inventory.pipeline.call(|| async { Ok(42) }).await?, 42);
/// # Ok(())
/// # }
/// ```
pub struct BoxPipeline<T, E>(Arc<dyn Erased<T, E>>);

/// A pipeline whose calls are boxed. Only this crate implements it.
pub trait Erased<T, E>: Send + Sync {
    /// Calls `operation`.
    fn call_erased<'p>(
        &'p self,
        operation: BoxOperation<'p, T, E>,
        attempt: Attempt,
    ) -> BoxFuture<'p, Result<T, Error<E>>>;
    /// What it is.
    fn describe(&self) -> Description;
    /// Its name.
    fn name(&self) -> &Name;
}

impl<P, C, T, E> Erased<T, E> for Pipeline<P, C>
where
    T: 'static,
    E: 'static,
    P: Policy + Send + Sync + 'static,
    C: Classify<T, E> + Send + Sync + 'static,
    for<'p> P::Wrapped<'p, FromAttemptFn<'p, BoxOperation<'p, T, E>, C>>:
        Call<Output = T, Error = C::Failure, Future: Send> + Send,
{
    fn call_erased<'p>(
        &'p self,
        operation: BoxOperation<'p, T, E>,
        attempt: Attempt,
    ) -> BoxFuture<'p, Result<T, Error<E>>> {
        Box::pin(self.call_with(operation).with_attempt(attempt))
    }

    fn describe(&self) -> Description {
        self.describe()
    }

    fn name(&self) -> &Name {
        self.name()
    }
}

impl<T, E> Erased<T, E> for BoxPipeline<T, E> {
    fn call_erased<'p>(
        &'p self,
        operation: BoxOperation<'p, T, E>,
        attempt: Attempt,
    ) -> BoxFuture<'p, Result<T, Error<E>>> {
        self.0.call_erased(operation, attempt)
    }

    fn describe(&self) -> Description {
        self.0.describe()
    }

    fn name(&self) -> &Name {
        self.0.name()
    }
}

/// Any pipeline that serves operations with the result `T` and the error `E`: a bound for a struct that is
/// generic over its pipeline, so that its user chooses the layers.
///
/// Implemented by every [`Pipeline`] whose layers and classifier know both types, by
/// [`BoxPipeline<T, E>`](BoxPipeline) and, for every `T`, by
/// [`ErasedPipeline<E>`](super::ErasedPipeline). Its calls allocate as those of a `BoxPipeline` do: a
/// closure has no name that a bound on the layers themselves could use.
///
/// ```
/// use std::io;
/// use seawall::{AnyPipeline, Error, Pipeline, Retry};
///
/// struct Inventory<P> {
///     pipeline: P,
/// }
///
/// impl<P> Inventory<P>
/// where
///     P: AnyPipeline<u32, io::Error> + AnyPipeline<String, io::Error>,
/// {
///     async fn stock(&self) -> Result<u32, Error<io::Error>> {
///         self.pipeline.call(|| async { Ok(42) }).await
///     }
///
///     async fn name(&self) -> Result<String, Error<io::Error>> {
///         self.pipeline.call(|| async { Ok("nails".to_owned()) }).await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pipeline = Pipeline::builder("inventory").retry(Retry::builder().idempotent()).build()?;
/// let inventory = Inventory { pipeline };
/// assert_eq!((inventory.stock().await?, inventory.name().await?.as_str()), (42, "nails"));
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no pipeline for operations with the result `{T}` and the error `{E}`",
    note = "its layers or its classifier are for other types, or what it holds is not `Send + Sync + 'static`"
)]
pub trait AnyPipeline<T, E>: Erased<T, E> {
    /// Calls the operation that `make` makes, once for each attempt.
    fn call<'p, F, Fut>(&'p self, make: F) -> BoxCall<'p, T, E>
    where
        Self: Sized,
        F: FnMut() -> Fut + Send + 'p,
        Fut: Future<Output = Result<T, E>> + Send + 'p,
    {
        let mut make = make;
        BoxCall::new(self, Box::new(move |_| Box::pin(make())))
    }

    /// Like [`call`](Self::call), but tells `make` which [`Attempt`] it starts.
    fn call_with<'p, F, Fut>(&'p self, make: F) -> BoxCall<'p, T, E>
    where
        Self: Sized,
        F: FnMut(Attempt) -> Fut + Send + 'p,
        Fut: Future<Output = Result<T, E>> + Send + 'p,
    {
        let mut make = make;
        BoxCall::new(self, Box::new(move |attempt| Box::pin(make(attempt))))
    }
}

impl<T, E, P: Erased<T, E> + ?Sized> AnyPipeline<T, E> for P {}

impl<P, C> Pipeline<P, C> {
    /// Hides the layers behind a box.
    pub fn boxed<T, E>(self) -> BoxPipeline<T, E>
    where
        T: 'static,
        E: 'static,
        P: Policy + Send + Sync + 'static,
        C: Classify<T, E> + Send + Sync + 'static,
        for<'p> P::Wrapped<'p, FromAttemptFn<'p, BoxOperation<'p, T, E>, C>>:
            Call<Output = T, Error = C::Failure, Future: Send> + Send,
    {
        BoxPipeline(Arc::new(self))
    }
}

impl<T: 'static, E: 'static> BoxPipeline<T, E> {
    /// Calls the operation that `make` makes, once for each attempt. Like
    /// [`Pipeline::call`], but the operation is allocated here and now.
    pub fn call<'p, F, Fut>(&'p self, make: F) -> BoxCall<'p, T, E>
    where
        F: FnMut() -> Fut + Send + 'p,
        Fut: Future<Output = Result<T, E>> + Send + 'p,
    {
        let mut make = make;
        BoxCall::new(&*self.0, Box::new(move |_| Box::pin(make())))
    }

    /// Like [`call`](Self::call), but tells `make` which [`Attempt`] it starts.
    pub fn call_with<'p, F, Fut>(&'p self, make: F) -> BoxCall<'p, T, E>
    where
        F: FnMut(Attempt) -> Fut + Send + 'p,
        Fut: Future<Output = Result<T, E>> + Send + 'p,
    {
        let mut make = make;
        BoxCall::new(&*self.0, Box::new(move |attempt| Box::pin(make(attempt))))
    }

    /// The pipeline's name.
    pub fn name(&self) -> &Name {
        self.0.name()
    }

    /// What the pipeline is: its layers, its worst case, and what is questionable about it.
    pub fn describe(&self) -> Description {
        self.0.describe()
    }

    /// What is questionable about it; see [`Pipeline::findings`].
    pub fn findings(&self) -> Vec<Finding> {
        self.describe().findings().to_vec()
    }
}

/// A call through a [`BoxPipeline`]. It does nothing before it is first polled, and gives back
/// whatever the policies hold for it when it is dropped, at any point.
#[must_use = "futures do nothing unless polled"]
pub struct BoxCall<'p, T, E>(State<'p, T, E>);

enum State<'p, T, E> {
    /// Not polled yet.
    Idle { pipeline: &'p dyn Erased<T, E>, operation: BoxOperation<'p, T, E>, attempt: Attempt },
    /// Started.
    Running(BoxFuture<'p, Result<T, Error<E>>>),
    /// Over, or starting panicked.
    Done,
}

impl<'p, T, E> BoxCall<'p, T, E> {
    pub(super) fn new(pipeline: &'p dyn Erased<T, E>, operation: BoxOperation<'p, T, E>) -> Self {
        Self(State::Idle { pipeline, operation, attempt: Attempt::first() })
    }

    fn change(mut self, change: impl FnOnce(Attempt) -> Attempt) -> Self {
        if let State::Idle { attempt, .. } = &mut self.0 {
            *attempt = change(*attempt);
        }
        self
    }

    /// The same call, to be over by `deadline`; see [`Lazy::deadline`](crate::Lazy::deadline).
    pub fn deadline(self, deadline: impl Into<Option<Instant>>) -> Self {
        let deadline = deadline.into();
        self.change(|attempt| deadline.map_or(attempt, |deadline| attempt.due_by(deadline)))
    }

    /// The same call, of an operation that may be carried out more than once without harm, or may
    /// not; see [`Lazy::idempotent`](crate::Lazy::idempotent).
    pub fn idempotent(self, idempotent: bool) -> Self {
        self.change(|attempt| attempt.idempotent(idempotent))
    }
}

impl<T, E> Future for BoxCall<'_, T, E> {
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::Idle { .. } = self.0
            && let State::Idle { pipeline, operation, attempt } =
                std::mem::replace(&mut self.0, State::Done)
        {
            self.0 = State::Running(pipeline.call_erased(operation, attempt));
        }
        let State::Running(future) = &mut self.0 else {
            panic!("a call was polled after it was over");
        };
        let outcome = ready!(future.as_mut().poll(cx));
        self.0 = State::Done;
        Poll::Ready(outcome)
    }
}

impl<T, E> fmt::Debug for BoxCall<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Idle { .. } => "BoxCall::Idle",
            State::Running(_) => "BoxCall::Running",
            State::Done => "BoxCall::Done",
        })
    }
}

impl<T, E> Clone for BoxPipeline<T, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T, E> fmt::Debug for BoxPipeline<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxPipeline").field("name", self.0.name()).finish_non_exhaustive()
    }
}
