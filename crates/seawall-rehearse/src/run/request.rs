//! A request of a call, as a stack sees it: a future of the servers' answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use super::calls::Ready;
use crate::record::Outcome;
use crate::time::Nanos;
use crate::world::{Answer, RequestId, World};

/// What all calls of a run share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) origin: Instant,
    desk: Mutex<Desk>,
    pub(crate) ready: Arc<Ready>,
}

/// The servers, and the wakers of those that wait for them.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) world: World,
    /// Of requests, by their index.
    wakers: Vec<Option<Waker>>,
    /// Of calls, by their index: requests sent, and whether one was answered well.
    sent: Vec<(u32, bool)>,
}

impl Shared {
    pub(crate) fn new(world: World, origin: Instant, ready: Arc<Ready>) -> Arc<Self> {
        let desk = Mutex::new(Desk { world, wakers: Vec::new(), sent: Vec::new() });
        Arc::new(Self { origin, desk, ready })
    }

    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::cast_possible_truncation, reason = "runs are shorter than 500 years")]
    pub(crate) fn elapsed(&self) -> Nanos {
        self.origin.elapsed().as_nanos() as Nanos
    }

    /// The request of call `call`, of which nothing was sent yet.
    pub(crate) fn request(self: &Arc<Self>, call: u32, deadline: Instant) -> Request {
        let mut desk = self.desk();
        let index = call as usize;
        if desk.sent.len() <= index {
            desk.sent.resize(index + 1, (0, false));
        }
        desk.sent[index] = (0, false);
        Request { shared: Arc::clone(self), call, deadline }
    }
}

impl Desk {
    /// Wakes those whose requests were answered.
    pub(crate) fn wake(&mut self) {
        let mut answered = std::mem::take(self.world.answered());
        for id in answered.drain(..) {
            if let Some(waker) = self.wakers.get_mut(id.index()).and_then(Option::take) {
                waker.wake();
            }
        }
        *self.world.answered() = answered;
    }

    /// How many requests a call sent, and what it ended in.
    pub(crate) fn outcome(&self, call: u32, good: bool) -> (u32, Outcome) {
        let (requests, answered) = self.sent[call as usize];
        let outcome = match (good, answered, requests) {
            (true, true, _) => Outcome::Answered,
            (true, false, _) => Outcome::Substituted,
            (false, _, 0) => Outcome::Refused,
            (false, ..) => Outcome::Failed,
        };
        (requests, outcome)
    }
}

/// What one call asks the servers for. Each time that it is [sent](Self::send) counts as a request.
#[derive(Clone, Debug)]
pub struct Request {
    shared: Arc<Shared>,
    call: u32,
    deadline: Instant,
}

impl Request {
    /// Sends it, once the future is polled.
    ///
    /// Dropping the future is leaving: the servers go on working on it unless the scenario says that
    /// they are aware of callers that left.
    pub fn send(&self) -> Sending {
        Sending { request: self.clone(), state: State::Unsent }
    }

    /// When nobody waits for the answer any more.
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }
}

/// A request under way, made by [`Request::send`].
#[derive(Debug)]
pub struct Sending {
    request: Request,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Unsent,
    Sent(RequestId),
    Over,
}

impl Future for Sending {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        let shared = Arc::clone(&self.request.shared);
        let mut desk = shared.desk();
        let call = self.request.call as usize;
        let id = match self.state {
            State::Unsent => {
                shared.catch_up(&mut desk);
                let id = desk.world.send();
                desk.sent[call].0 += 1;
                id
            }
            State::Sent(id) => id,
            State::Over => return Poll::Pending,
        };
        if let Some(answer) = desk.world.take(id) {
            desk.sent[call].1 |= answer.is_done();
            self.state = State::Over;
            return Poll::Ready(answer);
        }
        self.state = State::Sent(id);
        let index = id.index();
        if desk.wakers.len() <= index {
            desk.wakers.resize(index + 1, None);
        }
        match &mut desk.wakers[index] {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl Shared {
    /// Where a task of a stack's own sends, the clock may be ahead of the servers.
    fn catch_up(&self, desk: &mut Desk) {
        if self.ready.is_polling() {
            return;
        }
        let now = self.elapsed();
        if now > desk.world.now() {
            desk.world.happen(now);
            desk.wake();
        }
        self.ready.wake_driver();
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let State::Sent(id) = self.state {
            let shared = &self.request.shared;
            let mut desk = shared.desk();
            shared.catch_up(&mut desk);
            desk.wakers[id.index()] = None;
            desk.world.leave(id);
        }
    }
}
