//! The calls that wait, and which is next. No lock, no clock.

use std::collections::HashMap;
use std::task::{Poll, Waker};

use tokio::time::Instant;

use super::codel::CoDel;
use super::fair_queue::{FairQueue, Flow, Head};
use super::{Demand, Priority};
use seawall_core::wakers::wake_all;

/// In which order waiters are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// First come, first served.
    #[default]
    Fifo,
    /// Last come, first served.
    Lifo,
    /// The most important first, then first come, first served.
    Priority,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct QueueConfig {
    pub(crate) capacity: u32,
    pub(crate) order: Order,
    /// Tenants take turns.
    pub(crate) fair: bool,
    pub(crate) codel: Option<CoDel>,
}

/// A waiter's place in the queue. Never used twice, so an old key can't name another waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    partition: u8,
    flow: Flow,
    rank: u64,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The permit is the waiter's.
    Granted,
    /// The semaphore was closed.
    Closed,
    /// A more important call took the place, or `CoDel` dropped the waiter.
    Shed,
    /// The limit fell below the waiter's weight.
    TooHeavy,
}

/// A waiter whose wait is over: to be woken outside the lock, if it was polled before.
#[derive(Debug)]
#[must_use = "the waiter sleeps until it is woken"]
pub(crate) struct Settled(Option<Waker>);

impl Settled {
    pub(crate) fn wake(self) {
        wake_all(self.0);
    }
}

#[derive(Debug)]
struct Waiter {
    demand: Demand,
    waker: Option<Waker>,
    since: Instant,
}

#[derive(Debug)]
pub(crate) struct Queue {
    config: QueueConfig,
    // One for each partition, the last for calls without one.
    queues: Vec<FairQueue<Waiter>>,
    settled: HashMap<Key, Verdict>,
    len: u32,
    pushed: u64,
    round: u64,
    busy_since: Option<Instant>,
}

impl Queue {
    pub(crate) fn new(config: QueueConfig, partitions: usize) -> Self {
        Self {
            config,
            queues: (0..=partitions).map(|_| FairQueue::new()).collect(),
            settled: HashMap::new(),
            len: 0,
            pushed: 0,
            round: 0,
            busy_since: None,
        }
    }

    pub(crate) fn capacity(&self) -> u32 {
        self.config.capacity
    }

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// A place for a call, unless the queue is full of calls that are as important; and the waiter
    /// that had to leave for it.
    pub(crate) fn push(&mut self, demand: Demand, now: Instant) -> Option<(Key, Option<Settled>)> {
        let evicted = if self.len < self.config.capacity {
            None
        } else {
            Some(self.evict_below(demand.priority)?)
        };
        let key = self.key(demand);
        let waiter = Waiter { demand, waker: None, since: now };
        let round = self.round + 1;
        self.busy_since.get_or_insert(now);
        self.queue_of(key).insert(key.flow, key.rank, round, waiter);
        self.len += 1;
        Some((key, evicted))
    }

    fn key(&mut self, demand: Demand) -> Key {
        let seq = self.pushed;
        self.pushed += 1;
        let last = self.queues.len() - 1;
        Key {
            partition: demand.partition.unwrap_or(u8::try_from(last).unwrap_or(u8::MAX)),
            flow: Flow {
                class: self.class(demand.priority),
                tenant: if self.config.fair { demand.tenant } else { 0 },
            },
            rank: if self.config.order == Order::Lifo { !seq } else { seq },
        }
    }

    fn class(&self, priority: Priority) -> u8 {
        match self.config.order {
            Order::Priority => u8::MAX - priority as u8,
            Order::Fifo | Order::Lifo => 0,
        }
    }

    fn queue_of(&mut self, key: Key) -> &mut FairQueue<Waiter> {
        &mut self.queues[usize::from(key.partition)]
    }

    fn evict_below(&mut self, priority: Priority) -> Option<Settled> {
        let last = self.queues().filter_map(|(partition, queue)| Some((queue.last()?, partition)));
        let (head, partition) = last.max()?;
        let key = Key::of(partition, head);
        if key.flow.class > self.class(priority) { self.settle(key, Verdict::Shed) } else { None }
    }

    fn queues(&self) -> impl Iterator<Item = (u8, &FairQueue<Waiter>)> {
        // At most 64 partitions, and the calls without one.
        (0..=u8::MAX).zip(&self.queues)
    }

    /// The first waiter of each partition, and its precedence: waiters whose partition is `below` its
    /// share go before the others, then by importance, then by turn.
    fn heads(
        &self,
        below: impl Fn(u8) -> bool,
    ) -> impl Iterator<Item = ((bool, Head), u8, &Waiter)> {
        self.queues().filter_map(move |(partition, queue)| {
            let (head, waiter) = queue.first()?;
            Some(((!below(partition), head), partition, waiter))
        })
    }

