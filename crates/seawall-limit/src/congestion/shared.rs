//! What the clones of a congestion control share.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use seawall_core::wakers::{discard, wake_all};
use seawall_core::{
    CircuitState, Counted, EventKind, Evidence, Listeners, Random, Reason, Rejection, Reporter,
    Rule, Timeline, Transition,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::defaults::MAX_WAITERS;
use super::machine::{Answer, Key, Machine, Outage, Refusal, Sent, Settled, seconds};
use super::settings::{LiveSettings, Settings};
use super::words::{Left, Words};

/// What the clones of one handle share. The handles in several pipelines share the traffic alone.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) reporter: Reporter,
    pub(super) shutdown: Option<CancellationToken>,
    pub(super) random: Random,
    /// This handle hedges, whatever the settings say.
    hedges: bool,
    pub(super) time: Timeline,
    traffic: Arc<Traffic>,
}

#[derive(Debug)]
struct Traffic {
    settings: LiveSettings,
    words: Words,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) machine: Machine,
    waiters: HashMap<Key, Waiter>,
    /// The waiter whose timer counts for all.
    clock: Option<Key>,
    /// How often the circuit opened.
    openings: u64,
    /// When the circuit last changed, and how long it was open and held open before that.
    changed: u64,
    open_time: u64,
    held_time: u64,
}

#[derive(Debug, Default)]
struct Waiter {
    waker: Option<Waker>,
    verdict: Option<Result<(), Refusal>>,
}

impl Shared {
    pub(super) fn new(
        reporter: Reporter,
        shutdown: Option<CancellationToken>,
        random: Random,
        settings: Settings,
    ) -> Self {
        let machine = Machine::new(settings.while_down);
        let state = State {
            machine,
            waiters: HashMap::new(),
            clock: None,
            openings: 0,
            changed: 0,
            open_time: 0,
            held_time: 0,
        };
        let settings = LiveSettings::new(settings);
        let traffic = Traffic { settings, words: Words::new(), state: Mutex::new(state) };
        let (traffic, time) = (Arc::new(traffic), Timeline::new());
        Self { reporter, shutdown, random, hedges: false, time, traffic }
    }

    /// The settings in force: one load.
    #[inline]
    pub(super) fn settings(&self) -> Settings {
        let settings = self.traffic.settings.load();
        Settings { hedging: settings.hedging || self.hedges, ..settings }
    }

    /// Replaces the settings.
    pub(super) fn reconfigure(&self, settings: Settings) {
        let now = self.time.now();
        // Under the lock, so that the machine and the word have the settings of one call of this.
        self.with(now, |state| {
            state.machine.set_while_down(settings.while_down);
            self.traffic.settings.replace(settings);
        });
    }

    /// The same for a handle in a pipeline with these listeners.
    pub(super) fn heard_by(&self, listeners: &Listeners) -> Self {
        Self { reporter: self.reporter.clone().heard_by(listeners), ..self.clone() }
    }

    /// The same traffic for a handle that hedges.
    pub(super) fn hedging(&self) -> Self {
        Self { hedges: true, ..self.clone() }
    }

    /// When a second request follows the first, which was sent at `at`; never, unless it hedges.
    pub(super) fn hedge_at(&self, at: u64) -> u64 {
        if self.settings().hedging { self.state().machine.hedge_at(at) } else { u64::MAX }
    }

