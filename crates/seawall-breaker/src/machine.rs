//! The circuit breaker as a pure state machine: no clock, no lock, no atomics. Callers pass `now`
//! and receive what happened.
//!
//! | file | holds |
//! |---|---|
//! | this one | which calls are admitted, what an outcome does, and the one `step` that changes the state |
//! | `table` | which state follows on which trigger: data that `step` obeys |
//! | `phase` | the parts of a state |
//! | `half_open`, `ramp` | the phases that decide about a recovery |
//! | `rules` | what opens a closed circuit |
//! | `window`, over `count` and `time` | the outcomes that the rules look at |
//! | `incidents` | what is remembered of a circuit that opened |
//! | `ticket` | the values that go in and out: admissions and outcomes |
//! | `view` | what others may read, and which outcomes the machine has to see |
//! | `timing` | how long answers take, and which callers had too little time |
//! | `settings`, `restore` | what a machine starts with |

use std::sync::Arc;

use seawall_core::{CircuitState, EventKind, Reason, Transition};

use crate::time::{NEVER, Nanos, finite};
use half_open::HalfOpen;
pub(crate) use half_open::{LeaseTerm, Probing};
use incidents::{Counted, Incidents};
use phase::{Hold, Phase};
use ramp::Ramp;
pub(crate) use ramp::{RampPlan, StagePlan, WHOLE};
pub(crate) use restore::Restored;
pub(crate) use rules::{OUT_OF_REACH, Predicate, RareRules, Rules, SlowRule};
pub use settings::Abandoned;
pub(crate) use settings::{OpenWait, Settings, Waiting, Waits};
pub(crate) use table::{Trigger, Verdict};
pub(crate) use ticket::{Admission, Outcome, Refusal, RefusalTerms, Settled, Ticket};
use timing::Timing;
pub(crate) use view::Recording;
use window::Window;
pub use window::WindowCounts;
pub(crate) use window::WindowSize;

pub(crate) mod half_open;
mod incidents;
mod phase;
pub(crate) mod ramp;
mod restore;
mod rules;
mod settings;
pub(crate) mod table;
mod ticket;
mod timing;
mod view;
pub(crate) mod window;

/// A circuit breaker's whole state.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    settings: Arc<Settings>,
    phase: Phase,
    hold: Hold,
    generation: u64,
    /// When the current state began.
    since: Nanos,
    /// The outcomes of the closed state; in any other, those that it ended with.
    window: Window,
    /// Failures in a row.
    run: u32,
    /// When the last failed or slow call of the window was counted.
    troubled: Nanos,
    waits: Waits,
    counted: Counted,
    incidents: Option<Box<Incidents>>,
    timing: Option<Box<Timing>>,
}

/// What happened, in order.
pub(crate) type Effects = Vec<EventKind>;

impl Machine {
    pub(crate) fn new(settings: Arc<Settings>, waits: Waits, now: Nanos) -> Self {
        let window = settings.window(now);
        let timing = settings.tally.then(|| Timing::ALWAYS.into());
        Self {
            settings,
            phase: Phase::Closed,
            hold: Hold::None,
            generation: 0,
            since: now,
            window,
            run: 0,
            troubled: now,
            waits,
            counted: Counted::default(),
            incidents: None,
            timing,
        }
    }

    /// Decides whether a call may go through.
    pub(crate) fn admit(&mut self, now: Nanos, effects: &mut Effects) -> Admission {
        match self.hold {
            Hold::Open => return Admission::Refused(self.refusal(Reason::ForcedOpen, now)),
            Hold::Closed => return Admission::Admitted(self.ticket(0)),
            Hold::None | Hold::Shadow => {}
        }
        match self.decide(now, effects) {
            Ok(ticket) => Admission::Admitted(ticket),
            Err(refusal) if self.hold == Hold::Shadow => {
                Admission::Shadowed(self.ticket(Ticket::UNMEASURED), refusal)
            }
            Err(refusal) => Admission::Refused(refusal),
        }
    }

    /// Admits a call whatever the state. Where the state would refuse it, its outcome is counted and
    /// decides nothing.
    pub(crate) fn admit_regardless(&mut self, now: Nanos, effects: &mut Effects) -> Ticket {
        match self.admit(now, effects) {
            Admission::Admitted(ticket) | Admission::Shadowed(ticket, _) => ticket,
            Admission::Refused(_) => self.ticket(0),
        }
    }

