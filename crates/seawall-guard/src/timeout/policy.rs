//! The timeout as a policy.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use seawall_core::{
    AllTransient, Attempt, Call, ConfigError, Description, FromFuture, Layer, LayerContext,
    Listeners, Name, Operation, OperationFuture, Policy, PolicyKind, Scope,
};

use super::future::TimeoutFuture;
use super::plan::{LONGEST, narrowed};
use super::{Limit, TimeoutBuilder};

/// Cuts a call off when it takes too long.
///
/// Clones share name, function and listeners; there is no other state.
///
/// ```
/// use std::time::Duration;
/// use seawall_guard::Timeout;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let timeout = Timeout::new(Duration::from_secs(2));
/// let error = timeout
///     .call(async {
///         tokio::time::sleep(Duration::from_secs(60)).await;
///         Ok::<_, std::io::Error>(())
///     })
///     .await
///     .unwrap_err();
/// assert_eq!(error.to_string(), "timeout 'timeout': no outcome after 2.000s (limit 2s)");
/// # }
/// ```
#[derive(Clone)]
pub struct Timeout<L = Duration> {
    pub(super) identity: Identity,
    pub(super) limit: L,
}

/// Who speaks, for what, and to whom.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) name: Name,
    pub(super) scope: Scope,
    pub(super) listeners: Listeners,
}

impl Timeout {
    /// A timeout of `limit` for whole calls, called `"timeout"`. See
    /// [`TimeoutBuilder::limit`] for zero and very long limits.
    pub fn new(limit: Duration) -> Self {
        Self::named("timeout", limit)
    }

    /// `inner`, cut off in time.
    pub(super) fn around<Fut>(&self, inner: Fut) -> TimeoutFuture<'_, Fut> {
        TimeoutFuture::lazy(self, Some(inner), ())
    }

    pub(crate) fn named(name: &str, limit: Duration) -> Self {
        let listeners = Listeners::default();
        let identity = Identity { name: Name::from(name), scope: Scope::Total, listeners };
        Self { identity, limit }
    }

    /// Configures a timeout.
    pub fn builder() -> TimeoutBuilder {
        TimeoutBuilder::default()
    }
}

impl<L: Limit> Timeout<L> {
    /// Its name.
    pub fn name(&self) -> &Name {
        &self.identity.name
    }

    /// What it bounds.
    pub fn scope(&self) -> Scope {
        self.identity.scope
    }

    /// Who is told of calls that it cuts off.
    pub fn listeners(&self) -> &Listeners {
        &self.identity.listeners
    }

    /// `future`, cut off in time. The time counts from the first poll; how long it is, is decided
    /// here.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future`; there is nothing else to lose.
    ///
    /// # Panics
    ///
    /// When `future` is pending outside a tokio runtime that has its timer enabled.
    #[inline]
    pub fn call<Fut, T, E>(
        &self,
        future: Fut,
    ) -> TimeoutFuture<'_, OperationFuture<'static, Fut, AllTransient>, L>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        let attempt = Attempt::first();
        let decided = self.limit.decide(&attempt);
        let call =
            self.limit.of(&decided).map(|_| FromFuture::new(future, &AllTransient).start(attempt));
        TimeoutFuture::lazy(self, call, decided)
    }
}

impl<L: Limit> Policy for Timeout<L> {
    type Wrapped<'p, Op>
        = TimeoutCall<'p, Op, L>
    where
        Self: 'p;

    #[inline]
    fn wrap<Op>(&self, op: Op) -> TimeoutCall<'_, Op, L> {
        TimeoutCall { timeout: self, op }
    }

    fn describe(&self, inner: Description) -> Description {
        let what = match self.scope() {
            Scope::Attempt => "an attempt",
            _ => "a call",
        };
        let layer = |text: String| inner.layer(PolicyKind::Timeout, self.name(), text);
        match self.limit.fixed() {
            Some(limit) if limit <= LONGEST => layer(format!("{limit:?} for {what}")).cut_to(limit),
            Some(_) => layer(format!("never for {what}")),
            None => layer(format!("by function for {what}")),
        }
    }
}

impl<L: Limit> Layer for Timeout<L> {
    type Policy = Self;

    fn into_policy(self, _: &LayerContext) -> Result<Self, ConfigError> {
        Ok(self)
    }
}

impl<L: Limit> fmt::Debug for Timeout<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("identity", &self.identity)
            .field("limit", &self.limit.fixed())
            .finish()
    }
}

/// An operation with a [`Timeout`] around it.
#[derive(Debug)]
pub struct TimeoutCall<'p, Op, L: Limit = Duration> {
    timeout: &'p Timeout<L>,
    op: Op,
}

impl<Op: Clone, L: Limit> Clone for TimeoutCall<'_, Op, L> {
    fn clone(&self) -> Self {
        Self { timeout: self.timeout, op: self.op.clone() }
    }
}

impl<'p, Op: Call, L: Limit> Call for TimeoutCall<'p, Op, L> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = TimeoutFuture<'p, Op::Future, L>;

    #[expect(clippy::inline_always, reason = "100 instructions a call of a pipeline, by count")]
    #[inline(always)]
    fn start(self, mut attempt: Attempt) -> Self::Future {
        let began = attempt.began();
        let Self { timeout, op } = self;
        let decided = timeout.limit.decide(&attempt);
        let limit = timeout.limit.of(&decided);
        let call = limit.map(|limit| op.start(narrowed(attempt, began, limit)));
        TimeoutFuture::begun(timeout, call, decided, attempt)
    }
}

impl<'p, Op: Operation, L: Limit> Operation for TimeoutCall<'p, Op, L> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = TimeoutFuture<'p, Op::Future, L>;

    #[expect(clippy::inline_always, reason = "100 instructions a call of a pipeline, by count")]
    #[inline(always)]
    fn attempt(&mut self, mut attempt: Attempt) -> Self::Future {
        let began = attempt.began();
        let Self { timeout, op } = self;
        let decided = timeout.limit.decide(&attempt);
        let limit = timeout.limit.of(&decided);
        let call = limit.map(|limit| op.attempt(narrowed(attempt, began, limit)));
        TimeoutFuture::begun(timeout, call, decided, attempt)
    }
}
