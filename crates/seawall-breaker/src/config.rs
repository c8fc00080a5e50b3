//! The builder.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{
    Backoff, Check, ConfigError, Jitter, Layer, LayerContext, Listeners, Name, PolicyKind, Random,
};
use tokio_util::sync::CancellationToken;

use crate::machine::{Abandoned, Restored, Settings, Waiting, WindowCounts};
use crate::{Breaker, Export, Ramp, defaults};

mod settings;

/// Configures a [`Breaker`].
///
/// What is not set has the default that [`defaults`] gives a reason for.
///
/// ```
/// use seawall_breaker::Breaker;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), seawall_core::ConfigError> {
/// let breaker = Breaker::builder()
///     .name("inventory")
///     .failure_rate(0.5)
///     .time_window(Duration::from_secs(10))
///     .min_calls(20)
///     .open_wait(Duration::from_millis(250))
///     .probes(3)
///     .build()?;
/// # drop(breaker);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[expect(
    clippy::option_option,
    reason = "not set, set to none, and set to a value are three things"
)]
#[must_use = "a builder does nothing until it is built"]
pub struct BreakerBuilder {
    name: Option<Name>,
    consecutive: Option<Option<u32>>,
    failure_rate: Option<Option<f64>>,
    slow_rate: Option<f64>,
    slow_after: Option<Duration>,
    predicate: Option<Predicate>,
    count_window: Option<u32>,
    time_window: Option<Duration>,
    slices: Option<u32>,
    min_calls: Option<u32>,
    open_wait: Backoff,
    random: Random,
    forget_after: Duration,
    longest_hint: Option<Duration>,
    probes: u32,
    probe_successes: Option<u32>,
    lease: Option<Duration>,
    ramp: Option<Ramp>,
    waiting: Option<Waiting>,
    shutdown: Option<CancellationToken>,
    abandoned: Abandoned,
    tally: bool,
    restore: Option<(Export, Option<Duration>)>,
}

#[derive(Clone)]
struct Predicate(crate::machine::Predicate);

impl std::fmt::Debug for Predicate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("..")
    }
}

const CHECK: Check = Check::of(PolicyKind::Breaker);

impl Default for BreakerBuilder {
    fn default() -> Self {
        Self {
            name: None,
            consecutive: None,
            failure_rate: None,
            slow_rate: None,
            slow_after: None,
            predicate: None,
            count_window: None,
            time_window: None,
            slices: None,
            min_calls: None,
            open_wait: defaults::open_wait(),
            random: Random::default(),
            forget_after: defaults::FORGET_AFTER,
            longest_hint: Some(defaults::LONGEST_HINT),
            probes: defaults::PROBES,
            probe_successes: None,
            lease: None,
            ramp: None,
            waiting: None,
            shutdown: None,
            abandoned: Abandoned::default(),
            tally: false,
            restore: None,
        }
    }
}

impl BreakerBuilder {
    /// The name in errors, events and descriptions: 1 to 256 bytes. In a pipeline, a breaker without
    /// one takes the pipeline's; alone, it is called `breaker`.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Opens after so many failures in a row, at least 1. Default:
    /// [`CONSECUTIVE_FAILURES`](defaults::CONSECUTIVE_FAILURES).
    pub fn consecutive_failures(mut self, failures: u32) -> Self {
        self.consecutive = Some(Some(failures));
        self
    }

    /// No rule about failures in a row.
    pub fn no_consecutive_failures(mut self) -> Self {
        self.consecutive = Some(None);
        self
    }

    /// Opens when this share of the calls in the window failed: above 0, at most 1. Default:
    /// [`FAILURE_RATE`](defaults::FAILURE_RATE).
    pub fn failure_rate(mut self, rate: f64) -> Self {
        self.failure_rate = Some(Some(rate));
        self
    }

    /// No rule about the share of failures.
    pub fn no_failure_rate(mut self) -> Self {
        self.failure_rate = Some(None);
        self
    }