    /// Whether `key` is the first of its partition: only those are ever next.
    pub(crate) fn is_head(&self, key: Key) -> bool {
        let first = self.queues[usize::from(key.partition)].first();
        first.is_some_and(|(first, _)| Key::of(key.partition, first) == key)
    }

    /// Whether there is a waiter that a call with this demand must not overtake.
    pub(crate) fn holds_up(
        &self,
        demand: &Demand,
        below: impl Fn(u8) -> bool,
        has_room: impl Fn(&Demand) -> bool,
    ) -> bool {
        let is_below = demand.partition.is_some_and(&below);
        let precedence = (!is_below, self.class(demand.priority));
        self.heads(below).any(|((has_share, head), _, waiter)| {
            let is_before = (has_share, head.class) <= precedence;
            // As in `next`.
            let lets_pass = waiter.demand.headroom > demand.headroom && !has_room(&waiter.demand);
            self.config.order != Order::Priority || is_before && !lets_pass
        })
    }

    /// The next waiter for which there is room. One that has to leave places free for more important
    /// calls does not hold those up; a heavy one holds up all that come after it.
    pub(crate) fn next(
        &self,
        below: impl Fn(u8) -> bool,
        has_room: impl Fn(&Demand) -> bool,
    ) -> Option<(Key, Demand)> {
        let (mut key, mut demand) = self.first(&below, |_| true)?;
        while !has_room(&demand) {
            (key, demand) = self.first(&below, |other| other.headroom < demand.headroom)?;
        }
        Some((key, demand))
    }

    /// The first of the waiters that are `eligible`.
    fn first(
        &self,
        below: impl Fn(u8) -> bool,
        eligible: impl Fn(&Demand) -> bool,
    ) -> Option<(Key, Demand)> {
        let eligible = self.heads(below).filter(|(_, _, waiter)| eligible(&waiter.demand));
        let ((_, head), partition, waiter) = eligible.min_by_key(|(precedence, ..)| *precedence)?;
        Some((Key::of(partition, head), waiter.demand))
    }

    /// Ends a wait.
    pub(crate) fn settle(&mut self, key: Key, verdict: Verdict) -> Option<Settled> {
        if verdict == Verdict::Granted && self.config.fair {
            let round = self.round;
            self.round = self.queue_of(key).served(key.flow, round);
        }
        let waiter = self.take(key)?;
        self.settled.insert(key, verdict);
        Some(Settled(waiter.waker))
    }

    pub(crate) fn settle_where(
        &mut self,
        verdict: Verdict,
        goes: impl Fn(Demand) -> bool,
    ) -> Vec<Settled> {
        let waiters = self.queues().flat_map(|(partition, queue)| {
            queue.iter().map(move |(flow, rank, waiter)| (Key { partition, flow, rank }, waiter))
        });
        let keys: Vec<Key> =
            waiters.filter(|(_, waiter)| goes(waiter.demand)).map(|(key, _)| key).collect();
        keys.into_iter().filter_map(|key| self.settle(key, verdict)).collect()
    }

    /// The verdict, or `waker` is kept until there is one. Returns the waker that is not needed.
    pub(crate) fn poll(&mut self, key: Key, waker: Waker) -> (Poll<Verdict>, Option<Waker>) {
        if let Some(verdict) = self.settled.remove(&key) {
            return (Poll::Ready(verdict), Some(waker));
        }
        match self.queue_of(key).get_mut(key.flow, key.rank) {
            Some(waiter) => (Poll::Pending, waiter.waker.replace(waker)),
            None => (Poll::Pending, Some(waker)),
        }
    }

    /// Removes a waiter. Returns its verdict if the wait was over already, and its waker if not.
    pub(crate) fn remove(&mut self, key: Key) -> (Option<Verdict>, Option<Waker>) {
        let waiter = self.take(key);
        (self.settled.remove(&key), waiter.and_then(|waiter| waiter.waker))
    }

    fn take(&mut self, key: Key) -> Option<Waiter> {
        let waiter = self.queue_of(key).remove(key.flow, key.rank)?;
        self.len -= 1;
        if self.len == 0 {
            self.busy_since = None;
        }
        Some(waiter)
    }

    /// Whether [`drop_late`](Self::drop_late) can drop anything, for which it needs the clock.
    pub(crate) const fn has_codel(&self) -> bool {
        self.config.codel.is_some()
    }

    /// Drops the next waiter if it has waited for too long in a standing queue.
    pub(crate) fn drop_late(&mut self, key: Key, now: Instant) -> Option<Settled> {
        let (codel, busy_since) = (self.config.codel?, self.busy_since?);
        let waiter = self.queue_of(key).get_mut(key.flow, key.rank)?;
        let drops = codel.drops(waiter.since, busy_since, now);
        if drops { self.settle(key, Verdict::Shed) } else { None }
    }
}

impl Key {
    const fn of(partition: u8, Head { class, tenant, rank, .. }: Head) -> Self {
        Self { partition, flow: Flow { class, tenant }, rank }
    }
}
