//! The refusal of new calls, as a policy of a pipeline.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;
use pin_project::pin_project;
use seawall_core::{
    Attempt, Call, Check, ConfigError, Description, Error, FromFuture, Layer, LayerContext, Lazy,
    Listeners, Name, Operation, Policy, PolicyKind, Reason, Rejection,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::{InFlight, InFlightGuard, Shutdown};

/// Refuses new calls once the shutdown has begun, and lets those in flight finish.
///
/// It belongs outermost: then a call that was admitted once may still use everything inside.
///
/// ```
/// use seawall_core::Reason;
/// use seawall_shutdown::ShutdownGate;
/// use tokio_util::sync::CancellationToken;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let token = CancellationToken::new();
/// let gate = ShutdownGate::builder().token(&token).name("orders").build()?;
/// assert_eq!(gate.call(async { Ok::<_, std::io::Error>(42) }).await?, 42);
///
/// token.cancel();
/// let refused = gate.call(async { Ok::<_, std::io::Error>(42) }).await.unwrap_err();
/// assert_eq!(refused.rejection().map(|r| r.reason()), Some(Reason::ShuttingDown));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ShutdownGate(Arc<Inner>);

struct Inner {
    name: Name,
    cancelled: Option<TokenFlag>,
    in_flight: Option<InFlight>,
    listeners: Listeners,
}

/// Builds a [`ShutdownGate`]. Without a name, token or listeners of its own it takes those of the
/// pipeline that it is added to.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct ShutdownGateBuilder {
    name: Option<Name>,
    token: Option<CancellationToken>,
    in_flight: Option<InFlight>,
    listeners: Option<Listeners>,
}

const CHECK: Check = Check::of(PolicyKind::Shutdown);

impl ShutdownGateBuilder {
    /// The name in errors and events. Default: the pipeline's, or `shutdown`.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Refuses once `token` is cancelled.
    pub fn token(mut self, token: &CancellationToken) -> Self {
        self.token = Some(token.clone());
        self
    }

    /// Counts calls in flight in `in_flight`, and refuses once that is closed.
    pub fn in_flight(mut self, in_flight: &InFlight) -> Self {
        self.in_flight = Some(in_flight.clone());
        self
    }

    /// Counts calls among the requests in flight of `shutdown`, which waits for them while it
    /// drains, and refuses once its intake has stopped.
    pub fn coordinator(self, shutdown: &Shutdown) -> Self {
        self.in_flight(shutdown.in_flight())
    }

    /// Who is told of refusals. Default: the pipeline's listeners.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.listeners = Some(listeners.clone());
        self
    }

    /// Builds the gate. One with neither token nor counter admits everything.
    pub fn build(self) -> Result<ShutdownGate, ConfigError> {
        let name = self.name.unwrap_or_else(|| Name::from("shutdown"));
        Ok(ShutdownGate(Arc::new(Inner {
            name: CHECK.name(name)?,
            cancelled: self.token.map(TokenFlag::new),
            in_flight: self.in_flight,
            listeners: self.listeners.unwrap_or_default(),
        })))
    }
}

impl Layer for ShutdownGateBuilder {
    type Policy = ShutdownGate;

    fn into_policy(mut self, context: &LayerContext) -> Result<ShutdownGate, ConfigError> {
        self.name.get_or_insert_with(|| context.name.clone());
        self.listeners.get_or_insert_with(|| context.listeners.clone());
        if self.token.is_none() && self.in_flight.is_none() {
            self.token.clone_from(&context.shutdown);
        }
        self.build()
    }
}

impl Layer for ShutdownGate {
    type Policy = Self;

    fn into_policy(self, _: &LayerContext) -> Result<Self, ConfigError> {
        Ok(self)
    }
}

impl ShutdownGate {
    /// A builder.
    pub fn builder() -> ShutdownGateBuilder {
        ShutdownGateBuilder::default()
    }

    /// The gate's name.
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// Whether calls are refused.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.0.cancelled.as_ref().is_some_and(TokenFlag::is_set)
            || self.0.in_flight.as_ref().is_some_and(InFlight::is_closed)
    }

    /// Runs `future`, or refuses it. Nothing happens until it is polled.
    pub fn call<Fut, T, E>(
        &self,
        future: Fut,
    ) -> Lazy<ShutdownGateCall<'_, FromFuture<'static, Fut>>>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        Lazy::new(self.wrap(FromFuture::new(future, &seawall_core::AllTransient)))
    }

    /// Admits a call, until the guard is dropped; for code that is no future.
    ///
    /// # Errors
    ///
    /// The rejection, with [`Reason::ShuttingDown`].
    #[inline]
    pub fn try_enter(&self) -> Result<Option<InFlightGuard<'_>>, Rejection> {
        let inner = &*self.0;
        if inner.cancelled.as_ref().is_some_and(TokenFlag::is_set) {
            return Err(inner.refuse());
        }
        match &inner.in_flight {
            None => Ok(None),
            Some(in_flight) => match in_flight.enter() {
                Ok(guard) => Ok(Some(guard)),
                Err(_) => Err(inner.refuse()),
            },
        }
    }
}