    /// Opens when this share of the calls in the window was slow: above 0, at most 1. A call is slow
    /// at or above `after`, be it a success or a failure. Off by default: what is slow is known to
    /// the user only.
    ///
    /// Costs two clock readings a call.
    pub fn slow_call_rate(mut self, rate: f64, after: Duration) -> Self {
        self.slow_rate = Some(rate);
        self.slow_after = Some(after);
        self
    }

    /// Opens when `holds` of what is in the window, which it is asked after each outcome once
    /// [`min_calls`](Self::min_calls) are in it.
    ///
    /// It runs outside the breaker's lock. A panic in it counts as "does not hold". With it every
    /// outcome takes the lock.
    pub fn open_when(
        mut self,
        holds: impl Fn(&WindowCounts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.predicate = Some(Predicate(Arc::new(holds)));
        self
    }

    /// Takes the rates over the last so many outcomes, 1 to 1,000,000. The default, with
    /// [`COUNT_WINDOW`](defaults::COUNT_WINDOW) of them.
    pub fn count_window(mut self, outcomes: u32) -> Self {
        self.count_window = Some(outcomes);
        self.time_window = None;
        self
    }

    /// Takes the rates over the outcomes of the last `span`, in [`slices`](Self::slices).
    /// [`Duration::MAX`] means that nothing is ever forgotten.
    ///
    /// Costs a clock reading a call.
    pub fn time_window(mut self, span: Duration) -> Self {
        self.time_window = Some(span);
        self.count_window = None;
        self
    }

    /// In how many steps a time window slides, 10 to 1,000. Default:
    /// [`SLICES`](defaults::SLICES).
    pub fn slices(mut self, slices: u32) -> Self {
        self.slices = Some(slices);
        self
    }

    /// How many outcomes a window must hold before its rates count: at least 1, at most the size of
    /// a count window. Default: [`MIN_CALLS`](defaults::MIN_CALLS), or the size of a count window
    /// that is smaller.
    pub fn min_calls(mut self, calls: u32) -> Self {
        self.min_calls = Some(calls);
        self
    }

    /// How long the circuit refuses before it lets probes through: always the same for a
    /// [`Duration`], growing with each reopening for a [`Backoff`]. Default:
    /// [`open_wait`](defaults::open_wait).
    ///
    /// Counted from the transition. [`Duration::MAX`] means until the operator acts.
    pub fn open_wait(mut self, wait: impl Into<Backoff>) -> Self {
        self.open_wait = wait.into();
        self
    }

    /// Where the jitter of the open wait comes from. Default: the thread generator.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// How long the circuit must have been closed for the next opening to wait as the first did.
    /// Default: [`FORGET_AFTER`](defaults::FORGET_AFTER). [`Duration::MAX`] means that it grows
    /// until [`Breaker::reset`].
    pub fn forget_after(mut self, closed: Duration) -> Self {
        self.forget_after = closed;
        self
    }

    /// Whether a failure that says when to come back ([`Class::Overloaded`]) makes the open wait at
    /// least that long, and how much it may ask for. Default:
    /// [`LONGEST_HINT`](defaults::LONGEST_HINT).
    ///
    /// [`Class::Overloaded`]: seawall_core::Class::Overloaded
    pub fn heed_hints_up_to(mut self, longest: Duration) -> Self {
        self.longest_hint = Some(longest);
        self
    }

    /// Failures may say when to come back, the open wait takes no notice.
    pub fn ignore_hints(mut self) -> Self {
        self.longest_hint = None;
        self
    }

    /// How many probes the half-open state lets through, 1 to 1,000. Default:
    /// [`PROBES`](defaults::PROBES).
    pub fn probes(mut self, probes: u32) -> Self {
        self.probes = probes;
        self
    }

    /// How many of the probes must succeed for the circuit to close, 1 up to all of them, which is
    /// the default.
    pub fn probe_successes(mut self, successes: u32) -> Self {
        self.probe_successes = Some(successes);
        self
    }

    /// How long a probe may take before its slot is given to another. What it says later is stale.
    ///
    /// Default: as long as the open wait before it, at least
    /// [`SHORTEST_LEASE`](defaults::SHORTEST_LEASE), and until there is a verdict doubled each time
    /// one ends in vain, up to [`LONGEST_LEASE`](defaults::LONGEST_LEASE). A probe that succeeds
    /// when its lease is over makes the next one twice as long as it took, so a dependency that is
    /// well and slow gets its verdict however slow it is. A lease that is set here stays as it is:
    /// set it above the slowest healthy call. [`Duration::MAX`] means never.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease);
        self
    }

