//! The pure circuit breaker: no clock, no lock, no atomics. `now` is handed in, what happened is
//! handed out.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{CircuitState, Evidence, Reason, Rule, Transition, What, contain};

use crate::time::{NEVER, Nanos, finite};
pub(crate) use half_open::Probing;
use half_open::{HalfOpen, Verdict};
use ramp::{Progress, Ramp};
pub(crate) use ramp::{RampPlan, StagePlan, WHOLE};
pub(crate) use rules::{Predicate, Rules, SlowRule};
pub use settings::Abandoned;
pub(crate) use settings::{OpenWait, Settings, Waiting, Waits};
pub(crate) use table::Trigger;
use window::Window;
pub use window::WindowCounts;
pub(crate) use window::WindowSize;

pub(crate) mod count;
mod describe;
mod half_open;
pub(crate) mod ramp;
mod rules;
mod settings;
pub(crate) mod span;
pub(crate) mod table;
pub(crate) mod window;

/// A circuit breaker's whole state.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    settings: Arc<Settings>,
    phase: Phase,
    /// What the operator made of it.
    hold: Hold,
    generation: u64,
    /// When the current state began.
    since: Nanos,
    window: Window,
    /// Failures in a row.
    run: u32,
    /// Why it opened last.
    evidence: Option<Evidence>,
    /// Openings since it was last closed for long enough.
    openings: u32,
    waits: Waits,
    totals: Totals,
}

/// What the automatic rules made of the circuit; under an operator's hold, what they would have.
#[derive(Clone, Debug)]
enum Phase {
    Closed,
    Open { until: Nanos, wait: Nanos },
    HalfOpen(HalfOpen),
    Ramping(Ramp),
}

/// Where a machine begins that was exported.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Restored {
    pub(crate) state: CircuitState,
    pub(crate) generation: u64,
    /// For how long the state was in force.
    pub(crate) age: Duration,
    /// How long the open state refuses in all.
    pub(crate) wait: Nanos,
    /// How much of that is left; `None` where it is not open.
    pub(crate) left: Option<Nanos>,
    pub(crate) openings: u32,
    pub(crate) evidence: Option<Evidence>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    None,
    Open,
    Closed,
    Shadow,
}

/// What was counted since the breaker was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) successes: u64,
    pub(crate) failures: u64,
    pub(crate) slow: u64,
    pub(crate) stale: u64,
    pub(crate) unmeasured: u64,
    pub(crate) expired: u64,
    pub(crate) openings: u64,
    pub(crate) reopenings: u64,
}

/// An admission: the generation that gave it, and which probe it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) generation: u64,
    /// 0 for a call that is no probe.
    pub(crate) probe: u32,
}

impl Ticket {
    /// The probe of a call that a circuit in shadow would have refused: its outcome would not
    /// exist, so it is not counted.
    pub(crate) const UNMEASURED: u32 = u32::MAX;
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Admission {
    Admitted(Ticket),
    Refused(Refusal),
    /// Goes through, though it would have been refused.
    Shadowed(Ticket, Refusal),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) refusing: Refusing,
}

/// What a state that refuses says for itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Refusing {
    /// When it began.
    pub(crate) since: Nanos,
    /// When it ends; [`NEVER`](crate::time::NEVER) where that is not known.
    pub(crate) until: Nanos,
    pub(crate) evidence: Option<Evidence>,
}

/// How a call that was admitted ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) failed: bool,
    pub(crate) slow: bool,
    /// How long the dependency asked to be left alone.
    pub(crate) hint: Option<Nanos>,
}

/// What was made of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Settled {
    Counted,
    Stale,
    /// The circuit is in shadow and would have refused the call.
    Unmeasured,
}

/// What happened, in order.
pub(crate) type Happened = Vec<What>;

/// How much of a fast success the closed state has to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ease {
    /// It may open the circuit, or the window must slide: all of it, under the lock.
    Locked,
    /// It can't open the circuit: that there was one is enough, and later is soon enough.
    Counted,
    /// It changes nothing at all.
    Skipped,
}

impl Machine {
    pub(crate) fn new(settings: Arc<Settings>, waits: Waits, now: Nanos) -> Self {
        let window = settings.window(now);
        Self {
            settings,
            phase: Phase::Closed,
            hold: Hold::None,
            generation: 0,
            since: now,
            window,
            run: 0,
            evidence: None,
            openings: 0,
            waits,
            totals: Totals::default(),
        }
    }

