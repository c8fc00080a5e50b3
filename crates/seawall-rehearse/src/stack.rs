//! What stands between the callers and the servers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use seawall::FromAttemptFn;
use seawall::Random;
use seawall::{Attempt, Call, Class, Classify, ConfigError, Listeners, Pipeline, Policy};

use crate::run::{Calling, Request, Sending};
use crate::scenario::Scenario;
use crate::world::Answer;

pub(crate) use states::States;

pub(crate) mod omniscient;
mod on_retries;
mod presets;
mod states;

/// One client: its policies around its calls.
pub trait Client {
    /// Makes one call; whether it was answered.
    fn call(&self, request: Request) -> Calling;

    /// Where its policies report what they do, if that is to be in the report.
    fn listeners(&self) -> Option<&Listeners> {
        None
    }
}

type Make = dyn Fn(Random, &Scenario) -> Result<Box<dyn Client>, ConfigError> + Send + Sync;

/// A stack of policies: a name, and how to make a client of one.
#[derive(Clone)]
pub struct Stack {
    name: String,
    make: Option<Arc<Make>>,
}

impl Stack {
    /// A stack of any kind. `make` is called once for each client and run.
    pub fn new<C: Client + 'static>(
        name: impl Into<String>,
        make: impl Fn(Random) -> C + Send + Sync + 'static,
    ) -> Self {
        Self::made_by(name, move |random, _| Ok(Box::new(make(random))))
    }

    /// A pipeline. `build` is called once for each client and run, and its [`Random`] is where the
    /// pipeline's chance has to come from for runs to be repeatable; `to_result` says what an answer
    /// of the servers looks like as the result of an operation.
    pub fn pipeline<P, C, T, E, R>(
        name: impl Into<String>,
        build: impl Fn(Random) -> Result<Pipeline<P, C>, ConfigError> + Send + Sync + 'static,
        to_result: R,
    ) -> Self
    where
        P: Policy + 'static,
        C: Classify<T, E> + 'static,
        T: 'static,
        E: 'static,
        R: Fn(Answer) -> Result<T, E> + Send + Sync + 'static,
        for<'p> P::Wrapped<'p, FromAttemptFn<'p, Sender<R>, C>>:
            Call<Output = T, Error = C::Failure>,
    {
        let to_result = Arc::new(to_result);
        Self::made_by(name, move |random, _| {
            let client = ThroughPipeline {
                pipeline: Arc::new(build(random)?),
                to_result: Arc::clone(&to_result),
            };
            Ok(Box::new(client))
        })
    }

    fn made_by(
        name: impl Into<String>,
        make: impl Fn(Random, &Scenario) -> Result<Box<dyn Client>, ConfigError> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), make: Some(Arc::new(make)) }
    }

    /// The client that knows the servers' slots, queues and faults at every instant.
    pub fn omniscient() -> Self {
        Self { name: "omniscient".to_owned(), make: None }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn make(&self) -> Option<&Make> {
        self.make.as_deref()
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The operation that a pipeline is given.
pub type Sender<R> = Box<dyn FnMut(Attempt) -> Converted<R> + Send>;

/// A request whose answer becomes the user's type.
#[derive(Debug)]
pub struct Converted<R> {
    sending: Sending,
    to_result: Arc<R>,
}

impl<R, T, E> Future for Converted<R>
where
    R: Fn(Answer) -> Result<T, E>,
{
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.sending).poll(cx));
        Poll::Ready((self.to_result)(answer))
    }
}

struct ThroughPipeline<P, C, R> {
    pipeline: Arc<Pipeline<P, C>>,
    to_result: Arc<R>,
}

impl<P, C, T, E, R> Client for ThroughPipeline<P, C, R>
where
    P: Policy + 'static,
    C: Classify<T, E> + 'static,
    T: 'static,
    E: 'static,
    R: Fn(Answer) -> Result<T, E> + Send + Sync + 'static,
    for<'p> P::Wrapped<'p, FromAttemptFn<'p, Sender<R>, C>>: Call<Output = T, Error = C::Failure>,
{
    fn call(&self, request: Request) -> Calling {
        let pipeline = Arc::clone(&self.pipeline);
        let to_result = Arc::clone(&self.to_result);
        let deadline = request.deadline();
        let send: Sender<R> = Box::new(move |_| Converted {
            sending: request.send(),
            to_result: Arc::clone(&to_result),
        });
        Box::pin(async move {
            let outcome = pipeline.call_with(send).deadline(deadline).await;
            // An `Ok` that the classifier calls a failure is not what the caller wants.
            outcome.is_ok_and(|output| {
                let outcome: Result<&T, &E> = Ok(&output);
                pipeline.classifier().classify(outcome).class == Class::Success
            })
        })
    }

    fn listeners(&self) -> Option<&Listeners> {
        Some(self.pipeline.listeners())
    }
}
