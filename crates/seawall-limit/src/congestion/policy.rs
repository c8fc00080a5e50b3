use std::sync::Arc;
use std::time::Duration;

use seawall_core::{
    Attempt, Call, CircuitState, ConfigError, Description, Inspect, Listeners, Name, Operation,
    Policy, PolicyKind,
};

use super::machine::Machine;
use super::settings::Settings;
use super::shared::Shared;
use super::{CongestionControlBuilder, CongestionFuture, StreamPermit, WhileDown};

/// Sends what the dependency can answer in time. Clones share it. See the
/// [chapter](crate::congestion).
#[derive(Clone, Debug)]
pub struct CongestionControl {
    pub(super) shared: Arc<Shared>,
}

/// An operation with a [`CongestionControl`] around it.
#[derive(Clone, Debug)]
pub struct CongestionCall<'p, Op> {
    control: &'p CongestionControl,
    op: Op,
}

/// The state of a congestion control at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CongestionSnapshot {
    /// Requests in flight, including those that linger.
    pub in_flight: u32,
    /// Answers that still arrive after their call has ended.
    pub streams: u32,
    /// The limit on requests in flight. Below 1 it is a pace.
    pub limit: f64,
    /// Calls that wait.
    pub waiting: usize,
    /// Requests that nobody waits for any longer, on which the dependency may still work.
    pub lingering: usize,
    /// Whether nothing is answered.
    pub down: bool,
    /// Whether an operator holds it open.
    pub forced_open: bool,
    /// Repetitions that are paid for.
    pub tokens: u32,
    /// How many calls were refused since it was built.
    pub refused: u64,
    /// How long it has existed.
    pub age: Duration,
    /// How long of that nothing was answered, and it was not held open.
    pub time_down: Duration,
    /// How long of that an operator held it open.
    pub time_forced_open: Duration,
}

impl CongestionSnapshot {
    /// The state as that of a circuit: closed, open while nothing is answered, or forced open.
    pub const fn circuit(&self) -> CircuitState {
        match (self.forced_open, self.down) {
            (true, _) => CircuitState::ForcedOpen,
            (false, true) => CircuitState::Open,
            (false, false) => CircuitState::Closed,
        }
    }
}

impl CongestionControl {
    /// Starts a congestion control.
    pub fn builder() -> CongestionControlBuilder {
        CongestionControlBuilder::default()
    }

    /// Its state now.
    pub fn snapshot(&self) -> CongestionSnapshot {
        let state = self.shared.state();
        let machine = &state.machine;
        let [age, time_down, time_forced_open] = self.shared.times(&state);
        CongestionSnapshot {
            age,
            time_down,
            time_forced_open,
            in_flight: machine.in_flight(),
            streams: machine.streams(),
            limit: machine.limit(),
            waiting: machine.waiting(),
            lingering: machine.lingering(),
            down: machine.is_down(),
            forced_open: machine.circuit() == CircuitState::ForcedOpen,
            tokens: machine.tokens(),
            refused: machine.refused(),
        }
    }

    /// Replaces the settings, for all handles. What was measured stays, and so do the requests in
    /// flight, the calls that wait, and an outage. Calls under way go on by the new settings; those
    /// that began while it was [disabled](CongestionControlBuilder::disabled) end without it. A name,
    /// listeners, a token and a source of random numbers in `builder` are ignored.
    ///
    /// # Errors
    ///
    /// Names the wrong field and its allowed range; the old settings stay.
    pub fn reconfigure(&self, builder: CongestionControlBuilder) -> Result<(), ConfigError> {
        let settings = builder.settings().map_err(|error| error.of(self.name()))?;
        self.shared.reconfigure(settings);
        Ok(())
    }

    /// A handle on the same traffic that [hedges](CongestionControlBuilder::hedging): for the calls
    /// that may be under way twice, where others may not.
    #[must_use]
    pub fn with_hedging(&self) -> Self {
        Self { shared: Arc::new(self.shared.hedging()) }
    }

    /// A place for an answer that goes on to arrive after its call has ended. It is always granted, as
    /// the call was admitted; while such answers are slow, other calls wait for it.
    ///
    /// ```
    /// use seawall_limit::CongestionControl;
    ///
    /// let control = CongestionControl::builder().build()?;
    /// let body = control.stream();
    /// assert_eq!(control.snapshot().streams, 1);
    /// body.completed();
    /// assert_eq!(control.snapshot().streams, 0);
    /// # Ok::<_, seawall_core::ConfigError>(())
    /// ```
    pub fn stream(&self) -> StreamPermit {
        StreamPermit::new(Arc::clone(&self.shared))
    }

    /// Refuses every call until [`release`](Self::release): those that come, those that wait, and
    /// repetitions. What is in flight goes on. It holds for all clones and pipelines that share this
    /// control, but for one that is [disabled](CongestionControlBuilder::disabled).
    pub fn force_open(&self) {
        self.shared.end(Machine::hold);
    }

    /// Ends [`force_open`](Self::force_open). What was measured before holds; if nothing was answered
    /// then, a probe goes out first. Without an order nothing changes.
    pub fn release(&self) {
        self.shared.end(|machine, _| machine.release());
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        self.shared.reporter.name()
    }

    /// The listeners that receive its events.
    pub fn listeners(&self) -> &Listeners {
        self.shared.reporter.listeners()
    }
}

impl Policy for CongestionControl {
    type Wrapped<'p, Op> = CongestionCall<'p, Op>;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        CongestionCall { control: self, op }
    }

    fn describe(&self, inner: Description) -> Description {
        let Settings { max_attempts, idempotent, while_down, hedging, .. } = self.shared.settings();
        let max = inner.max_attempts().map(|max| max.saturating_mul(max_attempts.into()));
        let attempts = match (max_attempts, idempotent) {
            (1, _) => "one attempt".to_owned(),
            (max, true) => format!("at most {max} attempts"),
            (max, false) => {
                format!("one attempt, up to {max} where it was certainly not carried out")
            }
        };
        let down = match while_down {
            WhileDown::Wait => "waits",
            WhileDown::Refuse => "refuses",
        };
        let hedges = if hedging { "hedges, " } else { "" };
        let text = format!(
            "as many in flight as are answered in time, {attempts}, {hedges}{down} \
             while nothing is answered"
        );
        let settings = Inspect::settings(self);
        inner
            .layer_with(PolicyKind::CongestionControl, self.name(), text, settings)
            .with_fact("unless_carried_out", !idempotent)
            .with_max_attempts(max)
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        each(Arc::new(self.clone()));
    }

    fn heard_by(self, listeners: &Listeners) -> Self {
        Self { shared: Arc::new(self.shared.heard_by(listeners)) }
    }
}

impl<'p, Op: Operation> Call for CongestionCall<'p, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = CongestionFuture<'p, Op>;

    #[expect(
        clippy::inline_always,
        reason = "a copy of a whole future in a boxed service, by count"
    )]
    #[inline(always)]
    fn start(self, attempt: Attempt) -> Self::Future {
        CongestionFuture::start(&self.control.shared, self.op, attempt)
    }
}