    /// A machine where another one was when it was exported.
    pub(crate) fn restore(
        settings: Arc<Settings>,
        waits: Waits,
        restored: &Restored,
        now: Nanos,
    ) -> Self {
        let mut machine = Self::new(settings, waits, now);
        machine.hold = match restored.state {
            CircuitState::ForcedOpen => Hold::Open,
            CircuitState::ForcedClosed => Hold::Closed,
            CircuitState::Shadow => Hold::Shadow,
            _ => Hold::None,
        };
        if let Some(left) = restored.left {
            let until = now.saturating_add(left);
            machine.phase = Phase::Open { until, wait: restored.wait };
        }
        machine.generation = restored.generation;
        machine.since = 0;
        machine.openings = restored.openings;
        machine.evidence = restored.evidence;
        machine
    }

    /// Swaps the configuration. State, counts and admissions stay.
    pub(crate) fn reconfigure(
        &mut self,
        settings: Arc<Settings>,
        waits: Waits,
        now: Nanos,
        happened: &mut Happened,
    ) {
        self.window.slide(now);
        let slow = settings.rules.slow.is_some();
        self.window = self.window.resized(settings.rules.window, slow, now);
        self.settings = settings;
        self.waits = waits;
        // With other numbers the probes may have said enough already.
        self.heed_verdict(None, now, happened);
    }

    /// Decides whether a call may go through.
    pub(crate) fn admit(&mut self, now: Nanos, happened: &mut Happened) -> Admission {
        match self.hold {
            Hold::None => match self.decide(now, happened) {
                Ok(ticket) => Admission::Admitted(ticket),
                Err(refusal) => Admission::Refused(refusal),
            },
            Hold::Shadow => match self.decide(now, happened) {
                Ok(ticket) => Admission::Admitted(ticket),
                Err(refusal) => Admission::Shadowed(self.ticket(Ticket::UNMEASURED), refusal),
            },
            Hold::Closed => Admission::Admitted(self.ticket(0)),
            Hold::Open => Admission::Refused(self.refusal(Reason::ForcedOpen)),
        }
    }

    fn decide(&mut self, now: Nanos, happened: &mut Happened) -> Result<Ticket, Refusal> {
        if let Phase::Open { until, wait } = self.phase
            && now >= until
        {
            self.half_open(wait, now, happened);
        }
        self.advance_ramp(now, happened);
        match &mut self.phase {
            Phase::Closed => Ok(self.ticket(0)),
            Phase::Open { .. } => Err(self.refusal(Reason::Open)),
            Phase::HalfOpen(half_open) => {
                expire(half_open, &mut self.totals, now, happened);
                let probe = half_open.admit(self.settings.probing, now);
                probe.map(|probe| self.ticket(probe)).ok_or(self.refusal(Reason::ProbesInFlight))
            }
            Phase::Ramping(ramp) => {
                let admitted = self.settings.ramp.as_ref().is_none_or(|plan| ramp.admit(plan));
                if admitted { Ok(self.ticket(0)) } else { Err(self.refusal(Reason::Ramping)) }
            }
        }
    }

    /// Moves a ramp on to the stage of `now`.
    fn advance_ramp(&mut self, now: Nanos, happened: &mut Happened) {
        let Phase::Ramping(ramp) = &mut self.phase else {
            return;
        };
        let progress = match &self.settings.ramp {
            Some(plan) => ramp.advance(plan, now),
            None => Progress::Over,
        };
        self.heed_progress(progress, None, now, happened);
    }

    fn heed_progress(
        &mut self,
        progress: Progress,
        hint: Option<Nanos>,
        now: Nanos,
        happened: &mut Happened,
    ) {
        match progress {
            Progress::Under => {}
            Progress::Over => self.close(Trigger::RampOver, None, now, happened),
            Progress::Sick(evidence) => {
                self.open(Trigger::StageSick, evidence, hint, now, happened);
            }
        }
    }

    fn ticket(&self, probe: u32) -> Ticket {
        Ticket { generation: self.generation, probe }
    }

    fn refusal(&self, reason: Reason) -> Refusal {
        Refusal { reason, refusing: self.refusing() }
    }

    /// What a refusal of the current state rests on.
    pub(crate) fn refusing(&self) -> Refusing {
        Refusing {
            since: self.since,
            until: self.open_until().map_or(NEVER, |(until, _)| until),
            evidence: self.evidence.filter(|_| self.hold != Hold::Open),
        }
    }

