//! The client that knows everything there is to know at this instant: the bound that others are
//! measured by.
//!
//! It knows the servers' slots, queues and faults at every instant, but not how long a single request
//! will take nor which one will fail, and nothing of the future. All clients of a scenario are one to
//! it. Calls wait with it, without a limit, and it sends one exactly when a slot is free that would
//! begin with it at once:
//!
//! - the one with the nearest deadline among those that have the 99th percentile of the service time
//!   left, as it is now;
//! - if none has, the one that has the most time left, if that is at least the median.
//!
//! A request that failed or vanished is repeated in the same way, within three requests a call.
//!
//! This file is frozen: no default is tuned against a bound that moves.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use crate::arrivals::{Arrival, Arrivals};
use crate::chance::Chance;
use crate::record::{Outcome, Record};
use crate::run::{MOST_EVENTS, Played};
use crate::scenario::{Scenario, Service};
use crate::time::{Nanos, nanos, seconds};
use crate::world::{RequestId, World};

const MOST_REQUESTS: u32 = 3;

struct Omniscient {
    world: World,
    arrivals: Arrivals,
    record: Record,
    service: Service,
    /// Calls that are not over, by their index; free ones are `None`.
    calls: Vec<Option<Call>>,
    free: Vec<u32>,
    /// Deadline and index of those that wait.
    waiting: BTreeSet<(Nanos, u32)>,
    /// Deadline, index and number of all.
    due: BinaryHeap<Reverse<(Nanos, u32, u64)>>,
    /// Calls by the index of their request.
    by_request: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Call {
    arrival: Arrival,
    requests: u32,
    request: Option<RequestId>,
}

pub(crate) fn play(scenario: &Scenario, chance: Chance) -> Played {
    let mut client = Omniscient {
        world: World::new(scenario, chance),
        arrivals: Arrivals::new(scenario, chance),
        record: Record::new(scenario),
        service: scenario.servers.service.clone(),
        calls: Vec::new(),
        free: Vec::new(),
        waiting: BTreeSet::new(),
        due: BinaryHeap::new(),
        by_request: Vec::new(),
    };
    let mut started = 0;
    let mut stopped = None;
    while let Some(now) = client.next() {
        client.world.happen(now);
        client.hear();
        client.expire(now);
        while client.arrivals.next() == Some(now) {
            let Some(arrival) = client.arrivals.take() else { break };
            started += 1;
            client.arrive(arrival);
        }
        client.send(now);
        if client.world.tally.events + started > MOST_EVENTS {
            stopped = Some(format!("stopped after {MOST_EVENTS} events"));
            break;
        }
    }
    let tally = client.world.tally;
    Played {
        figures: client.record.figures(&tally, 0.0),
        slice: client.record.slice,
        slices: client.record.slices,
        bands: Vec::new(),
        states: Vec::new(),
        calls: started,
        events: tally.events + started,
        stopped,
    }
}

impl Omniscient {
    /// When something happens next; `None` once no call is left or to come.
    fn next(&self) -> Option<Nanos> {
        let due = self.due.peek().map(|due| due.0.0);
        let call = self.arrivals.next();
        let soonest = [due, call, self.world.next()].into_iter().flatten().min();
        soonest.filter(|_| due.is_some() || call.is_some())
    }

    fn arrive(&mut self, arrival: Arrival) {
        let call = Some(Call { arrival, requests: 0, request: None });
        let index = self.free.pop().unwrap_or_else(|| {
            self.calls.push(None);
            u32::try_from(self.calls.len() - 1).expect("fewer calls at a time than 2^32")
        });
        self.calls[index as usize] = call;
        self.waiting.insert((arrival.deadline, index));
        self.due.push(Reverse((arrival.deadline, index, arrival.number)));
    }

    /// Takes the answers that came.
    fn hear(&mut self) {
        while let Some(id) = self.world.answered().pop() {
            let index = self.by_request[id.index()];
            let Some(answer) = self.world.take(id) else { continue };
            if answer.is_done() {
                self.over(index, Outcome::Answered);
            } else {
                self.again(index);
            }
        }
    }

    /// A request was lost: the call waits again, if it may.
    fn again(&mut self, index: u32) {
        let Some(call) = &mut self.calls[index as usize] else { return };
        call.request = None;
        if call.requests < MOST_REQUESTS {
            self.waiting.insert((call.arrival.deadline, index));
        }
    }

    /// Gives up calls whose time is over.
    fn expire(&mut self, now: Nanos) {
        while let Some(Reverse((deadline, index, number))) = self.due.peek().copied()
            && deadline <= now
        {
            self.due.pop();
            let Some(call) = self.calls[index as usize] else { continue };
            if call.arrival.number != number {
                continue;
            }
            self.waiting.remove(&(deadline, index));
            if let Some(request) = call.request {
                self.world.leave(request);
            }
            self.over(index, Outcome::Failed);
        }
    }

    fn over(&mut self, index: u32, outcome: Outcome) {
        let Some(Call { arrival, requests, .. }) = self.calls[index as usize].take() else {
            return;
        };
        self.free.push(index);
        let now = self.world.now();
        self.record.add(arrival.ended(now, outcome, requests));
        if let Some(user) = arrival.user {
            self.arrivals.think(user, now);
        }
    }

    /// Sends what slots are free for.
    fn send(&mut self, now: Nanos) {
        while let Some((backend, factor)) = self.world.idle() {
            let needs = |p| now + nanos(seconds(self.service.quantile(p)) * factor);
            let safe = self.waiting.range((needs(0.99), 0)..).next();
            let Some(&(deadline, index)) = safe.or(self.waiting.last()) else { return };
            if deadline < needs(0.5) {
                return;
            }
            self.waiting.remove(&(deadline, index));
            let id = self.world.send_to(backend);
            if self.by_request.len() <= id.index() {
                self.by_request.resize(id.index() + 1, 0);
            }
            self.by_request[id.index()] = index;
            if let Some(call) = &mut self.calls[index as usize] {
                call.requests += 1;
                call.request = Some(id);
            }
            if self.world.has_vanished(id) {
                self.world.leave(id);
                self.again(index);
            }
        }
    }
}
