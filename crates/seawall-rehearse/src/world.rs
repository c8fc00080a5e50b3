//! The servers as one pure machine: requests go in, time passes, answers come out.
//!
//! It reads no clock, waits for nothing and draws nothing that does not follow from the seed. What
//! happens at one instant happens in the order in which it was brought about.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::chance::{Chance, Stream};
use crate::scenario::{Scenario, Servers};
use crate::time::Nanos;

pub use request::Answer;
use request::{Place, Request};
pub(crate) use request::{RequestId, Tally};
pub(crate) use trouble::Trouble;

#[cfg(test)]
mod queueing_theory;
mod request;
mod slots;
mod trouble;

#[derive(Debug)]
pub(crate) struct World {
    servers: Servers,
    chance: Chance,
    backends: Vec<Backend>,
    requests: Vec<Request>,
    free: Vec<u32>,
    events: BinaryHeap<Reverse<(Nanos, u64, Event)>>,
    order: u64,
    now: Nanos,
    turn: usize,
    inside: u64,
    answered: Vec<RequestId>,
    pub(crate) tally: Tally,
}

#[derive(Debug)]
struct Backend {
    trouble: Trouble,
    /// Requests and their serial numbers; some have left since.
    queue: VecDeque<(u32, u64)>,
    /// Those of the queue that have not left.
    waiting: u32,
    busy: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Finished { request: u32, serial: u64 },
    Arrived { request: u32, serial: u64 },
    Changed { backend: u32 },
}

impl World {
    pub(crate) fn new(scenario: &Scenario, chance: Chance) -> Self {
        let servers = scenario.servers.clone();
        let trouble = |n| Trouble::new(&scenario.faults, n, servers.backends, scenario.end());
        let backend =
            |n| Backend { trouble: trouble(n), queue: VecDeque::new(), waiting: 0, busy: 0 };
        let mut world = Self {
            backends: (0..servers.backends).map(backend).collect(),
            servers,
            chance,
            requests: Vec::new(),
            free: Vec::new(),
            events: BinaryHeap::new(),
            order: 0,
            now: 0,
            turn: 0,
            inside: 0,
            answered: Vec::new(),
            tally: Tally::default(),
        };
        for backend in 0..world.servers.backends {
            let times: Vec<_> = world.backends[backend as usize].trouble.boundaries().collect();
            for time in times {
                world.plan(time, Event::Changed { backend });
            }
        }
        world
    }

    /// When something happens next.
    pub(crate) fn next(&self) -> Option<Nanos> {
        self.events.peek().map(|event| event.0.0)
    }

    pub(crate) fn now(&self) -> Nanos {
        self.now
    }

    /// Lets time pass until `now`, which no event may be before: see [`next`](Self::next).
    pub(crate) fn pass(&mut self, now: Nanos) {
        debug_assert!(self.next().is_none_or(|next| next >= now) && now >= self.now);
        self.tally.inside += u128::from(now - self.now) * u128::from(self.inside);
        self.now = now;
    }

    /// Lets happen what is due at `now` or before, each thing at its time.
    pub(crate) fn happen(&mut self, now: Nanos) {
        while let Some(Reverse((at, _, event))) = self.events.peek().copied()
            && at <= now
        {
            self.pass(at);
            self.events.pop();
            self.tally.events += 1;
            match event {
                Event::Changed { backend } => self.changed(backend),
                Event::Arrived { request, serial } => {
                    if self.requests[request as usize].serial == serial {
                        self.arrive(request);
                    }
                }
                Event::Finished { request, serial } => {
                    if self.requests[request as usize].serial == serial {
                        self.finished(request);
                    }
                }
            }
        }
        self.pass(now);
    }

    /// Sends a request to one of the servers.
    pub(crate) fn send(&mut self) -> RequestId {
        let backend = if self.backends.len() == 1 {
            0
        } else if self.servers.at_random {
            let bound = self.backends.len() as u64;
            let drawn = self.chance.below(Stream::Backend, self.tally.requests, bound);
            usize::try_from(drawn).unwrap_or(0)
        } else {
            self.turn = (self.turn + 1) % self.backends.len();
            self.turn
        };
        self.send_to(backend)
    }

