use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use pin_project::pin_project;
use seawall_core::{
    Attempt, Call, Description, Error, Label, Operation, Policy, PolicyKind, Reason, Rejection,
    Scope, TimedOut, TimedOutBy,
};

const NAME: &str = "switch";

/// A layer that lets calls through, or fails them, as a test commands. Clones share the command: put
/// one into the pipeline, keep one.
///
/// A call that is failed is not started, and ends at once, without a wait.
///
/// ```
/// use seawall_core::{AllTransient, FromFn, Lazy, Policy, Reason};
/// use seawall_testkit::Switch;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let switch = Switch::default();
/// let call = || FromFn::new(|| async { Ok::<_, std::io::Error>(7) }, &AllTransient);
/// switch.open();
/// let error = Lazy::new(switch.wrap(call())).await.unwrap_err();
/// assert_eq!(error.rejection().unwrap().reason(), Reason::Open);
/// switch.pass();
/// assert_eq!(Lazy::new(switch.wrap(call())).await.unwrap(), 7);
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Switch(Arc<Mutex<Command>>);

#[derive(Clone, Debug, Default)]
enum Command {
    #[default]
    Pass,
    Refuse(Rejection),
    TimeOut(Duration),
}

impl Switch {
    /// Lets calls through. The command at first.
    pub fn pass(&self) {
        *self.0.lock() = Command::Pass;
    }

    /// Refuses calls with `rejection`, as the policy would that it names.
    pub fn refuse(&self, rejection: Rejection) {
        *self.0.lock() = Command::Refuse(rejection);
    }

    /// Refuses calls as an open breaker does.
    pub fn open(&self) {
        self.refuse(Rejection::new(NAME.into(), PolicyKind::Breaker, Reason::Open));
    }

    /// Refuses calls as a full bulkhead does.
    pub fn fill(&self) {
        self.refuse(Rejection::new(NAME.into(), PolicyKind::Bulkhead, Reason::Full));
    }

    /// Fails calls as a timeout of `limit` does, but at once.
    pub fn time_out(&self, limit: Duration) {
        *self.0.lock() = Command::TimeOut(limit);
    }

    fn error<E>(&self, attempt: Attempt) -> Option<Error<E>> {
        match &*self.0.lock() {
            Command::Pass => None,
            Command::Refuse(rejection) => Some(rejection.clone().into()),
            Command::TimeOut(limit) => {
                let by = TimedOutBy::Limit;
                Some(TimedOut::new(NAME.into(), Scope::Total, by, *limit, *limit, attempt).into())
            }
        }
    }
}

impl Policy for Switch {
    type Wrapped<'p, Op> = SwitchCall<'p, Op>;

    fn wrap<Op>(&self, op: Op) -> SwitchCall<'_, Op> {
        SwitchCall { switch: self, op }
    }

    fn describe(&self, inner: Description) -> Description {
        inner.layer(PolicyKind::Custom(Label::new("test")), &NAME.into(), "as the test commands")
    }
}

/// An operation with a [`Switch`] around it.
#[derive(Clone, Copy, Debug)]
pub struct SwitchCall<'p, Op> {
    switch: &'p Switch,
    op: Op,
}

impl<Op: Call> Call for SwitchCall<'_, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = SwitchFuture<Op::Future, Op::Error>;

    fn start(self, attempt: Attempt) -> Self::Future {
        SwitchFuture(match self.switch.error(attempt) {
            None => State::Running(self.op.start(attempt)),
            error => State::Failed(error),
        })
    }
}

impl<Op: Operation> Operation for SwitchCall<'_, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = SwitchFuture<Op::Future, Op::Error>;

    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        SwitchFuture(match self.switch.error(attempt) {
            None => State::Running(self.op.attempt(attempt)),
            error => State::Failed(error),
        })
    }

    fn is_repeatable(&self) -> bool {
        self.op.is_repeatable()
    }
}

/// A call with a [`Switch`] around it.
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct SwitchFuture<Fut, E>(#[pin] State<Fut, E>);

#[pin_project(project = StateProjection)]
#[derive(Debug)]
enum State<Fut, E> {
    Running(#[pin] Fut),
    Failed(Option<Error<E>>),
}

impl<Fut, T, E> Future for SwitchFuture<Fut, E>
where
    Fut: Future<Output = Result<T, Error<E>>>,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it failed.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().0.project() {
            StateProjection::Running(call) => call.poll(cx),
            StateProjection::Failed(error) => {
                Poll::Ready(Err(error.take().expect("a call was polled after it failed")))
            }
        }
    }
}
