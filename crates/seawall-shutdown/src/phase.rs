//! Phases: what the coordinator does itself, and in which order.

use std::time::Duration;

use crate::step::Builtin;

/// A phase of the shutdown: within it everything runs at once; it begins when the one before has
/// ended or used up its time.
///
/// ```
/// use std::time::Duration;
/// use seawall_shutdown::{Phase, Shutdown};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shutdown = Shutdown::builder()
///     .phases([
///         Phase::new("stop crawling").stops_intake(),
///         Phase::new("finish pages").drains().limit(Duration::from_secs(8)),
///         Phase::new("write index").reserve(Duration::from_secs(2)),
///     ])
///     .build()?;
/// # drop(shutdown);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    pub(crate) name: String,
    pub(crate) limit: Option<Duration>,
    pub(crate) reserve: Reserve,
    /// What the coordinator does itself.
    pub(crate) builtins: Vec<Builtin>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reserve {
    /// So many hundredths of what fixed reserves leave of the grace period, if the phase has
    /// something to do.
    Percent(u32),
    Fixed(Duration),
}

impl Phase {
    /// The default phase in which readiness flips.
    pub const READINESS: &'static str = "readiness";
    /// The default phase that waits until balancers have noticed.
    pub const DRAIN_DELAY: &'static str = "drain delay";
    /// The default phase in which intake stops: listeners close, new requests are refused.
    pub const INTAKE: &'static str = "stop intake";
    /// The default phase in which work under way is finished.
    pub const DRAIN: &'static str = "drain";
    /// The default phase in which what was collected is written out.
    pub const FLUSH: &'static str = "flush";
    /// The default phase in which connections and files are closed.
    pub const CLOSE: &'static str = "close";

    /// A phase in which the coordinator itself does nothing.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            limit: None,
            reserve: Reserve::Fixed(Duration::ZERO),
            builtins: Vec::new(),
        }
    }

    /// The phase lasts at most this long. Default: only the grace period bounds it.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// This much of the grace period is kept for the phase, whatever the phases before it do.
    pub fn reserve(mut self, reserve: Duration) -> Self {
        self.reserve = Reserve::Fixed(reserve);
        self
    }

    /// Readiness flips at the beginning of this phase. It flips at the trigger if no phase says
    /// so.
    pub fn readiness_off(self) -> Self {
        self.does(Builtin::ReadinessOff)
    }

    /// The phase waits for the drain delay.
    pub fn waits_drain_delay(self) -> Self {
        self.does(Builtin::Delay)
    }

    /// Intake stops at the beginning of this phase: the intake token is cancelled, in-flight
    /// guards are refused.
    pub fn stops_intake(self) -> Self {
        self.does(Builtin::StopIntake)
    }

    /// The phase waits until nothing is in flight and no tracked task is left. When its time is
    /// used up, the tracked tasks that are left are aborted.
    pub fn drains(self) -> Self {
        self.does(Builtin::Requests).does(Builtin::Tasks)
    }

    fn does(mut self, builtin: Builtin) -> Self {
        if !self.builtins.contains(&builtin) {
            self.builtins.push(builtin);
        }
        self
    }

    pub(crate) fn defaults() -> Vec<Self> {
        let share = |percent, phase: Self| Self { reserve: Reserve::Percent(percent), ..phase };
        vec![
            Self::new(Self::READINESS).readiness_off(),
            Self::new(Self::DRAIN_DELAY).waits_drain_delay(),
            Self::new(Self::INTAKE).stops_intake(),
            share(DRAIN_PERCENT, Self::new(Self::DRAIN).drains()),
            share(FLUSH_PERCENT, Self::new(Self::FLUSH)),
            share(CLOSE_PERCENT, Self::new(Self::CLOSE)),
        ]
    }
}

/// Three tenths of the grace period are kept for draining, so that a listener that does not close
/// costs no request its answer.
pub(crate) const DRAIN_PERCENT: u32 = 30;
/// A fifth of the grace period is kept for flushing: data that is lost is worse than a request
/// that is cut off.
pub(crate) const FLUSH_PERCENT: u32 = 20;
/// A tenth is kept for closing: peers are told that we go, which takes a round trip or two.
pub(crate) const CLOSE_PERCENT: u32 = 10;