    /// The state now.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.traffic.state.lock();
        state.machine.set_in_flight(self.traffic.words.in_flight());
        state
    }

    /// How long it has existed, and how long of that the circuit was open, and held open.
    pub(super) fn times(&self, state: &State) -> [Duration; 3] {
        let now = self.time.now();
        let current = |of| {
            if state.machine.circuit() == of { now.saturating_sub(state.changed) } else { 0 }
        };
        let open = state.open_time.saturating_add(current(CircuitState::Open));
        let held = state.held_time.saturating_add(current(CircuitState::ForcedOpen));
        [now, open.min(now), held.min(now)].map(Duration::from_nanos)
    }

    /// Lets a call in, if nothing is wrong.
    #[inline]
    pub(super) fn try_enter(&self, now: u64, due: u64) -> bool {
        self.traffic.words.try_enter(due.saturating_sub(now))
    }

    /// A call comes.
    pub(super) fn arrive(&self, now: u64, due: u64) -> Answer {
        self.with(now, |state| {
            let answer = state.machine.arrive(now, due);
            state.entered(answer)
        })
    }

    /// A call wants to send another request.
    pub(super) fn want(&self, now: u64, due: u64) -> Answer {
        self.with(now, |state| {
            let answer = state.machine.want(now, due, true);
            state.entered(answer)
        })
    }

    /// A request was answered well.
    #[inline]
    pub(super) fn succeeded(&self, sent: Sent) {
        let now = self.time.now();
        let left = if sent.counts {
            self.traffic.words.leave(now, now.saturating_sub(sent.at))
        } else {
            Left::Not
        };
        if left != Left::Done {
            self.end_of_success(now, sent, left);
        }
    }

    #[inline(never)]
    fn end_of_success(&self, now: u64, sent: Sent, left: Left) {
        if left == Left::Learns {
            // If another holds the lock, a later call learns what this one brought.
            if let Some(state) = self.traffic.state.try_lock() {
                self.change(state, now, Some(sent), |_| {});
            }
            return;
        }
        self.with(now, |state| {
            if left == Left::Not {
                state.machine.answered(now, sent, true);
            }
        });
    }

    /// A request ended in another way, or an operator gave an order.
    pub(super) fn end(&self, change: impl FnOnce(&mut Machine, u64)) {
        let now = self.time.now();
        self.with(now, |state| change(&mut state.machine, now));
    }

    /// Whether a request is lost.
    pub(super) fn is_lost(&self, sent: &mut Sent) -> bool {
        let now = self.time.now();
        self.with(now, |state| state.machine.is_lost(now, sent))
    }

    fn with<R>(&self, now: u64, change: impl FnOnce(&mut State) -> R) -> R {
        self.change(self.traffic.state.lock(), now, None, change)
    }

    /// Learns what came in between, the last to `sent`; changes the state; settles the waiters for
    /// which that makes a difference; and wakes them.
    fn change<R>(
        &self,
        mut state: MutexGuard<'_, State>,
        now: u64,
        sent: Option<Sent>,
        change: impl FnOnce(&mut State) -> R,
    ) -> R {
        let circuit = state.machine.circuit();
        let mut before = self.traffic.words.in_flight();
        state.machine.set_in_flight(before);
        if let Some(batch) = self.traffic.words.take() {
            let at = now.saturating_sub(batch.took / u64::from(batch.count.max(1)));
            let due = at.saturating_add(state.machine.deadline());
            let sent = sent.unwrap_or(Sent { at, due, counts: false });
            state.machine.learn(now, batch, sent);
        }
        let result = change(&mut state);
        let mut woken = Vec::new();
        loop {
            state.settle(now, &mut woken);
            self.traffic.words.change_in_flight(before, state.machine.in_flight());
            let machine = &state.machine;
            if !self.traffic.words.publish(now, machine.free_limit(), machine.deadline()) {
                break;
            }
            // Calls that left in between did not see that somebody waits.
            before = self.traffic.words.in_flight();
            state.machine.set_in_flight(before);
        }
        let changed = state.machine.circuit() != circuit;
        if changed {
            self.queue_transition(&mut state, circuit);
        }
        drop(state);
        if changed {
            self.reporter.deliver();
        }
        wake_all(woken);
        result
    }

    fn queue_transition(&self, state: &mut State, from: CircuitState) {
        let to = state.machine.circuit();
        state.openings += u64::from(to != CircuitState::Closed);
        state.pass(from, self.time.now());
        let outage = state.machine.outage().filter(|_| to == CircuitState::Open);
        let evidence = outage.map(|outage| in_a_row(&outage));
        let transition = Transition::new(from, to, state.openings).because(evidence);
        self.reporter.count(Counted::transition(from, to));
        self.reporter.queue(Instant::now(), EventKind::Transition(transition));
    }

    /// The verdict on a waiter, once there is one.
    pub(super) fn poll_waiter(&self, key: Key, waker: &Waker) -> Poll<Result<(), Refusal>> {
        let waker = waker.clone();
        let now = self.time.now();
        let (poll, unneeded) = self.with(now, |state| {
            state.machine.tidy(now);
            state.put_waker(key, waker)
        });
        discard(unneeded);
        poll
    }

    /// When the waiter `key` has to look again.
    pub(super) fn look_at(&self, now: u64, key: Key) -> u64 {
        let state = self.state();
        let own = state.machine.latest_start(key.due);
        match state.machine.next_look(now) {
            Some((clock, at)) if clock == key => own.min(at),
            _ => own,
        }
    }

    /// A waiter goes away.
    pub(super) fn leave(&self, key: Key) {
        let now = self.time.now();
        let unneeded = self.with(now, |state| {
            let waiter = state.waiters.remove(&key)?;
            match waiter.verdict {
                Some(Ok(())) => state.machine.unsent(),
                Some(Err(_)) => {}
                None => state.machine.leave(key),
            }
            waiter.waker
        });
        discard(unneeded);
    }

    /// The refusal of a call that came at `came`, reported.
    pub(super) fn refuse(&self, came: u64, refusal: Refusal) -> Rejection {
        let now = self.time.now();
        let rejection = |reason| self.reporter.rejection(reason);
        let since = |at: u64| Duration::from_nanos(now.saturating_sub(at));
        let until = |at: u64| Duration::from_nanos(at.saturating_sub(now));
        let down = |reason, outage: Outage| {
            let rejection = rejection(reason).because(in_a_row(&outage));
            rejection.in_force_for(since(outage.since)).retry_in(until(outage.retry_at))
        };
        let in_flight = || self.state().machine.in_flight();
        let rejection = match refusal {
            Refusal::Down(outage) => down(Reason::Open, outage),
            Refusal::StillDown(outage) => down(Reason::DeadlineTooNear, outage),
            Refusal::TooLate { left, takes } => {
                let evidence = Evidence::new(Rule::TimeLeft, seconds(left), takes, in_flight());
                rejection(Reason::DeadlineTooNear).because(evidence)
            }
            Refusal::NoRoom { in_flight, limit, waiting, retry_at } => {
                let evidence = Evidence::new(Rule::InFlight, in_flight.into(), limit, waiting);
                let rejection = rejection(Reason::DeadlineTooNear).because(evidence);
                rejection.in_force_for(since(came)).retry_in(until(retry_at))
            }
            Refusal::Held { since: at } => rejection(Reason::ForcedOpen).in_force_for(since(at)),
            Refusal::Full { waiting } => {
                #[expect(clippy::cast_precision_loss, reason = "a million")]
                let most = MAX_WAITERS as f64;
                let evidence = Evidence::new(Rule::Queued, waiting.into(), most, in_flight());
                rejection(Reason::QueueFull).because(evidence)
            }
        };
        self.reporter.count(Counted::Refused(rejection.reason()));
        self.reporter.refused(rejection)
    }
}

