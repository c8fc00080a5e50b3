//! The timeout as a policy.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::inspect::Settings;
use seawall_core::{
    Attempt, Call, Check, ConfigError, Counted, Description, EventKind, Inspect, Listeners, Name,
    Operation, Policy, PolicyKind, Reporter, Scope, TimedOut, contain,
};

use super::TimeoutBuilder;
use super::alone::TimeoutAlone;
use super::defaults::default_limit;
use super::future::TimeoutFuture;
use super::limit::{Decide, Limit};
use super::plan::{MAX_LIMIT, Span};

/// Cuts a call off when it takes too long.
///
/// Clones share name, limit and listeners; there is no other state.
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
    pub(super) reporter: Reporter,
    pub(super) scope: Scope,
    pub(super) limit: Limit,
}

impl Timeout {
    /// A timeout of `limit` for whole calls, named `"timeout"`. See [`TimeoutBuilder::limit`] for
    /// zero and very long limits.
    pub fn new(limit: Duration) -> Self {
        Self::named("timeout", limit)
    }

    pub(crate) fn named(name: &str, limit: Duration) -> Self {
        let reporter = Reporter::new(name.into(), PolicyKind::Timeout, Listeners::default());
        Self { reporter, scope: Scope::Total, limit: Limit::fixed(limit) }
    }

    /// Configures a timeout.
    pub fn builder() -> TimeoutBuilder {
        TimeoutBuilder::default()
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        self.reporter.name()
    }

    /// What it bounds.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The listeners that receive its events.
    pub fn listeners(&self) -> &Listeners {
        self.reporter.listeners()
    }

    /// Replaces the limit, for all handles. It counts for calls that begin from now on; timers that run
    /// keep their end. A name and listeners in `builder` are ignored.
    ///
    /// # Errors
    ///
    /// Refuses another scope, a function, and a limit in the place of one: those need a timeout of their
    /// own.
    pub fn reconfigure(&self, builder: TimeoutBuilder) -> Result<(), ConfigError> {
        let check = Check::of(PolicyKind::Timeout);
        let named = |error: ConfigError| error.of(self.name());
        let built = "what it was built with";
        let same = builder.scope == self.scope;
        let scope = format!("{:?}", builder.scope).to_lowercase();
        check.that(same, "scope", scope, built).map_err(named)?;
        match (&self.limit, builder.into_limit()) {
            (Limit::Fixed(current), Limit::Fixed(limit)) => {
                current.store(limit.load());
                Ok(())
            }
            (_, Limit::By(_)) => check.that(false, "limit_by", "set", built).map_err(named),
            (Limit::By(_), _) => check.that(false, "limit", "set", built).map_err(named),
        }
    }

    /// The error of a call that was cut off, reported.
    pub(super) fn cut_off(&self, span: Span, attempt: Attempt) -> TimedOut {
        let name = self.name().clone();
        let elapsed = span.began.elapsed();
        let error = TimedOut::new(name, self.scope, span.by(), span.limit, elapsed, attempt);
        self.reporter.count(Counted::TimedOut(self.scope));
        self.reporter.report(|| EventKind::TimedOut(error.clone()));
        error
    }

    /// The time of the call that starts with `attempt`, which begins now.
    #[inline]
    fn span(&self, attempt: &mut Attempt) -> Span {
        let began = attempt.began();
        Span { began, limit: self.limit_of(attempt), outer: attempt.deadline() }
    }

    /// The limit of the call that starts with `attempt`.
    #[inline]
    pub(super) fn limit_of(&self, attempt: &Attempt) -> Duration {
        match &self.limit {
            Limit::Fixed(limit) => limit.load(),
            // By value: a reference would spill the attempt to the stack for a fixed limit, too.
            Limit::By(decide) => self.decide(&**decide, *attempt),
        }
    }

    #[cold]
    fn decide(&self, decide: &Decide, attempt: Attempt) -> Duration {
        contain(|| decide(&attempt)).unwrap_or_else(|report| {
            self.reporter.count(Counted::Panicked);
            self.reporter.report(|| EventKind::Panicked(report));
            default_limit(self.scope)
        })
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
    pub fn call<Fut, T, E>(&self, future: Fut) -> TimeoutAlone<'_, Fut>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        TimeoutAlone::new(self, future)
    }
}

impl Policy for Timeout {
    type Wrapped<'p, Op> = TimeoutCall<'p, Op>;

    fn wrap<Op>(&self, op: Op) -> TimeoutCall<'_, Op> {
        TimeoutCall { timeout: self, op }
    }

    fn describe(&self, inner: Description) -> Description {
        let what = match self.scope() {
            Scope::Attempt => "an attempt",
            _ => "a call",
        };
        let settings = Settings::new().with("limit", self.limit.value()).with("scope", what);
        let layer =
            |text: String| inner.layer_with(PolicyKind::Timeout, self.name(), text, settings);
        match &self.limit {
            Limit::Fixed(limit) => match limit.load() {
                limit if limit <= MAX_LIMIT => layer(format!("{limit:?} for {what}")).cut_to(limit),
                _ => layer(format!("never for {what}")),
            },
            Limit::By(_) => layer(format!("by function for {what}")),
        }
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        each(Arc::new(self.reporter.clone()));
    }

    fn heard_by(self, listeners: &Listeners) -> Self {
        Self { reporter: self.reporter.heard_by(listeners), ..self }
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

    #[expect(
        clippy::inline_always,
        reason = "a copy of a whole future in a boxed service, by count"
    )]
    #[inline(always)]
    fn start(self, mut attempt: Attempt) -> Self::Future {
        let span = self.timeout.span(&mut attempt);
        let call = self.op.start(span.narrow(attempt));
        TimeoutFuture::started(self.timeout, span, attempt, call)
    }
}

impl<'p, Op: Operation> Operation for TimeoutCall<'p, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = TimeoutFuture<'p, Op::Future>;

    #[expect(
        clippy::inline_always,
        reason = "50 instructions a call of a standard pipeline, by count"
    )]
    #[inline(always)]
    fn attempt(&mut self, mut attempt: Attempt) -> Self::Future {
        let span = self.timeout.span(&mut attempt);
        let call = self.op.attempt(span.narrow(attempt));
        TimeoutFuture::started(self.timeout, span, attempt, call)
    }

    fn is_repeatable(&self) -> bool {
        self.op.is_repeatable()
    }
}