    /// Admits a call inside a probe of this generation. The probe stands for it: it needs no slot, and
    /// its outcome is counted and decides nothing.
    pub(crate) fn admit_inside_probe(&self) -> Admission {
        Admission::Admitted(self.ticket(0))
    }

    fn decide(&mut self, now: Nanos, effects: &mut Effects) -> Result<Ticket, Refusal> {
        if let Phase::Open { until } = self.phase
            && now >= until
        {
            self.step(Trigger::WaitOver.into(), None, now, effects);
        }
        self.expire_leases(now, effects);
        self.advance_ramp(now, effects);
        match &mut self.phase {
            Phase::Closed => Ok(self.ticket(0)),
            Phase::Open { .. } => Err(self.refusal(Reason::Open, now)),
            Phase::HalfOpen(half_open) => match half_open.admit(self.settings.probing, now) {
                Some(probe) => Ok(self.ticket(probe)),
                None => Err(self.refusal(Reason::ProbesInFlight, now)),
            },
            Phase::Ramping(ramp) => {
                let admitted = ramp.admit(self.settings.ramp());
                if admitted { Ok(self.ticket(0)) } else { Err(self.refusal(Reason::Ramping, now)) }
            }
        }
    }

    /// Counts the outcome of an admitted call.
    pub(crate) fn settle(
        &mut self,
        ticket: Ticket,
        outcome: Outcome,
        now: Nanos,
        effects: &mut Effects,
    ) -> Settled {
        if ticket.probe == Ticket::UNMEASURED {
            self.incidents_mut().unmeasured += 1;
            return Settled::Unmeasured;
        }
        self.advance_ramp(now, effects);
        let in_time = self.give_back(ticket, now, effects);
        if !in_time && !self.counts_late(ticket, outcome) {
            self.incidents_mut().stale += 1;
            effects.push(EventKind::stale(ticket.generation, self.generation));
            return Settled::Stale;
        }
        self.counted.count(outcome);
        if !outcome.failed {
            self.learn(outcome.took, now);
        }
        let verdict = match &mut self.phase {
            Phase::Closed => self.measure(outcome, now),
            // Calls of this generation were admitted regardless, as were those of a half-open circuit
            // that are no probes.
            Phase::Open { .. } => None,
            Phase::HalfOpen(_) if ticket.probe == 0 => None,
            Phase::HalfOpen(half_open) => {
                half_open.record(outcome.failed);
                half_open.verdict(&self.settings)
            }
            Phase::Ramping(ramp) => ramp.record(outcome.failed, self.settings.ramp()),
        };
        if let Some(verdict) = verdict {
            self.step(verdict, outcome.hint, now, effects);
        }
        Settled::Counted
    }

    /// Counts an outcome of the closed state.
    fn measure(&mut self, outcome: Outcome, now: Nanos) -> Option<Verdict> {
        self.window.slide(now);
        self.window.push(outcome.failed, outcome.slow);
        self.run = if outcome.failed { self.run.saturating_add(1) } else { 0 };
        if outcome.failed || outcome.slow {
            self.troubled = now;
        }
        if !self.hold.decides() {
            return None;
        }
        let broken = self.settings.rules.broken_by(&self.counts());
        broken.map(|evidence| Verdict::new(Trigger::Tripped, evidence))
    }

    /// Counts successes of this generation that were not slow, and that [`recording`] allowed to be
    /// counted without the machine.
    ///
    /// [`recording`]: Self::recording
    pub(crate) fn add_successes(&mut self, count: u64) {
        if count > 0 {
            self.counted.successes += count;
            self.window.push_successes(count);
            self.run = 0;
        }
    }

    /// Whether the outcome of a probe counts though its lease has ended.
    fn counts_late(&self, ticket: Ticket, outcome: Outcome) -> bool {
        match &self.phase {
            Phase::HalfOpen(half_open) => {
                ticket.generation == self.generation
                    && !outcome.failed
                    && half_open.counts_late_successes()
            }
            _ => false,
        }
    }

    /// Gives a probe's slot back without an outcome. Returns whether the admission still counted.
    pub(crate) fn give_back(&mut self, ticket: Ticket, now: Nanos, effects: &mut Effects) -> bool {
        if ticket.generation != self.generation {
            return false;
        }
        self.expire_leases(now, effects);
        match &mut self.phase {
            Phase::HalfOpen(half_open) if ticket.probe != 0 => half_open.release(ticket.probe),
            _ => true,
        }
    }

    /// Takes the slots of probes whose lease has ended.
    fn expire_leases(&mut self, now: Nanos, effects: &mut Effects) {
        if let Phase::HalfOpen(half_open) = &mut self.phase {
            for _ in 0..half_open.expire(now) {
                self.incidents.get_or_insert_default().expired += 1;
                effects.push(EventKind::LeaseExpired);
            }
        }
    }