    /// Sends a request to server `index`.
    pub(crate) fn send_to(&mut self, index: usize) -> RequestId {
        let number = self.tally.requests;
        self.tally.requests += 1;
        let request = self.enter(number, index);
        let backend = &self.backends[index];
        let effect = backend.trouble.at(self.now);
        let chance = self.chance;
        let slots = effect.slots.map_or(self.servers.slots, |left| left.min(self.servers.slots));
        let starts = !effect.frozen && backend.busy < slots;
        if effect.down || effect.refuses {
            self.refuse(request, Answer::Refused);
        } else if effect.black_hole || chance.happens(Stream::Vanish, number, effect.vanish) {
            self.requests[request as usize].place = Place::Nowhere;
        } else if chance.happens(Stream::FailureAtOnce, number, effect.errors_at_once) {
            self.refuse(request, Answer::Failed);
        } else if starts {
            self.come_in();
            self.begin(request);
        } else if backend.waiting >= self.servers.queue {
            self.refuse(request, Answer::Overloaded);
        } else {
            self.come_in();
            let backend = &mut self.backends[index];
            backend.queue.push_back((request, number));
            backend.waiting += 1;
        }
        RequestId(request)
    }

    /// The answer, once there is one; the request is over then.
    pub(crate) fn take(&mut self, id: RequestId) -> Option<Answer> {
        let request = &mut self.requests[id.index()];
        let answer = request.answer.filter(|_| request.place == Place::Nowhere)?;
        self.free.push(id.0);
        Some(answer)
    }

    /// Stops waiting for an answer.
    pub(crate) fn leave(&mut self, id: RequestId) {
        let request = &mut self.requests[id.index()];
        request.left = self.now;
        let Request { place, backend, begun, .. } = *request;
        let backend = backend as usize;
        match place {
            Place::Nowhere => self.free.push(id.0),
            Place::Queue if self.servers.aware => self.backends[backend].waiting -= 1,
            Place::Slot if self.servers.aware => {
                self.backends[backend].busy -= 1;
                self.tally.worked += self.now - begun;
            }
            Place::Queue | Place::Slot | Place::Way => return,
        }
        if place != Place::Nowhere {
            self.go_out(id.0);
            let request = &mut self.requests[id.index()];
            request.place = Place::Nowhere;
            request.serial = u64::MAX;
            self.free.push(id.0);
            self.fill(backend);
        }
    }

    /// Whether a request will never be answered.
    pub(crate) fn has_vanished(&self, id: RequestId) -> bool {
        let request = &self.requests[id.index()];
        request.place == Place::Nowhere && request.answer.is_none()
    }

    /// The requests that were answered since the last time this was asked.
    pub(crate) fn answered(&mut self) -> &mut Vec<RequestId> {
        &mut self.answered
    }

    /// A server that would begin a request at once, the fastest of these, and how many times as
    /// long as usual it takes for one.
    pub(crate) fn idle(&self) -> Option<(usize, f64)> {
        let idle = self.backends.iter().enumerate().filter_map(|(index, backend)| {
            let effect = backend.trouble.at(self.now);
            let slots = effect.slots.map_or(self.servers.slots, |n| n.min(self.servers.slots));
            let begins = effect.lets_in() && !effect.frozen && backend.busy < slots;
            let errors = 1.0 - (1.0 - effect.errors) * (1.0 - effect.errors_at_once);
            let errors = errors.max(effect.vanish);
            (begins && backend.waiting == 0 && errors < 1.0)
                .then(|| (index, effect.factor(self.now), errors))
        });
        let best = idle.min_by(|a, b| a.2.total_cmp(&b.2).then(a.1.total_cmp(&b.1)));
        best.map(|(index, factor, _)| (index, factor))
    }

    fn plan(&mut self, at: Nanos, event: Event) {
        self.order += 1;
        self.events.push(Reverse((at, self.order, event)));
    }

    fn enter(&mut self, serial: u64, backend: usize) -> u32 {
        let request = Request {
            serial,
            place: Place::Queue,
            backend: u32::try_from(backend).unwrap_or(u32::MAX),
            left: Nanos::MAX,
            entered: self.now,
            begun: self.now,
            answer: None,
        };
        if let Some(index) = self.free.pop() {
            self.requests[index as usize] = request;
            return index;
        }
        self.requests.push(request);
        u32::try_from(self.requests.len() - 1).expect("fewer requests at a time than 2^32")
    }

    fn refuse(&mut self, index: u32, answer: Answer) {
        let request = &mut self.requests[index as usize];
        request.place = Place::Way;
        request.answer = Some(answer);
        let serial = request.serial;
        self.plan(self.now + self.servers.refusal, Event::Arrived { request: index, serial });
    }

    /// The answer is there.
    fn arrive(&mut self, index: u32) {
        let request = &mut self.requests[index as usize];
        request.place = Place::Nowhere;
        if request.is_awaited() {
            self.answered.push(RequestId(index));
        } else {
            self.free.push(index);
        }
    }

    fn come_in(&mut self) {
        self.inside += 1;
    }

    fn go_out(&mut self, index: u32) {
        self.inside -= 1;
        self.tally.stayed += u128::from(self.now - self.requests[index as usize].entered);
    }
}
