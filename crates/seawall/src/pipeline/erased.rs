use std::any::Any;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use seawall_core::{
    Attempt, Call, Classify, Description, Error, Finding, FromAttemptFn, Name, Policy,
};
use tokio::time::Instant;

use super::Pipeline;
use super::boxed::{BoxCall, BoxFuture, BoxOperation, Erased};

/// A result whose type only its call knows.
pub struct Answer(Box<dyn Any + Send>);

impl Answer {
    fn new<T: Send + 'static>(answer: T) -> Self {
        Self(Box::new(answer))
    }

    /// # Panics
    ///
    /// Never: it is not `Clone`, nothing but a call makes one, and it leaves the pipeline by the call
    /// that made it.
    fn into<T: Send + 'static>(self) -> T {
        *self.0.downcast().expect("the answer of this call")
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

/// A pipeline whose layers are hidden, for results of any type: what a library keeps in a struct, to
/// be called by all of its methods. Clones share it.
///
/// It serves one error type. A call allocates as that of a [`BoxPipeline`](super::BoxPipeline) does, and
/// its result. A result is `Send + 'static`. What has to know its type has no place in it: a
/// [`Fallback`](crate::Fallback), and a classifier that looks at successes; both go into a pipeline for
/// one type.
///
/// ```
/// use std::io;
/// use seawall::{Class, Error, ErasedPipeline, Pipeline, Retry};
///
/// struct Inventory {
///     pipeline: ErasedPipeline<io::Error>,
/// }
///
/// impl Inventory {
///     async fn stock(&self) -> Result<u32, Error<io::Error>> {
///         self.pipeline.call(|| async { Ok(42) }).await
///     }
///
///     async fn name(&self) -> Result<String, Error<io::Error>> {
///         self.pipeline.call(|| async { Ok("nails".to_owned()) }).idempotent(true).await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pipeline = Pipeline::builder("inventory")
///     .retry(Retry::builder())
///     .classify(|error: &io::Error| match error.kind() {
///         io::ErrorKind::NotFound => Class::Permanent,
///         _ => Class::Transient,
///     })
///     .build()?;
/// let inventory = Inventory { pipeline: pipeline.erased() };
/// assert_eq!((inventory.stock().await?, inventory.name().await?.as_str()), (42, "nails"));
/// # Ok(())
/// # }
/// ```
pub struct ErasedPipeline<E>(Arc<dyn Erased<Answer, E>>);

impl<P, C> Pipeline<P, C> {
    /// Hides the layers behind a box, for results of any type.
    pub fn erased<E>(self) -> ErasedPipeline<E>
    where
        E: 'static,
        P: Policy + Send + Sync + 'static,
        C: Classify<Answer, E> + Send + Sync + 'static,
        for<'p> P::Wrapped<'p, FromAttemptFn<'p, BoxOperation<'p, Answer, E>, C>>:
            Call<Output = Answer, Error = C::Failure, Future: Send> + Send,
    {
        ErasedPipeline(Arc::new(self))
    }
}

impl<E: 'static> ErasedPipeline<E> {
    /// Calls the operation that `make` makes, once for each attempt. Like [`Pipeline::call`], but the
    /// operation is allocated here and now.
    pub fn call<'p, F, Fut, T>(&'p self, make: F) -> ErasedCall<'p, T, E>
    where
        F: FnMut() -> Fut + Send + 'p,
        Fut: Future<Output = Result<T, E>> + Send + 'p,
        T: Send + 'static,
    {
        let mut make = make;
        self.call_with(move |_| make())
    }

    /// Like [`call`](Self::call), but tells `make` which [`Attempt`] it starts.
    pub fn call_with<'p, F, Fut, T>(&'p self, make: F) -> ErasedCall<'p, T, E>
    where
        F: FnMut(Attempt) -> Fut + Send + 'p,
        Fut: Future<Output = Result<T, E>> + Send + 'p,
        T: Send + 'static,
    {
        let mut make = make;
        let operation = move |attempt| -> BoxFuture<'p, Result<Answer, E>> {
            let attempt = make(attempt);
            Box::pin(async move { attempt.await.map(Answer::new) })
        };
        let call = BoxCall::new(&*self.0, Box::new(operation));
        ErasedCall { call, result: PhantomData }
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

impl<T: Send + 'static, E: 'static> Erased<T, E> for ErasedPipeline<E> {
    fn call_erased<'p>(
        &'p self,
        mut operation: BoxOperation<'p, T, E>,
        attempt: Attempt,
    ) -> BoxFuture<'p, Result<T, Error<E>>> {
        let operation = move |attempt| -> BoxFuture<'p, Result<Answer, E>> {
            let attempt = operation(attempt);
            Box::pin(async move { attempt.await.map(Answer::new) })
        };
        let call = self.0.call_erased(Box::new(operation), attempt);
        Box::pin(async move { call.await.map(Answer::into) })
    }

    fn describe(&self) -> Description {
        self.0.describe()
    }

    fn name(&self) -> &Name {
        self.0.name()
    }
}

/// A call through an [`ErasedPipeline`]. It does nothing before it is first polled, and gives back
/// whatever the policies hold for it when it is dropped, at any point.
#[must_use = "futures do nothing unless polled"]
pub struct ErasedCall<'p, T, E> {
    call: BoxCall<'p, Answer, E>,
    result: PhantomData<fn() -> T>,
}

impl<T, E> ErasedCall<'_, T, E> {
    /// The same call, to be over by `deadline`; see [`Lazy::deadline`](crate::Lazy::deadline).
    pub fn deadline(self, deadline: impl Into<Option<Instant>>) -> Self {
        Self { call: self.call.deadline(deadline), ..self }
    }

    /// The same call, of an operation that may be carried out more than once without harm, or may
    /// not; see [`Lazy::idempotent`](crate::Lazy::idempotent).
    pub fn idempotent(self, idempotent: bool) -> Self {
        Self { call: self.call.idempotent(idempotent), ..self }
    }
}

impl<T: Send + 'static, E> Future for ErasedCall<'_, T, E> {
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.call).poll(cx).map_ok(Answer::into)
    }
}

impl<T, E> fmt::Debug for ErasedCall<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErasedCall").field("call", &self.call).finish_non_exhaustive()
    }
}

impl<E> Clone for ErasedPipeline<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E> fmt::Debug for ErasedPipeline<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErasedPipeline").field("name", self.0.name()).finish_non_exhaustive()
    }
}