    /// Counts the outcome of an admitted call.
    pub(crate) fn settle(
        &mut self,
        ticket: Ticket,
        outcome: Outcome,
        now: Nanos,
        happened: &mut Happened,
    ) -> Settled {
        if ticket.probe == Ticket::UNMEASURED {
            self.totals.unmeasured += 1;
            return Settled::Unmeasured;
        }
        self.advance_ramp(now, happened);
        if !self.give_back(ticket, now, happened) {
            self.totals.stale += 1;
            happened.push(What::stale(ticket.generation, self.generation));
            return Settled::Stale;
        }
        self.totals.count(outcome);
        match &mut self.phase {
            Phase::Closed | Phase::Open { .. } => self.measure(outcome, now, happened),
            Phase::HalfOpen(half_open) => {
                half_open.record(outcome.failed);
                self.heed_verdict(outcome.hint, now, happened);
            }
            Phase::Ramping(ramp) => {
                let plan = self.settings.ramp.as_ref();
                let progress =
                    plan.map_or(Progress::Over, |plan| ramp.record(outcome.failed, plan));
                self.heed_progress(progress, outcome.hint, now, happened);
            }
        }
        Settled::Counted
    }

    /// Gives a probe's slot back without an outcome. Says whether the admission still counted.
    pub(crate) fn give_back(
        &mut self,
        ticket: Ticket,
        now: Nanos,
        happened: &mut Happened,
    ) -> bool {
        if ticket.generation != self.generation {
            return false;
        }
        match &mut self.phase {
            Phase::HalfOpen(half_open) => {
                expire(half_open, &mut self.totals, now, happened);
                half_open.release(ticket.probe)
            }
            _ => true,
        }
    }

    /// Counts successes that the shell saw in this generation and that were not slow.
    pub(crate) fn add_successes(&mut self, count: u64) {
        if count > 0 {
            self.totals.successes += count;
            self.window.push_successes(count);
            self.run = 0;
        }
    }

    /// Counts successes of the generation that is over.
    pub(crate) fn add_late_successes(&mut self, count: u64) {
        self.totals.successes += count;
    }

    fn measure(&mut self, outcome: Outcome, now: Nanos, happened: &mut Happened) {
        self.window.slide(now);
        self.window.push(outcome.failed, outcome.slow);
        self.run = if outcome.failed { self.run.saturating_add(1) } else { 0 };
        if !self.hold.decides() {
            return;
        }
        if let Some(evidence) = self.settings.rules.broken_by(&self.counts()) {
            self.open(Trigger::Tripped, evidence, outcome.hint, now, happened);
        }
    }

    /// What the user's predicate, if there is one, is to be asked.
    pub(crate) fn question(&self) -> Option<Question> {
        let predicate = self.settings.rules.predicate.as_ref()?;
        let counts = self.counts();
        let decides = matches!(self.phase, Phase::Closed) && self.hold.decides();
        let enough = counts.samples >= self.settings.rules.min_calls;
        (decides && enough).then(|| Question {
            predicate: Arc::clone(predicate),
            counts,
            generation: self.generation,
        })
    }

    /// Opens the circuit because the predicate held, unless the generation it was asked about is
    /// over.
    pub(crate) fn predicate_held(
        &mut self,
        question: &Question,
        now: Nanos,
        happened: &mut Happened,
    ) {
        if question.generation == self.generation {
            let evidence = Evidence::new(Rule::Predicate, 1.0, 1.0, question.counts.samples);
            self.open(Trigger::Tripped, evidence, None, now, happened);
        }
    }

    fn heed_verdict(&mut self, hint: Option<Nanos>, now: Nanos, happened: &mut Happened) {
        let Phase::HalfOpen(half_open) = &self.phase else {
            return;
        };
        let probing = self.settings.probing;
        let (succeeded, failed) = (half_open.succeeded(), half_open.failed());
        let samples = succeeded + failed;
        match half_open.verdict(probing) {
            Verdict::Undecided => {}
            Verdict::Well => {
                let evidence = Evidence::new(
                    Rule::ProbeSuccesses,
                    succeeded.into(),
                    probing.needed.into(),
                    samples,
                );
                self.recover(evidence, now, happened);
            }
            Verdict::Sick => {
                let evidence = Evidence::new(
                    Rule::ProbeFailures,
                    failed.into(),
                    probing.too_many().into(),
                    samples,
                );
                self.open(Trigger::ProbesSick, evidence, hint, now, happened);
            }
        }
    }

    /// The probes were well.
    fn recover(&mut self, evidence: Evidence, now: Nanos, happened: &mut Happened) {
        match &self.settings.ramp {
            Some(plan) => {
                let phase = Phase::Ramping(Ramp::new(plan, now));
                self.step(Trigger::ProbesWellRamp, phase, Some(evidence), now, happened);
            }
            None => self.close(Trigger::ProbesWell, Some(evidence), now, happened),
        }
    }

