//! What the servers do with the requests that are inside.

use super::{Answer, Event, Place, Request, Stream, World};

impl World {
    /// A slot takes up a request.
    pub(super) fn begin(&mut self, index: u32) {
        let now = self.now;
        let request = &mut self.requests[index as usize];
        request.place = Place::Slot;
        request.begun = now;
        let Request { serial, backend, entered, .. } = *request;
        self.tally.begun += 1;
        self.tally.waited += u128::from(now - entered);
        let backend = &mut self.backends[backend as usize];
        backend.busy += 1;
        let inside = backend.busy.saturating_add(backend.waiting);
        let crowded = self.servers.crowding.map_or(1.0, |crowding| crowding.factor(inside));
        let factor = backend.trouble.at(now).factor(now) * crowded;
        let mut work = self.servers.service.draw(self.chance, serial);
        if factor > 1.0 {
            work = crate::time::nanos(crate::time::seconds(work) * factor);
        }
        let end = backend.trouble.done(now, work);
        self.plan(end, Event::Finished { request: index, serial });
    }

    pub(super) fn finished(&mut self, index: u32) {
        let Request { serial, backend, begun, left, .. } = self.requests[index as usize];
        let server = &mut self.backends[backend as usize];
        server.busy -= 1;
        let effect = server.trouble.at(self.now);
        let fails = self.chance.happens(Stream::Failure, serial, effect.errors);
        let swallowed = effect.black_hole;
        self.tally.worked += self.now - begun;
        self.tally.wasted += self.now - begun.max(left).min(self.now);
        self.go_out(index);
        let request = &mut self.requests[index as usize];
        if swallowed {
            request.place = Place::Nowhere;
            if !request.is_awaited() {
                self.free.push(index);
            }
        } else {
            request.answer = Some(if fails { Answer::Failed } else { Answer::Done });
            self.tally.done += u64::from(!fails);
            self.arrive(index);
        }
        self.fill(backend as usize);
    }

    /// A server's trouble changes: it may have gone down, or have slots again.
    pub(super) fn changed(&mut self, backend: u32) {
        let server = &mut self.backends[backend as usize];
        if !server.trouble.at(self.now).down {
            self.fill(backend as usize);
            return;
        }
        server.queue.clear();
        (server.waiting, server.busy) = (0, 0);
        let inside = |request: &Request| matches!(request.place, Place::Queue | Place::Slot);
        let mut lost: Vec<_> = (0_u32..)
            .zip(&self.requests)
            .filter(|(_, request)| request.backend == backend && inside(request))
            .map(|(index, request)| (request.serial, index))
            .collect();
        lost.sort_unstable();
        for (_, index) in lost {
            let Request { place, begun, left, .. } = self.requests[index as usize];
            if place == Place::Slot {
                self.tally.worked += self.now - begun;
                self.tally.wasted += self.now - begun.max(left).min(self.now);
            }
            self.go_out(index);
            let request = &mut self.requests[index as usize];
            request.answer = Some(Answer::Broken);
            // The work that was planned is not done any more.
            request.serial = u64::MAX;
            self.arrive(index);
        }
    }

    /// Free slots take up what waits.
    pub(super) fn fill(&mut self, index: usize) {
        loop {
            let backend = &mut self.backends[index];
            let effect = backend.trouble.at(self.now);
            let slots = effect.slots.map_or(self.servers.slots, |n| n.min(self.servers.slots));
            if effect.frozen || effect.down || backend.busy >= slots || backend.waiting == 0 {
                return;
            }
            let next = if self.servers.newest_first {
                backend.queue.pop_back()
            } else {
                backend.queue.pop_front()
            };
            let Some((request, serial)) = next else { return };
            let entry = &self.requests[request as usize];
            if entry.serial == serial && entry.place == Place::Queue {
                backend.waiting -= 1;
                self.begin(request);
            }
        }
    }
}
