//! When calls are made, by which client, and for how long their callers wait.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::chance::{Chance, Stream};
use crate::scenario::{Load, Scenario, Traffic};
use crate::time::{Nanos, nanos, seconds};

/// A call that is to be made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arrival {
    pub(crate) number: u64,
    pub(crate) at: Nanos,
    pub(crate) deadline: Nanos,
    pub(crate) client: u32,
    /// Where users wait for answers, which one.
    pub(crate) user: Option<u32>,
    /// Calls per second at this time; 0 where users wait for answers.
    pub(crate) rate: f64,
}

/// The calls of a run, in order.
#[derive(Debug)]
pub(crate) struct Arrivals {
    load: Load,
    chance: Chance,
    end: Nanos,
    peak: f64,
    number: u64,
    /// Candidates that were drawn.
    drawn: u64,
    next: Option<Nanos>,
    /// Users that think, and until when.
    thinking: BinaryHeap<Reverse<(Nanos, u32)>>,
}

impl Arrivals {
    pub(crate) fn new(scenario: &Scenario, chance: Chance) -> Self {
        let load = scenario.load.clone();
        let peak = load.peak();
        let mut arrivals = Self {
            load,
            chance,
            end: scenario.end(),
            peak,
            number: 0,
            drawn: 0,
            next: None,
            thinking: BinaryHeap::new(),
        };
        if let Traffic::Closed { users, .. } = arrivals.load.traffic {
            for user in 0..users {
                arrivals.think(user, 0);
            }
        }
        arrivals.next = arrivals.draw(0);
        arrivals
    }

    /// When the next call is made; `None` after the last.
    pub(crate) fn next(&self) -> Option<Nanos> {
        let thinking = self.thinking.peek().map(|next| next.0.0);
        self.next.or(thinking).filter(|at| *at < self.end)
    }

    /// The next call.
    pub(crate) fn take(&mut self) -> Option<Arrival> {
        let at = self.next()?;
        let user = self.thinking.pop().map(|Reverse((_, user))| user);
        if user.is_none() {
            self.next = self.draw(at);
        }
        let number = self.number;
        self.number += 1;
        let clients = self.load.clients;
        let client = user.map_or_else(
            || self.chance.below(Stream::Client, number, clients.into()),
            |user| u64::from(user % clients),
        );
        let client = u32::try_from(client).unwrap_or(0);
        let short = self.load.short;
        let hurried =
            short.filter(|short| self.chance.happens(Stream::Deadline, number, short.share));
        let deadline = hurried.map_or(self.load.deadline, |short| short.deadline);
        let rate = self.load.rate(at);
        Some(Arrival { number, at, deadline: at + deadline, client, user, rate })
    }

    /// The call of a user is over: the user thinks, and then calls again.
    pub(crate) fn think(&mut self, user: u32, now: Nanos) {
        if let Traffic::Closed { think, .. } = &self.load.traffic {
            self.drawn += 1;
            // Drawn like a service time, from numbers of its own.
            let time = think.draw(self.chance, self.drawn.wrapping_mul(1 << 32) | u64::from(user));
            self.thinking.push(Reverse((now + time, user)));
        }
    }

    /// The first call of an open loop after `at`.
    fn draw(&mut self, at: Nanos) -> Option<Nanos> {
        let Traffic::Open { even, .. } = self.load.traffic else { return None };
        if even {
            let rate = self.load.rate(at);
            return Some(at + nanos(1.0 / rate.max(1e-9)));
        }
        // A Poisson process of the highest rate, of which a share is taken.
        let mut at = seconds(at);
        loop {
            self.drawn += 1;
            at += self.chance.exponential(Stream::Arrival, self.drawn) / self.peak;
            let time = nanos(at);
            if time >= self.end {
                return None;
            }
            let share = self.load.rate(time) / self.peak;
            if share >= 1.0 || self.chance.happens(Stream::Thinning, self.drawn, share) {
                return Some(time);
            }
        }
    }
}