impl Inner {
    #[cold]
    fn refuse(&self) -> Rejection {
        let (name, kind) = (self.name.clone(), PolicyKind::Shutdown);
        self.listeners.rejected(Rejection::new(name, kind, Reason::ShuttingDown))
    }
}

impl Policy for ShutdownGate {
    type Wrapped<'p, Op> = ShutdownGateCall<'p, Op>;

    #[inline]
    fn wrap<Op>(&self, op: Op) -> ShutdownGateCall<'_, Op> {
        ShutdownGateCall { gate: self, op }
    }

    /// A gate with neither token nor counter does nothing, and says nothing.
    fn describe(&self, inner: Description) -> Description {
        if self.0.cancelled.is_none() && self.0.in_flight.is_none() {
            return inner;
        }
        let text = "refuses new calls once the shutdown has begun";
        inner.layer(PolicyKind::Shutdown, &self.0.name, text)
    }
}

/// A call behind a [`ShutdownGate`].
#[derive(Clone, Debug)]
pub struct ShutdownGateCall<'p, Op> {
    gate: &'p ShutdownGate,
    op: Op,
}

impl<'p, Op: Call> Call for ShutdownGateCall<'p, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = ShutdownGateFuture<'p, Op::Future>;

    #[inline]
    fn start(self, attempt: Attempt) -> Self::Future {
        match self.gate.try_enter() {
            Ok(guard) => ShutdownGateFuture::admitted(guard, || self.op.start(attempt)),
            Err(rejection) => ShutdownGateFuture::refused(rejection),
        }
    }
}

impl<'p, Op: Operation> Operation for ShutdownGateCall<'p, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = ShutdownGateFuture<'p, Op::Future>;

    #[inline]
    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        match self.gate.try_enter() {
            Ok(guard) => ShutdownGateFuture::admitted(guard, || self.op.attempt(attempt)),
            Err(rejection) => ShutdownGateFuture::refused(rejection),
        }
    }
}

/// The future of a call behind a [`ShutdownGate`].
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct ShutdownGateFuture<'p, Fut> {
    #[pin]
    state: State<'p, Fut>,
}

// Private, so that what a call holds is nobody else's business.
#[pin_project(project = StateProjection)]
#[derive(Debug)]
enum State<'p, Fut> {
    // Declared in this order, so that the call is dropped before it is counted out.
    Running {
        #[pin]
        future: Fut,
        _guard: Option<InFlightGuard<'p>>,
    },
    Refused(Option<Rejection>),
}

impl<'p, Fut> ShutdownGateFuture<'p, Fut> {
    #[inline]
    fn admitted(guard: Option<InFlightGuard<'p>>, start: impl FnOnce() -> Fut) -> Self {
        Self { state: State::Running { future: start(), _guard: guard } }
    }

    #[cold]
    fn refused(rejection: Rejection) -> Self {
        Self { state: State::Refused(Some(rejection)) }
    }
}

impl<Fut, T, E> Future for ShutdownGateFuture<'_, Fut>
where
    Fut: Future<Output = Result<T, Error<E>>>,
{
    type Output = Fut::Output;

    /// # Panics
    ///
    /// When polled again after it gave a rejection.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Running { future, .. } => future.poll(cx),
            StateProjection::Refused(rejection) => match rejection.take() {
                Some(rejection) => Poll::Ready(Err(rejection.into())),
                None => panic!("a call was polled after it was over"),
            },
        }
    }
}

/// Whether a token is cancelled, in one load: asking the token itself takes a lock, which all
/// calls of a process would share.
struct TokenFlag {
    flag: Arc<Flag>,
    // Waits with `flag` as its waker for as long as this lives.
    _waiting: Mutex<Pin<Box<WaitForCancellationFutureOwned>>>,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl TokenFlag {
    fn new(token: CancellationToken) -> Self {
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let mut waiting = Box::pin(token.cancelled_owned());
        let waker = Waker::from(Arc::clone(&flag));
        if waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            flag.0.store(true, Ordering::Release);
        }
        Self { flag, _waiting: Mutex::new(waiting) }
    }

    #[inline]
    fn is_set(&self) -> bool {
        self.flag.0.load(Ordering::Acquire)
    }
}

impl fmt::Debug for ShutdownGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownGate")
            .field("name", &self.0.name)
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
