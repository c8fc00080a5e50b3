//! The timeout as a policy.

use std::future::Future;
use std::time::Duration;

use seawall_core::{
    AllTransient, Attempt, Call, ConfigError, Description, Error, FromFuture, Layer, LayerContext,
    Lazy, Listeners, Name, Operation, Panicked, Policy, PolicyKind, Scope, contain,
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
    ) -> Lazy<TimeoutCall<'_, FromFuture<'static, Fut, AllTransient>>>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        Lazy::new(self.wrap(FromFuture::new(future, &AllTransient)))
    }

    /// When a call that begins with `attempt` has to be over; a function that panicked decides
    /// nothing.
    #[inline]
    fn plan<E>(&self, attempt: &mut Attempt) -> Result<Plan, Error<E>> {
        match &self.limit {
            Limit::Fixed(limit) => Ok(Plan::new(attempt, *limit)),
            Limit::By(limit) => self.plan_by(&**limit, attempt),
        }
    }

    #[cold]
    fn plan_by<E>(
        &self,
        limit: &dyn Fn(&Attempt) -> Duration,
        attempt: &mut Attempt,
    ) -> Result<Plan, Error<E>> {
        let limit = contain(|| limit(attempt)).map_err(|report| {
            event::panicked(self, &report);
            let panicked = Panicked::in_callback(self.name.clone(), PolicyKind::Timeout, report);
            Error::Panicked(Box::new(panicked))
        })?;
        Ok(Plan::new(attempt, limit))
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
    type Future = TimeoutFuture<'p, Op::Future, Op::Error>;

    #[inline]
    fn start(self, mut attempt: Attempt) -> Self::Future {
        match self.timeout.plan(&mut attempt) {
            Ok(plan) => {
                let inner = self.op.start(plan.narrow(attempt));
                TimeoutFuture::new(inner, self.timeout, plan, attempt)
            }
            Err(error) => TimeoutFuture::failed(error, self.timeout),
        }
    }
}

impl<'p, Op: Operation> Operation for TimeoutCall<'p, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = TimeoutFuture<'p, Op::Future, Op::Error>;

    #[inline]
    fn attempt(&mut self, mut attempt: Attempt) -> Self::Future {
        match self.timeout.plan(&mut attempt) {
            Ok(plan) => {
                let inner = self.op.attempt(plan.narrow(attempt));
                TimeoutFuture::new(inner, self.timeout, plan, attempt)
            }
            Err(error) => TimeoutFuture::failed(error, self.timeout),
        }
    }
}