    fn open(
        &mut self,
        trigger: Trigger,
        evidence: Evidence,
        hint: Option<Nanos>,
        now: Nanos,
        happened: &mut Happened,
    ) {
        let wait = self.count_opening(trigger, now);
        let wait = wait.max(hint.unwrap_or(0).min(self.settings.wait.longest_hint));
        let phase = Phase::Open { until: now.saturating_add(wait), wait };
        self.evidence = Some(evidence);
        self.step(trigger, phase, Some(evidence), now, happened);
    }

    /// Counts an opening. Gives the wait that was drawn for it.
    fn count_opening(&mut self, trigger: Trigger, now: Nanos) -> Nanos {
        let closed_for = now.saturating_sub(self.since);
        if trigger == Trigger::Tripped && closed_for >= self.settings.wait.forget_after {
            self.openings = 0;
        }
        let again = self.openings > 0;
        self.openings = self.openings.saturating_add(1);
        self.totals.openings += 1;
        self.totals.reopenings += u64::from(again);
        if again { self.waits.next } else { self.waits.first }
    }

    /// Replaces the waits that were drawn in advance.
    pub(crate) fn hand_waits(&mut self, waits: Waits) {
        self.waits = waits;
    }

    fn half_open(&mut self, wait: Nanos, now: Nanos, happened: &mut Happened) {
        let lease = self.settings.probing.lease;
        let phase = Phase::HalfOpen(HalfOpen::new(lease.unwrap_or(wait), lease.is_none()));
        self.step(Trigger::WaitOver, phase, None, now, happened);
    }

    fn close(
        &mut self,
        trigger: Trigger,
        evidence: Option<Evidence>,
        now: Nanos,
        happened: &mut Happened,
    ) {
        self.step(trigger, Phase::Closed, evidence, now, happened);
    }

    /// Does what the operator asks. Says whether it changed the state.
    pub(crate) fn operate(
        &mut self,
        trigger: Trigger,
        now: Nanos,
        happened: &mut Happened,
    ) -> bool {
        let from = self.state();
        let Some(to) = table::next(from, trigger) else {
            return false;
        };
        self.hold = match to {
            CircuitState::ForcedOpen => Hold::Open,
            CircuitState::ForcedClosed => Hold::Closed,
            CircuitState::Shadow => Hold::Shadow,
            _ => Hold::None,
        };
        self.openings = 0;
        self.begin(Phase::Closed, now);
        happened.push(What::Transition(Transition::new(from, to, self.generation)));
        true
    }

    /// Takes the automatic step that the table has for `trigger`.
    fn step(
        &mut self,
        trigger: Trigger,
        phase: Phase,
        evidence: Option<Evidence>,
        now: Nanos,
        happened: &mut Happened,
    ) {
        let from = self.phase.state();
        let to = table::next(from, trigger);
        debug_assert_eq!(to, Some(phase.state()), "{from} on {trigger:?}");
        let retry_after = match phase {
            Phase::Open { wait, .. } => finite(wait),
            _ => None,
        };
        self.begin(phase, now);
        let transition = Transition::new(from, self.phase.state(), self.generation)
            .because(evidence)
            .retry_in(retry_after);
        happened.push(match self.hold {
            Hold::Shadow => What::Shadowed(transition),
            _ => What::Transition(transition),
        });
    }

    fn begin(&mut self, phase: Phase, now: Nanos) {
        if matches!(phase, Phase::Closed) {
            self.window.clear(now);
            self.run = 0;
        }
        self.phase = phase;
        self.generation += 1;
        self.since = now;
    }

