//! A circuit breaker as naive as can be: a deque of outcomes, lists, and the rules word for word.

use std::collections::VecDeque;

use seawall_core::CircuitState;

use crate::machine::{LeaseTerm, Outcome, Settings, Ticket, Trigger, Waits, WindowSize};
use crate::time::{NEVER, Nanos};

pub(super) struct Reference {
    settings: Settings,
    waits: Waits,
    pub(super) state: CircuitState,
    pub(super) hold: Option<CircuitState>,
    pub(super) generation: u64,
    since: Nanos,
    until: Nanos,
    wait: Nanos,
    outcomes: VecDeque<Seen>,
    /// The slice that outcomes are counted in now, and when slice 0 began.
    slice: u64,
    began: Nanos,
    run: u32,
    openings: u32,
    probes: Vec<Probe>,
    pub(super) succeeded: u32,
    pub(super) failed: u32,
    lease: Nanos,
    pub(super) stale: u64,
    pub(super) expired: u64,
    pub(super) transitions: Vec<(CircuitState, CircuitState)>,
}

#[derive(Clone, Copy)]
struct Seen {
    slice: u64,
    failed: bool,
    slow: bool,
}

struct Probe {
    call: usize,
    ends: Nanos,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Admitted,
    Refused,
    Shadowed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Counted,
    Stale,
    Unmeasured,
}

impl Reference {
    pub(super) fn new(settings: Settings, waits: Waits) -> Self {
        Self {
            settings,
            waits,
            state: CircuitState::Closed,
            hold: None,
            generation: 0,
            since: 0,
            until: 0,
            wait: 0,
            outcomes: VecDeque::new(),
            slice: 0,
            began: 0,
            run: 0,
            openings: 0,
            probes: Vec::new(),
            succeeded: 0,
            failed: 0,
            lease: 0,
            stale: 0,
            expired: 0,
            transitions: Vec::new(),
        }
    }

    fn go(&mut self, to: CircuitState, now: Nanos) {
        self.transitions.push((self.state, to));
        self.enter(to, now);
    }

    fn enter(&mut self, to: CircuitState, now: Nanos) {
        self.state = to;
        self.generation += 1;
        self.since = now;
        self.probes.clear();
        (self.succeeded, self.failed) = (0, 0);
        if to == CircuitState::Closed {
            self.outcomes.clear();
            (self.slice, self.began, self.run) = (0, now, 0);
        }
    }

    fn open(&mut self, again: bool, hint: Option<Nanos>, now: Nanos) {
        let forgotten = now.saturating_sub(self.since) >= self.settings.wait.forget_after;
        if !again && forgotten {
            self.openings = 0;
        }
        let drawn = if self.openings == 0 { self.waits.first } else { self.waits.next };
        self.openings += 1;
        self.wait = drawn.max(hint.unwrap_or(0).min(self.settings.wait.max_retry_after));
        self.until = now.saturating_add(self.wait);
        self.go(CircuitState::Open, now);
    }

    pub(super) fn admit(&mut self, call: usize, now: Nanos) -> Decision {
        match self.hold {
            Some(CircuitState::ForcedOpen) => Decision::Refused,
            Some(CircuitState::ForcedClosed) => Decision::Admitted,
            hold => match (self.automatic(call, now), hold) {
                (true, _) => Decision::Admitted,
                (false, None) => Decision::Refused,
                (false, Some(_)) => Decision::Shadowed,
            },
        }
    }

    fn automatic(&mut self, call: usize, now: Nanos) -> bool {
        if self.state == CircuitState::Open && now >= self.until {
            self.go(CircuitState::HalfOpen, now);
            self.lease = match self.settings.probing.term {
                LeaseTerm::Fixed(lease) => lease,
                LeaseTerm::Doubling { shortest, .. } => self.wait.max(shortest),
            };
        }
        match self.state {
            CircuitState::Closed => true,
            CircuitState::Open => false,
            _ => {
                self.expire(now);
                let taken = self.succeeded + self.failed + self.probes.len() as u32;
                let free = taken < self.settings.probing.probes;
                if free {
                    self.probes.push(Probe { call, ends: now.saturating_add(self.lease) });
                }
                free
            }
        }
    }

    fn expire(&mut self, now: Nanos) {
        let over = self.probes.iter().filter(|probe| now >= probe.ends).count();
        self.probes.retain(|probe| now < probe.ends);
        self.expired += over as u64;
        if over > 0
            && let LeaseTerm::Doubling { longest, .. } = self.settings.probing.term
            && self.lease < longest
        {
            self.lease = (self.lease * 2).min(longest);
        }
    }

