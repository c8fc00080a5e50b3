//! The decision: which call may send a request now, and which waits or is refused. No clock, no lock.
//!
//! Instants are nanoseconds since the policy was built; lengths that are estimated are seconds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use seawall_core::CircuitState;

pub(super) use ends::Batch;
use estimates::{Rate, Times, Usual};
pub(super) use queue::Key;
use queue::Queue;
pub(super) use refusal::{Outage, Refusal};
use streams::Streams;

use super::defaults::{
    CALLS_MEMORY, FIRST_LIMIT, HELD_AFTER, LAST_PAUSE, MAX_TOKENS, PAUSE, RATE_MEMORY,
};

#[cfg(all(test, not(seawall_loom)))]
mod conservation;
mod ends;
mod estimates;
mod known;
mod queue;
mod refusal;
mod streams;
#[cfg(all(test, not(seawall_loom)))]
mod tests;

#[expect(clippy::cast_precision_loss, reason = "an f64 holds 104 days to the nanosecond")]
pub(super) fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
pub(super) fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

/// What callers do while nothing is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhileDown {
    /// They wait, until their deadline at the longest: a call is answered if the dependency comes
    /// back in time, and a call that fails takes until its deadline.
    #[default]
    Wait,
    /// They are refused at once, except those that probe, as soon as nothing was answered for as long as a
    /// call may take; until then they wait. For callers that can do something else.
    Refuse,
}

/// A request of a call, as it was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) at: u64,
    /// When its caller stops waiting.
    pub(super) due: u64,
    /// It counts as in flight: it is not known to be lost.
    pub(super) counts: bool,
}

/// The answer to a call that wants to send a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Answer {
    Starts,
    Waits(Key),
    Refused(Refusal),
}

/// A waiter that waits no longer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Settled {
    pub(super) key: Key,
    pub(super) verdict: Result<(), Refusal>,
}

#[derive(Clone, Copy, Debug)]
struct Down {
    since: u64,
    /// The failures that were enough.
    limit: u32,
}

/// Failures without a success in between.
#[derive(Clone, Copy, Debug)]
struct Row {
    first: u64,
    /// Those that were sent after the first had failed, and the first.
    count: u32,
}

#[derive(Debug)]
pub(super) struct Machine {
    while_down: WhileDown,
    /// The shortest deadline of late; `u64::MAX` before the first call.
    deadline: u64,
    times: Option<Times>,
    successes: Rate,
    answers: Rate,
    calls: Rate,
    usual: Usual,
    last_answer: u64,
    last_success: u64,
    last_error: Option<u64>,
    last_start: u64,
    last_probe: u64,
    limit: f64,
    in_flight: u32,
    tokens: u32,
    row: Option<Row>,
    down: Option<Down>,
    /// An operator holds it open since then.
    held_since: Option<u64>,
    /// Answers to requests that were sent before say nothing about times.
    standstill_until: u64,
    /// Answers learned since then.
    learned: u32,
    /// When the latest of the requests was sent that were answered.
    latest_answered: u64,
    waiters: Queue,
    streams: Streams,
    /// Requests that were given up: until when they count, and when they were sent.
    lingering: BinaryHeap<Reverse<(u64, u64)>>,
    tidied: u64,
    /// When the waiters were settled for the last time.
    settled: u64,
    refused: u64,
}

impl Machine {
    pub(super) const fn set_while_down(&mut self, while_down: WhileDown) {
        self.while_down = while_down;
    }

    pub(super) fn new(while_down: WhileDown) -> Self {
        Self {
            while_down,
            deadline: u64::MAX,
            times: None,
            successes: Rate::over(RATE_MEMORY),
            answers: Rate::over(RATE_MEMORY),
            calls: Rate::over(CALLS_MEMORY),
            usual: Usual::default(),
            last_answer: 0,
            last_success: 0,
            last_error: None,
            last_start: 0,
            last_probe: 0,
            limit: FIRST_LIMIT,
            in_flight: 0,
            tokens: MAX_TOKENS,
            row: None,
            down: None,
            held_since: None,
            standstill_until: 0,
            learned: 0,
            latest_answered: 0,
            waiters: Queue::default(),
            streams: Streams::default(),
            lingering: BinaryHeap::new(),
            tidied: 0,
            settled: 0,
            refused: 0,
        }
    }

    /// A call comes that is due at `due`, and wants to send its first request.
    pub(super) fn arrive(&mut self, now: u64, due: u64) -> Answer {
        self.see_deadline(due.saturating_sub(now).max(1), 1);
        self.tidy(now);
        self.see_usual(now);
        self.calls.add(now, 1);
        self.want(now, due, false)
    }

    /// A call that is due at `due` wants to send a request: another one, if it `repeats`.
    pub(super) fn want(&mut self, now: u64, due: u64, repeats: bool) -> Answer {
        if let Some(refusal) = self.refuses(now, due, repeats) {
            self.refused += 1;
            return Answer::Refused(refusal);
        }
        let key = self.waiters.push(due, repeats);
        // What it would be granted as a waiter, it is granted now.
        if self.startable(now) == Some(key) {
            self.start(now, key);
            return Answer::Starts;
        }
        Answer::Waits(key)
    }

    /// The waiter `key` waits no longer.
    pub(super) fn leave(&mut self, key: Key) {
        self.waiters.remove(key);
    }