    /// The state that users see.
    pub(crate) fn state(&self) -> CircuitState {
        match self.hold {
            Hold::None => self.phase.state(),
            Hold::Open => CircuitState::ForcedOpen,
            Hold::Closed => CircuitState::ForcedClosed,
            Hold::Shadow => CircuitState::Shadow,
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn since(&self) -> Nanos {
        self.since
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Why it opened last, if it did.
    pub(crate) fn evidence(&self) -> Option<Evidence> {
        self.evidence
    }

    /// Openings since it was last closed for long enough.
    pub(crate) fn openings(&self) -> u32 {
        self.openings
    }

    /// When the open state ends and how long it refuses in all; `None` in any other state.
    pub(crate) fn open_until(&self) -> Option<(Nanos, Nanos)> {
        match self.phase {
            Phase::Open { until, wait } => Some((until, wait)),
            _ => None,
        }
    }

    /// The wait of an open circuit, the lease of a half-open one.
    pub(crate) fn current_wait(&self) -> Option<Nanos> {
        match &self.phase {
            Phase::Open { wait, .. } => Some(*wait),
            Phase::HalfOpen(half_open) => Some(half_open.lease()),
            _ => None,
        }
    }

    /// When the first of the probes' leases ends.
    pub(crate) fn first_lease_end(&self) -> Option<Nanos> {
        match &self.phase {
            Phase::HalfOpen(half_open) => half_open.first_end(),
            _ => None,
        }
    }

    pub(crate) fn probes_in_flight(&self) -> u32 {
        match &self.phase {
            Phase::HalfOpen(half_open) => half_open.in_flight(),
            _ => 0,
        }
    }

    /// Which stage of its ramp it is in, counting from 1.
    pub(crate) fn ramp_stage(&self) -> Option<usize> {
        match &self.phase {
            Phase::Ramping(ramp) => Some(ramp.stage() + 1),
            _ => None,
        }
    }

    /// What the window holds.
    pub(crate) fn counts(&self) -> WindowCounts {
        let total = self.window.total();
        WindowCounts {
            samples: total.samples,
            failures: total.failures,
            slow: total.slow,
            consecutive_failures: self.run,
        }
    }

    /// Lets time pass for the window, so that what is read of it is current.
    pub(crate) fn slide(&mut self, now: Nanos) {
        self.window.slide(now);
    }

    /// Whether calls go through without asking.
    pub(crate) fn admits_all(&self) -> bool {
        match self.hold {
            Hold::Closed => true,
            Hold::Open => false,
            Hold::None | Hold::Shadow => matches!(self.phase, Phase::Closed),
        }
    }

    /// Until when a success may be counted without a slide of the window.
    pub(crate) fn slides_at(&self) -> Nanos {
        self.window.slides_at()
    }

    /// How many successes may wait before the machine is told of them: as many as make a window of
    /// outcomes full of them, for then no more need counting.
    pub(crate) fn pending_limit(&self) -> u64 {
        match &self.window {
            Window::Count(window) => window.size().into(),
            _ => u64::from(u32::MAX / 2),
        }
    }

    /// How much of a fast success this state has to see. Holds until the next outcome that is none.
    pub(crate) fn ease(&self) -> Ease {
        if !self.admits_all() || self.settings.rules.predicate.is_some() {
            return Ease::Locked;
        }
        match &self.window {
            Window::Absent if self.run == 0 => Ease::Skipped,
            Window::Absent => Ease::Locked,
            Window::Count(window) if self.run == 0 && window.is_full_of_successes() => {
                Ease::Skipped
            }
            Window::Count(_) | Window::Time(_) => self.ease_of_window(),
        }
    }

    fn ease_of_window(&self) -> Ease {
        let counts = self.counts();
        let harmless = counts.failures == 0 && counts.slow == 0;
        // A fast success lowers the rates. So what does not break a rule now, with enough samples
        // for it to have a say, will not do so after any number of them.
        let enough = counts.samples >= self.settings.rules.min_calls;
        let holds = enough && self.settings.rules.broken_by(&counts).is_none();
        if harmless || holds { Ease::Counted } else { Ease::Locked }
    }
}

impl Hold {
    /// Whether the automatic rules decide, if only in thought.
    fn decides(self) -> bool {
        matches!(self, Self::None | Self::Shadow)
    }
}

/// What a user's predicate is asked.
pub(crate) struct Question {
    predicate: Predicate,
    counts: WindowCounts,
    generation: u64,
}

impl Question {
    /// A panic in the predicate counts as "does not hold".
    pub(crate) fn holds(&self) -> bool {
        contain(|| (self.predicate)(&self.counts)).unwrap_or(false)
    }
}

impl Phase {
    fn state(&self) -> CircuitState {
        match self {
            Self::Closed => CircuitState::Closed,
            Self::Open { .. } => CircuitState::Open,
            Self::HalfOpen(_) => CircuitState::HalfOpen,
            Self::Ramping(_) => CircuitState::Ramping,
        }
    }
}

impl Totals {
    fn count(&mut self, outcome: Outcome) {
        self.successes += u64::from(!outcome.failed);
        self.failures += u64::from(outcome.failed);
        self.slow += u64::from(outcome.slow);
    }
}

fn expire(half_open: &mut HalfOpen, totals: &mut Totals, now: Nanos, happened: &mut Happened) {
    for _ in 0..half_open.expire(now) {
        totals.expired += 1;
        happened.push(What::LeaseExpired);
    }
}
