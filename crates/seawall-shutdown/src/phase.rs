//! Phases: the parts of a shutdown, in order.

use std::time::Duration;

use crate::defaults::{CLOSE_PERCENT, DRAIN_PERCENT, FLUSH_PERCENT};
use crate::machine::Reserve;
use crate::step::Builtin;

/// A phase of the shutdown. Its steps run at the same time; it begins when the phase before it has
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
    /// What the coordinator itself does.
    pub(crate) builtins: Vec<Builtin>,
}

impl Phase {
    /// The default phase in which readiness turns off.
    pub const READINESS: &'static str = "readiness";
    /// The default phase that waits until balancers have noticed.
    pub const DRAIN_DELAY: &'static str = "drain delay";
    /// The default phase in which intake stops: listeners close, new requests are refused.
    pub const INTAKE: &'static str = "stop intake";
    /// The default phase that waits for work in flight.
    pub const DRAIN: &'static str = "drain";
    /// The default phase in which buffered data is written out.
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

    /// The longest that the phase may take. Default: only the grace period bounds it.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Keeps this much of the grace period for the phase, whatever the phases before it do.
    pub fn reserve(mut self, reserve: Duration) -> Self {
        self.reserve = Reserve::Fixed(reserve);
        self
    }

    /// Turns readiness off at the beginning of this phase. Without such a phase it turns off at the
    /// trigger.
    pub fn readiness_off(self) -> Self {
        self.does(Builtin::ReadinessOff)
    }

    /// Waits for the drain delay.
    pub fn waits_drain_delay(self) -> Self {
        self.does(Builtin::Delay)
    }

    /// Stops intake at the beginning of this phase: the intake token is cancelled, in-flight guards
    /// are refused. Without such a phase it stops at the trigger.
    pub fn stops_intake(self) -> Self {
        self.does(Builtin::StopIntake)
    }

    /// Waits until nothing is in flight and no tracked task is left. When the phase's time is used
    /// up, the tracked tasks that are left are aborted.
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