    /// Settles one of the waiters for which something changed; `None` once there is none.
    pub(super) fn settle(&mut self, now: u64) -> Option<Settled> {
        self.settled = now;
        let first = self.waiters.first()?;
        if now >= self.latest_start(first.due) {
            return Some(self.refuse(first, self.waited(now)));
        }
        if let Some(since) = self.held_since {
            return Some(self.refuse(first, Refusal::Held { since }));
        }
        if let Some(outage) = self.refuses_since(now) {
            return Some(self.refuse(first, Refusal::Down(outage)));
        }
        let key = self.startable(now)?;
        self.start(now, key);
        Some(Settled { key, verdict: Ok(()) })
    }

    fn refuse(&mut self, key: Key, refusal: Refusal) -> Settled {
        self.refused += 1;
        self.waiters.remove(key);
        Settled { key, verdict: Err(refusal) }
    }

    /// The waiter that may start now: with room the one with the nearest deadline that still can be
    /// met; into a silence the one that has the most time left.
    fn startable(&self, now: u64) -> Option<Key> {
        if self.has_room(now) {
            let due = now.saturating_add(nanos(self.needed()));
            let repeats_until = self.repeats_due_until(now);
            let in_time = self.waiters.next(due, repeats_until);
            // In health one with less time is worth a try: it takes nothing from others.
            return in_time.or_else(|| {
                let key = self.waiters.last().filter(|_| self.mean() <= self.target() / 2.0)?;
                (key.due <= repeats_until || !self.waiters.repeats(key)).then_some(key)
            });
        }
        if self.probes(now) { self.waiters.last() } else { None }
    }

    fn start(&mut self, now: u64, key: Key) {
        let repeats = self.waiters.remove(key);
        if self.has_room(now) {
            self.tokens = self.tokens.saturating_sub(u32::from(repeats));
        } else {
            self.last_probe = now;
        }
        self.in_flight += 1;
        self.last_start = now;
    }

    fn has_room(&self, now: u64) -> bool {
        if self.down.is_some() || !self.streams.has_room() {
            false
        } else if self.limit < 1.0 {
            // A pace: several clients share what is less than one request at a time for each.
            let pause = nanos(self.mean() / self.limit);
            self.in_flight == 0 && now >= self.last_start.saturating_add(pause)
        } else {
            f64::from(self.in_flight) + 1.0 <= self.limit
        }
    }

    /// Whether a request may go into a silence.
    fn probes(&self, now: u64) -> bool {
        let silent = self.down.is_some() || self.is_silent(now, self.last_answer, self.mean());
        silent && now >= self.last_probe.saturating_add(self.probe_interval())
    }

    /// Whether no success is to be waited for, as nothing is in flight.
    fn is_idle(&self, now: u64) -> bool {
        self.in_flight == 0 && now >= self.last_start.saturating_add(self.probe_interval())
    }

    /// The deadline up to which calls may repeat a request. After failures in a row they wait for a success
    /// until it is their last chance; without a token as well, and then they need nothing in flight.
    fn repeats_due_until(&self, now: u64) -> u64 {
        let paid = self.tokens > 0;
        let held = self.row.is_some_and(|row| row.count >= HELD_AFTER);
        match (paid, held) {
            (true, false) => u64::MAX,
            (false, _) if !self.is_idle(now) => 0,
            _ => now.saturating_add(self.last_chance()),
        }
    }

    /// When time alone may make a difference to the waiters, and the one of them that looks then, for
    /// all.
    pub(super) fn next_look(&self, now: u64) -> Option<(Key, u64)> {
        const SHORTEST: u64 = 100_000;
        let key = self.waiters.first()?;
        let interval = self.probe_interval();
        let (mut probe, mut idle, mut pace) =
            (self.last_probe.saturating_add(interval), None, None);
        if self.down.is_none() {
            probe = probe.max(self.last_answer.saturating_add(nanos(self.silence(self.mean()))));
            if self.in_flight == 0 {
                idle = Some(self.last_start.saturating_add(interval));
                let pause = nanos(self.mean() / self.limit);
                pace = (self.limit < 1.0).then(|| self.last_start.saturating_add(pause));
            }
        }
        let lingers = self.lingering.peek().map(|Reverse((until, _))| *until);
        let chance =
            self.waiters.first_repeat().map(|it| it.due.saturating_sub(self.last_chance()));
        let looks = [Some(probe), idle, pace, lingers, chance, self.refuses_from()];
        // What was over when the waiters were settled made its difference then.
        let at = looks.into_iter().flatten().filter(|at| *at > self.settled).min();
        let at = at.unwrap_or(u64::MAX);
        Some((key, at.max(now.saturating_add(SHORTEST))))
    }

    /// The nanoseconds to wait after the last of `failures` of a call that came at `came` and is due at
    /// `due`; `chance` is between 0 and 1.
    pub(super) fn pause(&self, now: u64, came: u64, due: u64, failures: u32, chance: f64) -> u64 {
        let times = f64::from(2 * failures.clamp(1, 1_000) - 1) * (0.5 + chance);
        let pause = PAUSE * seconds(self.deadline) * times;
        if failures < 2 || self.last_success >= came {
            return nanos(pause);
        }
        let left = seconds(due.saturating_sub(now)) - self.needed();
        nanos(pause.max(left * (LAST_PAUSE[0] + LAST_PAUSE[1] * chance)))
    }

    /// How many requests may be in flight where calls start without a look at this machine, as nothing
    /// is wrong: 0 where something is.
    pub(super) fn free_limit(&self) -> u32 {
        let calm = self.circuit() == CircuitState::Closed
            && self.waiters.is_empty()
            && self.times.is_some()
            && !self.streams.is_limited();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let limit = self.limit as u32;
        if calm { limit } else { 0 }
    }
}