    /// After the verdict, traffic comes back in stages. Default: all at once, for in most outages
    /// a dependency that answers its probes can take the load, and callers are waiting.
    pub fn ramp(mut self, ramp: Ramp) -> Self {
        self.ramp = Some(ramp);
        self
    }

    /// Up to `callers` beyond the probes wait for the verdict, up to `longest`, instead of being
    /// refused. Default: nobody waits.
    ///
    /// Only calls that are futures wait; permits do not. Needs a tokio runtime with time enabled.
    /// In a pipeline, what is inside the breaker is started before the wait: a timeout inside it
    /// counts the wait.
    pub fn wait_for_verdict(mut self, callers: u32, longest: Duration) -> Self {
        self.waiting = Some(Waiting { callers, longest });
        self
    }

    /// What a call counts as that was dropped before it had an outcome. Default: nothing.
    pub fn abandoned_as(mut self, abandoned: Abandoned) -> Self {
        self.abandoned = abandoned;
        self
    }

    /// Whether each admission and each success is counted, so that a
    /// [`Snapshot`](crate::Snapshot) knows how many calls are in flight. Off by default: it costs two
    /// atomic operations a call.
    pub fn tally(mut self, tally: bool) -> Self {
        self.tally = tally;
        self
    }

    /// Begins where an [exported](Breaker::export) breaker was, as much later as the system's clock
    /// says. `build()` refuses an export of an unknown version.
    ///
    /// An open circuit whose wait has passed since is half-open for the first call. The window is
    /// empty: it is about calls of another process.
    pub fn restore(mut self, export: Export) -> Self {
        self.restore = Some((export, None));
        self
    }

    /// [`restore`](Self::restore), where `elapsed` has passed since the export, whatever the
    /// system's clock says.
    pub fn restore_after(mut self, export: Export, elapsed: Duration) -> Self {
        self.restore = Some((export, Some(elapsed)));
        self
    }

    /// Ends the [waiting for a verdict](Self::wait_for_verdict) at once when `token` is cancelled,
    /// with the reason "shutting down". Default: the pipeline's token.
    pub fn shutdown(mut self, token: CancellationToken) -> Self {
        self.shutdown = Some(token);
        self
    }

    /// Builds the breaker, or says which field is wrong and what it may be.
    pub fn build(self) -> Result<Breaker, ConfigError> {
        self.build_with("breaker".into(), None)
    }

    fn build_with(self, name: Name, listeners: Option<Listeners>) -> Result<Breaker, ConfigError> {
        let restored = self.restored()?;
        let shutdown = self.shutdown.clone();
        let (name, settings) = self.parts(name)?;
        let breaker = Breaker::new(name, Arc::new(settings), listeners, restored);
        if let Some(token) = shutdown {
            // New, so it has none yet.
            let _ = breaker.0.shutdown.set(token);
        }
        Ok(breaker)
    }

    /// The name, which is `name` unless it has one, and the rest.
    pub(crate) fn parts(mut self, name: Name) -> Result<(Name, Settings), ConfigError> {
        let name = CHECK.name(self.name.take().unwrap_or(name))?;
        Ok((name, self.settings()?))
    }

    fn restored(&self) -> Result<Option<Restored>, ConfigError> {
        let Some((export, elapsed)) = &self.restore else {
            return Ok(None);
        };
        export.check(CHECK)?;
        Ok(Some(export.after(*elapsed)))
    }
}

impl Layer for BreakerBuilder {
    type Policy = Breaker;

    fn into_policy(mut self, context: &LayerContext) -> Result<Breaker, ConfigError> {
        if self.shutdown.is_none() {
            self.shutdown.clone_from(&context.shutdown);
        }
        self.build_with(context.name.clone(), Some(context.listeners.clone()))
    }
}

/// The spread of the default open wait.
pub(crate) const JITTER: Jitter = Jitter::Equal;
