//! The timeout as a policy.

use std::future::Future;
use std::time::Duration;

use seawall_core::{
    AllTransient, Attempt, Call, ConfigError, Description, FromFuture, Layer, LayerContext,
    Listeners, Name, Operation, OperationFuture, Panicked, Policy, PolicyKind, Scope, contain,
};

use super::config::Limit;
use super::future::TimeoutFuture;
use super::plan::{LONGEST, Plan};
use super::{TimeoutBuilder, event};

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
#[derive(Clone, Debug)]
pub struct Timeout {
    pub(super) name: Name,
    pub(super) scope: Scope,
    pub(super) limit: Limit,
    pub(super) listeners: Listeners,
}

impl Timeout {
    /// A timeout of `limit` for whole calls, called `"timeout"`. See
    /// [`TimeoutBuilder::limit`] for zero and very long limits.
    pub fn new(limit: Duration) -> Self {
        Self {
            name: Name::from("timeout"),
            scope: Scope::Total,
            limit: Limit::Fixed(limit),
            listeners: Listeners::default(),
        }
    }

    /// Configures a timeout.
    pub fn builder() -> TimeoutBuilder {
        TimeoutBuilder::default()
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// What it bounds.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Who is told of calls that it cuts off.
    pub fn listeners(&self) -> &Listeners {
        &self.listeners
    }

    /// `future`, cut off in time. The time counts from the first poll.
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
    ) -> TimeoutFuture<'_, OperationFuture<'static, Fut, AllTransient>>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        let call = FromFuture::new(future, &AllTransient).start(Attempt::first());
        TimeoutFuture::new(self, call, Attempt::first(), None)
    }

    /// Notes when the call began, and what the function says about it, unless that is known.
    #[inline]
    pub(super) fn begin(
        &self,
        attempt: &mut Attempt,
        limit: &mut Option<Duration>,
    ) -> Result<(), Box<Panicked>> {
        attempt.began();
        match &self.limit {
            Limit::Fixed(_) => Ok(()),
            Limit::By(decide) => self.decide(&**decide, attempt, limit),
        }
    }

    /// A function that panicked decides nothing.
    #[cold]
    fn decide(
        &self,
        decide: &dyn Fn(&Attempt) -> Duration,
        attempt: &Attempt,
        limit: &mut Option<Duration>,
    ) -> Result<(), Box<Panicked>> {
        if limit.is_none() {
            let decided = contain(|| decide(attempt)).map_err(|report| {
                event::panicked(self, &report);
                Box::new(Panicked::in_callback(self.name.clone(), PolicyKind::Timeout, report))
            })?;
            *limit = Some(decided);
        }
        Ok(())
    }

    /// The limit of a call, of which the function said `decided`.
    #[inline]
    pub(super) fn limit_of(&self, decided: Option<Duration>) -> Duration {
        match self.limit {
            Limit::Fixed(limit) => limit,
            Limit::By(_) => decided.unwrap_or(Duration::MAX),
        }
    }

    /// What the operation inside is told: it is due when this call is.
    #[inline]
    fn narrow(&self, mut attempt: Attempt, decided: Option<Duration>) -> Attempt {
        match Plan::new(&mut attempt, self.limit_of(decided)).due {
            Some(due) => attempt.due_by(due),
            None => attempt,
        }
    }
}

impl Policy for Timeout {
    type Wrapped<'p, Op> = TimeoutCall<'p, Op>;

    #[inline]
    fn wrap<Op>(&self, op: Op) -> TimeoutCall<'_, Op> {
        TimeoutCall { timeout: self, op }
    }

    fn describe(&self, inner: Description) -> Description {
        let what = match self.scope {
            Scope::Attempt => "an attempt",
            _ => "a call",
        };
        match &self.limit {
            Limit::Fixed(limit) if *limit <= LONGEST => inner
                .layer(PolicyKind::Timeout, &self.name, format!("{limit:?} for {what}"))
                .cut_to(*limit),
            Limit::Fixed(_) => {
                inner.layer(PolicyKind::Timeout, &self.name, format!("never for {what}"))
            }
            Limit::By(_) => {
                inner.layer(PolicyKind::Timeout, &self.name, format!("by function for {what}"))
            }
        }
    }
}

impl Layer for Timeout {
    type Policy = Self;

    fn into_policy(self, _: &LayerContext) -> Result<Self, ConfigError> {
        Ok(self)
    }
}

/// An operation with a [`Timeout`] around it.
#[derive(Clone, Copy, Debug)]
pub struct TimeoutCall<'p, Op> {
    timeout: &'p Timeout,
    op: Op,
}

impl<'p, Op: Call> Call for TimeoutCall<'p, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = TimeoutFuture<'p, Op::Future>;

    #[inline]
    fn start(self, mut attempt: Attempt) -> Self::Future {
        let mut limit = None;
        match self.timeout.begin(&mut attempt, &mut limit) {
            Ok(()) => {
                let call = self.op.start(self.timeout.narrow(attempt, limit));
                TimeoutFuture::new(self.timeout, call, attempt, limit)
            }
            Err(panicked) => TimeoutFuture::failed(self.timeout, panicked),
        }
    }
}

impl<'p, Op: Operation> Operation for TimeoutCall<'p, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = TimeoutFuture<'p, Op::Future>;

    #[inline]
    fn attempt(&mut self, mut attempt: Attempt) -> Self::Future {
        let mut limit = None;
        match self.timeout.begin(&mut attempt, &mut limit) {
            Ok(()) => {
                let call = self.op.attempt(self.timeout.narrow(attempt, limit));
                TimeoutFuture::new(self.timeout, call, attempt, limit)
            }
            Err(panicked) => TimeoutFuture::failed(self.timeout, panicked),
        }
    }
}
