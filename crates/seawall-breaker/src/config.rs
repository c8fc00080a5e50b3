//! The builder.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{
    Check, ConfigError, Layer, LayerContext, Listeners, Name, PolicyKind, Reporter, Setup,
};
use tokio_util::sync::CancellationToken;

use crate::machine::{Abandoned, OpenWait, Predicate, Restored, Settings};
use crate::{Breaker, Export, Ramp, defaults};

mod opening;
mod recovery;

/// Configures a [`Breaker`].
///
/// A setting that is not given has its default; [`defaults`] says why.
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
    setup: Setup,
    consecutive: Option<Option<u32>>,
    failure_rate: Option<Option<f64>>,
    slow_rate: Option<f64>,
    slow_after: Option<Duration>,
    predicate: Option<Shown<Predicate>>,
    count_window: Option<u32>,
    time_window: Option<Duration>,
    slices: Option<u32>,
    min_calls: Option<u32>,
    wait: Arc<OpenWait>,
    probes: u32,
    probe_successes: Option<u32>,
    lease: Option<Duration>,
    ramp: Option<Ramp>,
    waiting: Option<(u32, Duration)>,
    abandoned: Abandoned,
    tally: bool,
    restore: Option<(Export, Option<Duration>)>,
}

/// Gives a closure a `Debug`, so that the builder can derive it.
#[derive(Clone)]
struct Shown<T>(T);

impl<T> std::fmt::Debug for Shown<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("..")
    }
}

const CHECK: Check = Check::of(PolicyKind::Breaker);

impl Default for BreakerBuilder {
    fn default() -> Self {
        Self {
            setup: Setup::default(),
            consecutive: None,
            failure_rate: None,
            slow_rate: None,
            slow_after: None,
            predicate: None,
            count_window: None,
            time_window: None,
            slices: None,
            min_calls: None,
            wait: OpenWait::shared_default(),
            probes: defaults::PROBES,
            probe_successes: None,
            lease: None,
            ramp: None,
            waiting: None,
            abandoned: Abandoned::default(),
            tally: false,
            restore: None,
        }
    }
}

impl BreakerBuilder {
    /// The name in errors, events and descriptions: 1 to 256 bytes. Default: the pipeline's name;
    /// outside a pipeline `breaker`.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.setup.name(name);
        self
    }

    /// How a call counts that was dropped before it had an outcome. Default:
    /// [`Abandoned::Ignored`]. The losers of a hedge are ignored either way: nobody gave up on them.
    pub fn abandoned_as(mut self, abandoned: Abandoned) -> Self {
        self.abandoned = abandoned;
        self
    }

    /// Counts each admission and each success and times them, so that a
    /// [`Snapshot`](crate::Snapshot) knows how many calls are in flight, how many succeeded in a row and
    /// how long they take. Off by default: it costs two atomic operations and two clock readings a call.
    pub fn tally(mut self) -> Self {
        self.tally = true;
        self
    }

    /// Starts where an [exported](Breaker::export) breaker was. The time since the export is taken
    /// from the system clock. `build()` refuses an export of an unknown version.
    ///
    /// An open circuit whose wait has passed since then is half-open for the first call. The window
    /// is empty, as its outcomes are those of another process.
    pub fn restore(mut self, export: Export) -> Self {
        self.restore = Some((export, None));
        self
    }

    /// [`restore`](Self::restore) with the time since the export given as `elapsed`, instead of taken
    /// from the system clock.
    pub fn restore_after(mut self, export: Export, elapsed: Duration) -> Self {
        self.restore = Some((export, Some(elapsed)));
        self
    }

    /// The listeners that receive its events. Default: the pipeline's; outside a pipeline none, until
    /// [`Breaker::listeners`] adds some.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.setup.listeners(listeners);
        self
    }

    /// Refuses callers that [wait for the verdict](Self::wait_for_verdict) as soon as `token` is
    /// cancelled, with the reason "shutting down". Default: the pipeline's token.
    pub fn shutdown(mut self, token: CancellationToken) -> Self {
        self.setup.shutdown(token);
        self
    }

    /// Builds the breaker. Errors name the field and the allowed range.
    pub fn build(self) -> Result<Breaker, ConfigError> {
        let setup = self.setup.clone();
        self.checked().map_err(|error| setup.name_error(error))
    }

    fn checked(self) -> Result<Breaker, ConfigError> {
        let restored = self.restored()?;
        let reporter = self.reporter()?;
        Ok(Breaker::of(reporter, Arc::new(self.settings()?), restored.as_ref()))
    }

    pub(crate) fn reporter(&self) -> Result<Reporter, ConfigError> {
        self.setup.reporter(PolicyKind::Breaker)
    }

    pub(crate) fn settings(self) -> Result<Settings, ConfigError> {
        let setup = self.setup.clone();
        self.checked_settings().map_err(|error| setup.name_error(error))
    }

    fn checked_settings(self) -> Result<Settings, ConfigError> {
        Ok(Settings {
            rules: self.rules()?,
            wait: self.wait()?,
            probing: self.probing()?,
            ramp: self.ramp.as_ref().map(|ramp| ramp.plan(CHECK)).transpose()?.map(Box::new),
            waiting: self.waiting()?,
            abandoned: self.abandoned,
            tally: self.tally,
        })
    }

    fn restored(&self) -> Result<Option<Restored>, ConfigError> {
        let Some((export, elapsed)) = &self.restore else {
            return Ok(None);
        };
        export.check(CHECK)?;
        Ok(Some(export.after(*elapsed, &self.wait)))
    }
}

impl Layer for BreakerBuilder {
    type Policy = Breaker;

    fn into_policy(self, context: &LayerContext) -> Result<Breaker, ConfigError> {
        Self { setup: self.setup.fill(context), ..self }.build()
    }
}