    /// Gives a slot back. Says whether the call still had a say.
    pub(super) fn give_back(&mut self, call: usize, generation: u64, now: Nanos) -> bool {
        if generation != self.generation {
            return false;
        }
        if self.state != CircuitState::HalfOpen {
            return true;
        }
        self.expire(now);
        let held = self.probes.iter().any(|probe| probe.call == call);
        self.probes.retain(|probe| probe.call != call);
        held
    }

    pub(super) fn settle(
        &mut self,
        call: usize,
        ticket: Ticket,
        outcome: Outcome,
        now: Nanos,
    ) -> Made {
        if !self.give_back(call, ticket.generation, now) {
            let late_probe =
                self.state == CircuitState::HalfOpen && ticket.generation == self.generation;
            let doubling = matches!(self.settings.probing.term, LeaseTerm::Doubling { .. });
            if !late_probe || outcome.failed || !doubling {
                self.stale += 1;
                return Made::Stale;
            }
        }
        if self.state == CircuitState::HalfOpen {
            self.probe_said(outcome, now);
        } else {
            self.measure(outcome, now);
        }
        Made::Counted
    }

    fn probe_said(&mut self, outcome: Outcome, now: Nanos) {
        let probing = self.settings.probing;
        if outcome.failed {
            self.failed += 1;
        } else {
            self.succeeded += 1;
        }
        if self.succeeded == probing.needed {
            self.go(CircuitState::Closed, now);
        } else if probing.probes - self.failed < probing.needed {
            self.open(true, outcome.hint, now);
        }
    }

    pub(super) fn measure(&mut self, outcome: Outcome, now: Nanos) {
        let Outcome { failed, slow, .. } = outcome;
        self.run = if failed { self.run + 1 } else { 0 };
        self.see(failed, slow, now);
        if self.hold == Some(CircuitState::ForcedClosed) {
            return;
        }
        if self.broken() {
            self.open(false, outcome.hint, now);
        }
    }

    fn see(&mut self, failed: bool, slow: bool, now: Nanos) {
        self.forget(now);
        self.outcomes.push_back(Seen { slice: self.slice, failed, slow });
        if let WindowSize::Count { outcomes } = self.settings.rules.window
            && self.outcomes.len() > outcomes as usize
        {
            self.outcomes.pop_front();
        }
    }

    pub(super) fn forget(&mut self, now: Nanos) {
        if let WindowSize::Time { span, slices } = self.settings.rules.window
            && span != NEVER
        {
            let width = span / u64::from(slices);
            self.slice = self.slice.max(now.saturating_sub(self.began) / width);
            let slice = self.slice;
            self.outcomes.retain(|seen| seen.slice + u64::from(slices) > slice);
        }
    }

    pub(super) fn counts(&self) -> (usize, usize, usize, u32) {
        if self.settings.rules.window == WindowSize::Absent {
            return (0, 0, 0, self.run);
        }
        let failures = self.outcomes.iter().filter(|seen| seen.failed).count();
        let slow = self.outcomes.iter().filter(|seen| seen.slow).count();
        (self.outcomes.len(), failures, slow, self.run)
    }

    fn broken(&self) -> bool {
        let rules = &self.settings.rules;
        let (samples, failures, slow, run) = self.counts();
        let enough = samples >= rules.min_calls as usize;
        let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let reached = |part: usize, rate: f64| number(part) / number(samples) >= rate;
        rules.consecutive.is_some_and(|limit| run >= limit.get())
            || enough && reached(failures, rules.failure_rate)
            || enough && rules.slow().is_some_and(|rule| reached(slow, rule.rate))
    }

    pub(super) fn operate(&mut self, trigger: Trigger, now: Nanos) {
        let state = self.hold.unwrap_or(self.state);
        let to = match trigger {
            Trigger::ForceOpen => CircuitState::ForcedOpen,
            Trigger::ForceClosed => CircuitState::ForcedClosed,
            Trigger::Shadow => CircuitState::Shadow,
            Trigger::Release if self.hold.is_none() => return,
            _ => CircuitState::Closed,
        };
        if to == state && trigger != Trigger::Reset {
            return;
        }
        self.hold = (to != CircuitState::Closed).then_some(to);
        self.openings = 0;
        self.enter(CircuitState::Closed, now);
        self.transitions.push((state, to));
    }

    pub(super) fn visible(&self) -> CircuitState {
        self.hold.unwrap_or(self.state)
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.probes.len() as u32
    }

    pub(super) fn until(&self) -> Option<Nanos> {
        (self.state == CircuitState::Open).then_some(self.until)
    }
}