fn in_a_row(outage: &Outage) -> Evidence {
    let Outage { failures, limit, .. } = *outage;
    Evidence::new(Rule::ConsecutiveFailures, failures.into(), limit.into(), failures)
}

impl State {
    /// The circuit was in `state` until now.
    const fn pass(&mut self, state: CircuitState, now: u64) {
        let passed = now.saturating_sub(self.changed);
        self.changed = now;
        match state {
            CircuitState::Open => self.open_time += passed,
            CircuitState::ForcedOpen => self.held_time += passed,
            _ => {}
        }
    }

    fn entered(&mut self, answer: Answer) -> Answer {
        if let Answer::Waits(key) = answer {
            self.waiters.insert(key, Waiter::default());
        }
        answer
    }

    fn put_waker(&mut self, key: Key, waker: Waker) -> (Poll<Result<(), Refusal>>, Option<Waker>) {
        let Some(waiter) = self.waiters.get_mut(&key) else {
            return (Poll::Pending, Some(waker));
        };
        match waiter.verdict {
            None => (Poll::Pending, waiter.waker.replace(waker)),
            Some(verdict) => {
                self.waiters.remove(&key);
                (Poll::Ready(verdict), Some(waker))
            }
        }
    }

    fn settle(&mut self, now: u64, woken: &mut Vec<Waker>) {
        while let Some(Settled { key, verdict }) = self.machine.settle(now) {
            if let Some(waiter) = self.waiters.get_mut(&key) {
                waiter.verdict = Some(verdict);
                woken.extend(waiter.waker.take());
            }
        }
        let clock = self.machine.next_look(now).map(|(key, _)| key);
        if clock != self.clock {
            self.clock = clock;
            let waiter = clock.and_then(|key| self.waiters.get_mut(&key));
            woken.extend(waiter.and_then(|waiter| waiter.waker.take()));
        }
    }
}
