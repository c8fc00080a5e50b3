//! One run: a stack, a scenario, a seed.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::arrivals::{Arrival, Arrivals};
use crate::chance::{Chance, Stream};
use crate::figures::Figures;
use crate::record::{Ended, Outcome, Record, Slice};
use crate::scenario::Scenario;
use crate::stack::{Client, Stack, States};
use crate::time::{MILLISECOND, Nanos, SECOND, duration};
use crate::world::World;
use calls::{Calls, Ready};
use request::Shared;

pub use calls::Calling;
pub use request::{Request, Sending};

mod calls;
mod request;

/// A run ends after this many events, whatever the scenario says: more would outlast a test.
pub(crate) const MOST_EVENTS: u64 = if cfg!(test) { 20_000 } else { 100_000_000 };

/// Which clock a run goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// Tokio's paused clock, which jumps from event to event.
    #[default]
    Virtual,
    /// The real one, for policies that read the standard library's.
    Real,
}

/// What came out of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Played {
    pub(crate) figures: Figures,
    pub(crate) slice: Nanos,
    pub(crate) slices: Vec<Slice>,
    /// Changes of the first client's circuit.
    pub(crate) bands: Vec<(Nanos, &'static str)>,
    /// Seconds in each state, of all clients together.
    pub(crate) states: Vec<(&'static str, f64)>,
    pub(crate) calls: u64,
    pub(crate) events: u64,
    /// Why it ended early.
    pub(crate) stopped: Option<String>,
}

/// Plays a scenario against a stack.
pub(crate) fn play(
    scenario: &Scenario,
    stack: &Stack,
    seed: u64,
    clock: Clock,
) -> Result<Played, String> {
    let chance = Chance::new(seed);
    let Some(make) = stack.make() else {
        return Ok(crate::stack::omniscient::play(scenario, chance));
    };
    runtime(clock)?.block_on(async {
        let origin = Instant::now();
        let states = States::new(origin);
        let client = |n| {
            let random = seawall::Random::seeded(chance.bits(Stream::Policy, n));
            make(random, scenario).inspect(|client| states.watch(client.as_ref(), n))
        };
        let clients: Result<Vec<_>, _> =
            (0..u64::from(scenario.load.clients)).map(client).collect();
        let clients = clients.map_err(|error| format!("stack {:?}: {error}", stack.name()))?;
        Ok(Run::new(scenario, chance, clients, origin, clock).play(states).await)
    })
}

fn runtime(clock: Clock) -> Result<Runtime, String> {
    let mut builder = Builder::new_current_thread();
    builder.enable_time();
    builder.start_paused(clock == Clock::Virtual);
    builder.build().map_err(|error| format!("no runtime: {error}"))
}

struct Run {
    shared: Arc<Shared>,
    ready: Arc<Ready>,
    calls: Calls,
    arrivals: Arrivals,
    /// Of calls under way, by their index.
    under_way: Vec<Option<Arrival>>,
    clients: Vec<Box<dyn Client>>,
    record: Record,
    clock: Clock,
    started: u64,
    /// Calls that have not ended by then are given up.
    end: Nanos,
}

impl Run {
    fn new(
        scenario: &Scenario,
        chance: Chance,
        clients: Vec<Box<dyn Client>>,
        origin: Instant,
        clock: Clock,
    ) -> Self {
        let ready = Arc::new(Ready::default());
        let world = World::new(scenario, chance);
        let last = scenario.end().saturating_add(scenario.load.longest_deadline());
        Self {
            shared: Shared::new(world, origin, Arc::clone(&ready)),
            ready,
            calls: Calls::default(),
            arrivals: Arrivals::new(scenario, chance),
            under_way: Vec::new(),
            clients,
            record: Record::new(scenario),
            clock,
            started: 0,
            end: last.saturating_add(SECOND),
        }
    }

    async fn play(mut self, states: Arc<States>) -> Played {
        let mut sleep = pin!(sleep_until(self.shared.origin));
        let stopped = loop {
            self.poll_ready();
            let now = self.shared.elapsed();
            let next = self.next();
            if self.calls.under_way() == 0 && self.arrivals.next().is_none() {
                break None;
            }
            if now >= self.end {
                break None;
            }
            if self.shared.desk().world.tally.events + self.started > MOST_EVENTS {
                break Some(format!("stopped after {MOST_EVENTS} events"));
            }
            match next {
                Some(next) if next <= now => self.happen(next),
                next => {
                    let until = next.unwrap_or(self.end).min(self.end);
                    self.wait(now, until, sleep.as_mut()).await;
                }
            }
        };
        let now = self.shared.elapsed();
        for index in self.calls.give_up() {
            self.over(index, false, now);
        }
        // What the servers still work on counts, so that runs of all stacks measure the same time.
        let tally = self.shared.desk().world.tally;
        let (bands, states, open) = states.finish(now, self.clients.len());
        Played {
            figures: self.record.figures(&tally, open),
            slice: self.record.slice,
            slices: self.record.slices,
            bands,
            states,
            calls: self.started,
            events: tally.events + self.started,
            stopped,
        }
    }

    /// When something happens next: an event of the servers, or a call.
    fn next(&self) -> Option<Nanos> {
        let world = self.shared.desk().world.next();
        match (world, self.arrivals.next()) {
            (Some(world), Some(call)) => Some(world.min(call)),
            (world, call) => world.or(call),
        }
    }

    /// Lets happen what is due at `at`.
    fn happen(&mut self, at: Nanos) {
        let mut desk = self.shared.desk();
        self.ready.set_polling(true);
        let at_or_after = at.max(desk.world.now());
        desk.world.happen(at_or_after);
        desk.wake();
        self.ready.set_polling(false);
        drop(desk);
        if self.arrivals.next().is_some_and(|call| call <= at)
            && let Some(arrival) = self.arrivals.take()
        {
            self.start(arrival);
        }
    }

    fn start(&mut self, arrival: Arrival) {
        self.started += 1;
        let index = self.calls.reserve(&self.ready);
        let deadline = self.shared.origin + duration(arrival.deadline);
        let request = self.shared.request(index, deadline);
        let call = self.clients[arrival.client as usize].call(request);
        if self.under_way.len() <= index as usize {
            self.under_way.resize(index as usize + 1, None);
        }
        self.under_way[index as usize] = Some(arrival);
        self.calls.start(index, call);
    }

    /// Polls what is ready until nothing is.
    fn poll_ready(&mut self) {
        while let Some(index) = self.ready.pop() {
            let now = self.shared.elapsed();
            {
                let mut desk = self.shared.desk();
                if desk.world.next().is_none_or(|next| next >= now) && now > desk.world.now() {
                    desk.world.pass(now);
                }
            }
            self.ready.set_polling(true);
            let over = self.calls.poll(index);
            self.ready.set_polling(false);
            if let Some(good) = over {
                self.over(index, good, now);
            }
        }
    }

    fn over(&mut self, index: u32, good: bool, now: Nanos) {
        let Some(arrival) = self.under_way[index as usize].take() else { return };
        let (requests, outcome) = self.shared.desk().outcome(index, good);
        self.record.add(arrival.ended(now, outcome, requests));
        if let Some(user) = arrival.user {
            self.arrivals.think(user, now);
        }
    }

    /// Waits until `until`, a tick of tokio's timers, or until a call is woken, whichever is first.
    async fn wait(&self, now: Nanos, until: Nanos, mut sleep: std::pin::Pin<&mut Sleep>) {
        // Tokio's timers are over at whole milliseconds only.
        let tick = until / MILLISECOND * MILLISECOND;
        let step = match self.clock {
            Clock::Real => None,
            Clock::Virtual if !now.is_multiple_of(MILLISECOND) => {
                Some(until.min(now.next_multiple_of(MILLISECOND)) - now)
            }
            Clock::Virtual => (tick <= now).then(|| until - now),
        };
        if let Some(step) = step {
            tokio::time::advance(Duration::from_nanos(step)).await;
            return;
        }
        let until = if self.clock == Clock::Real { until } else { tick };
        sleep.as_mut().reset(self.shared.origin + duration(until));
        std::future::poll_fn(|cx| {
            if self.ready.poll_any(cx.waker()) {
                return Poll::Ready(());
            }
            sleep.as_mut().poll(cx)
        })
        .await;
    }
}

impl Arrival {
    pub(crate) fn ended(&self, now: Nanos, outcome: Outcome, requests: u32) -> Ended {
        let Self { at, deadline, rate, .. } = *self;
        Ended { at, deadline, until: now, outcome, requests, rate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_without_an_end_in_sight_stops_with_a_message() {
        let text = "for = '20h'\n[load]\nclosed = { users = 20, think = '10ms' }\ndeadline = '500ms'\n\
                    [server]\nslots = 10\nservice = '10ms'\n";
        let scenario = Scenario::parse(text).expect("a valid scenario");
        for stack in [Stack::none(), Stack::omniscient()] {
            let played = play(&scenario, &stack, 1, Clock::Virtual).expect("playable");
            assert_eq!(played.stopped.as_deref(), Some("stopped after 20000 events"));
            assert!(played.events < 21_000 && played.calls > 5_000, "{played:?}");
        }
    }
}
