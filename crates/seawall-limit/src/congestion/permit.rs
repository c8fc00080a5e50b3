//! A request in flight, and a place in the queue, as values.

use std::mem;
use std::task::{Poll, Waker};

use super::machine::{Key, Refusal, Sent};
use super::shared::Shared;

/// A request in flight. Dropped, it was given up.
#[derive(Debug)]
pub(super) struct Permit<'p> {
    shared: &'p Shared,
    pub(super) sent: Sent,
}

impl<'p> Permit<'p> {
    #[inline]
    pub(super) const fn new(shared: &'p Shared, at: u64, due: u64) -> Self {
        Self { shared, sent: Sent { at, due, counts: true } }
    }

    /// The request was answered well.
    #[inline]
    pub(super) fn succeeded(self) {
        self.shared.succeeded(self.sent);
        mem::forget(self);
    }

    /// The request was answered with an error.
    pub(super) fn failed(self) {
        let sent = self.sent;
        self.shared.end(|machine, now| machine.answered(now, sent, false));
        mem::forget(self);
    }

    /// A timeout inside cut the request off: its caller waits no longer than until now.
    pub(super) fn timed_out(mut self) {
        self.sent.due = self.sent.due.min(self.shared.time.now());
    }

    /// The request ended in a way that says nothing about the dependency.
    pub(super) fn ended(self) {
        let sent = self.sent;
        self.shared.end(|machine, _| machine.ended(sent));
        mem::forget(self);
    }

    pub(super) fn is_lost(&mut self) -> bool {
        self.shared.is_lost(&mut self.sent)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let sent = self.sent;
        self.shared.end(|machine, now| machine.cut(now, sent));
    }
}

/// A place in the queue. Dropped, it is given up, with what was granted to it.
#[derive(Debug)]
pub(super) struct Ticket<'p> {
    shared: &'p Shared,
    key: Key,
}

impl<'p> Ticket<'p> {
    pub(super) const fn new(shared: &'p Shared, key: Key) -> Self {
        Self { shared, key }
    }

    pub(super) fn poll(&self, waker: &Waker) -> Poll<Result<(), Refusal>> {
        self.shared.poll_waiter(self.key, waker)
    }

    /// When it has to be polled again.
    pub(super) fn look_at(&self, now: u64) -> u64 {
        self.shared.look_at(now, self.key)
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.shared.leave(self.key);
    }
}