    /// Moves a ramp to the stage of `now`.
    fn advance_ramp(&mut self, now: Nanos, effects: &mut Effects) {
        if let Phase::Ramping(ramp) = &mut self.phase
            && let Some(verdict) = ramp.advance(self.settings.ramp(), now)
        {
            self.step(verdict, None, now, effects);
        }
    }

    /// Does what the operator orders. Returns whether that changed the state.
    pub(crate) fn operate(&mut self, trigger: Trigger, now: Nanos, effects: &mut Effects) -> bool {
        self.step(trigger.into(), None, now, effects)
    }

    /// Takes the transition that the table has for the trigger. Without a row nothing happens.
    /// Returns whether there was one.
    ///
    /// The operator's triggers start from the state that users see. The others start from the phase,
    /// which in shadow nobody sees.
    fn step(
        &mut self,
        verdict: Verdict,
        hint: Option<Nanos>,
        now: Nanos,
        effects: &mut Effects,
    ) -> bool {
        let Verdict { trigger, evidence } = verdict;
        let operator = trigger.is_operators();
        let from = if operator { self.state() } else { self.phase.state() };
        let Some(to) = table::next(from, trigger) else {
            return false;
        };
        self.end_state(now);
        if operator {
            self.hold = Hold::of(to);
            self.forget_openings();
        }
        if to == CircuitState::Open {
            self.count_opening(verdict, hint, now);
        }
        self.enter(self.phase_of(to, now), now);
        let transition = Transition::new(from, to, self.generation)
            .because(evidence)
            .retry_in(self.open_until().and_then(|(_, wait)| finite(wait)));
        effects.push(match self.hold {
            Hold::Shadow if !operator => EventKind::Shadowed(transition),
            _ => EventKind::Transition(transition),
        });
        self.check_invariants(to, operator);
        true
    }

    /// The phase that a state begins with.
    fn phase_of(&self, state: CircuitState, now: Nanos) -> Phase {
        let wait = self.incidents().wait;
        match state {
            CircuitState::Open => Phase::Open { until: now.saturating_add(wait) },
            CircuitState::HalfOpen => {
                Phase::HalfOpen(HalfOpen::new(self.settings.probing.term, wait).into())
            }
            CircuitState::Ramping => Phase::Ramping(Ramp::new(self.settings.ramp(), now).into()),
            // Under an order the automatic rules start from a closed circuit.
            _ => Phase::Closed,
        }
    }

    fn enter(&mut self, phase: Phase, now: Nanos) {
        if let Phase::Closed = phase {
            self.window = self.settings.window(now);
            self.run = 0;
        }
        self.end_silence();
        self.phase = phase;
        self.generation += 1;
        self.since = now;
    }

    /// What must hold after each step, whatever the trigger.
    fn check_invariants(&self, to: CircuitState, operator: bool) {
        let reached = if operator { self.state() } else { self.phase.state() };
        debug_assert_eq!(reached, to, "the step did not reach the state of its row");
        debug_assert!(self.hold.decides() || matches!(self.phase, Phase::Closed), "{self:?}");
        debug_assert!(self.probes_in_flight() == 0, "a new generation has no probes yet");
        let Incidents { evidence, in_a_row, openings, reopenings, .. } = self.incidents();
        debug_assert!(openings >= reopenings, "a reopening is an opening");
        match self.phase {
            Phase::Closed => debug_assert_eq!(self.counts(), WindowCounts::default()),
            Phase::Open { .. } => debug_assert!(evidence.is_some() && in_a_row > 0, "{self:?}"),
            Phase::HalfOpen(_) | Phase::Ramping(_) => {}
        }
    }

    fn ticket(&self, probe: u32) -> Ticket {
        Ticket { generation: self.generation, probe }
    }

    fn refusal(&self, reason: Reason, now: Nanos) -> Refusal {
        let terms = RefusalTerms { until: self.worth_a_call_at(now), ..self.refusal_terms() };
        Refusal { reason, terms }
    }

    /// The terms of a refusal by the current state, as far as they do not depend on the moment.
    pub(crate) fn refusal_terms(&self) -> RefusalTerms {
        RefusalTerms {
            since: self.since,
            until: self.open_until().map_or(NEVER, |(until, _)| until),
            evidence: self.evidence().filter(|_| self.hold != Hold::Open).into(),
        }
    }
}
