//! The server: ten slots, a service time of 10 ms on average, exponentially distributed, a queue of
//! a thousand, first come first served. It does not know of callers that gave up.
//!
//! It is computed, not run: when a request comes in, it is known when it will be answered. So a busy
//! machine can't change the capacity.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use seawall_core::Random;
use tokio::time::{Instant, sleep_until};

use crate::trigger::{Kind, Trigger};

const SLOTS: usize = 10;
const SLOTS_LEFT: usize = 4;
const SERVICE: f64 = 0.01;
const QUEUE: usize = 1_000;
/// The time until a refusal arrives.
const REFUSAL: f64 = 0.0005;
const FLAP: f64 = 0.5;

/// The request failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the request failed")
    }
}

impl std::error::Error for Failed {}

pub(crate) struct Server {
    kind: Kind,
    origin: Instant,
    from: f64,
    until: f64,
    state: Mutex<State>,
    random: Random,
    requests: AtomicU64,
}

struct State {
    free_at: [f64; SLOTS],
    // When those that wait will start, soonest first.
    starts: VecDeque<f64>,
}

struct Answer {
    at: f64,
    good: bool,
}

impl Server {
    /// A server to which `trigger` happens `after` its making.
    pub(crate) fn new(trigger: Trigger, after: Duration, seed: u64) -> Self {
        let from = after.as_secs_f64();
        Self {
            kind: trigger.kind,
            origin: Instant::now(),
            from,
            until: from + trigger.length.as_secs_f64(),
            state: Mutex::new(State { free_at: [0.0; SLOTS], starts: VecDeque::new() }),
            random: Random::seeded(seed),
            requests: AtomicU64::new(0),
        }
    }

    pub(crate) fn origin(&self) -> Instant {
        self.origin
    }

    /// How many requests were made of it.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Sends it a request.
    pub(crate) async fn call(&self) -> Result<(), Failed> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let now = self.origin.elapsed().as_secs_f64();
        let Some(answer) = self.answer(now) else { return std::future::pending().await };
        sleep_until(self.origin + Duration::from_secs_f64(answer.at)).await;
        if answer.good { Ok(()) } else { Err(Failed) }
    }

    fn within(&self, at: f64) -> bool {
        (self.from..self.until).contains(&at)
    }

    /// When it goes down next, from `at` on; the moment itself if it is down.
    fn next_down(&self, at: f64) -> f64 {
        match self.kind {
            Kind::Down if at < self.until => at.max(self.from),
            Kind::Flapping if at < self.until => {
                if at < self.from {
                    return self.from;
                }
                let turn = ((at - self.from) / FLAP).floor();
                let down = turn % 2.0 == 0.0;
                let next = self.from + (turn + 1.0) * FLAP;
                if down {
                    at
                } else if next < self.until {
                    next
                } else {
                    f64::INFINITY
                }
            }
            _ => f64::INFINITY,
        }
    }

    fn answer(&self, now: f64) -> Option<Answer> {
        let refusal = Some(Answer { at: now + REFUSAL, good: false });
        if self.next_down(now) <= now {
            return refusal;
        }
        if self.kind == Kind::BlackHole && self.within(now) {
            return None;
        }
        let end = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            while state.starts.front().is_some_and(|start| *start <= now) {
                state.starts.pop_front();
            }
            if state.starts.len() >= QUEUE {
                return refusal;
            }
            self.serve(&mut state, now)
        };
        // Requests that it works on when it goes down are lost.
        let down = self.next_down(now);
        if down < end {
            return Some(Answer { at: down, good: false });
        }
        if self.kind == Kind::BlackHole && self.within(end) {
            return None;
        }
        let fails = self.kind == Kind::Errors && self.within(end) && self.random.unit() < 0.3;
        Some(Answer { at: end, good: !fails })
    }

    fn serve(&self, state: &mut State, now: f64) -> f64 {
        let (slot, start) = (0..SLOTS)
            .map(|slot| (slot, self.start(slot, state.free_at[slot].max(now))))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((0, now));
        let mut service = -(1.0 - self.random.unit()).ln() * SERVICE;
        if self.kind == Kind::Slow && self.within(start) {
            service *= 5.0;
        }
        let mut end = start + service;
        if self.kind == Kind::Freeze && start < self.from && end > self.from {
            end += self.until - self.from;
        }
        state.free_at[slot] = end;
        if start > now {
            let place = state.starts.partition_point(|other| *other <= start);
            state.starts.insert(place, start);
        }
        end
    }

    /// When a slot that is free at `at` takes the next request.
    fn start(&self, slot: usize, at: f64) -> f64 {
        let stands = match self.kind {
            Kind::Freeze => true,
            Kind::FewerSlots => slot >= SLOTS_LEFT,
            _ => false,
        };
        if stands && self.within(at) { self.until } else { at }
    }
}
