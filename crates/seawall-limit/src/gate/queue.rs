//! Who waits, and who is next. No lock, no clock.

use std::collections::{BTreeMap, HashMap};
use std::task::{Poll, Waker};

use tokio::time::Instant;

use super::standing::Standing;
use super::{Demand, Priority};
use crate::wake::wake_all;

/// In which order waiters are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// Who came first.
    #[default]
    Fifo,
    /// Who came last.
    Lifo,
    /// Who is most important, then who came first.
    Priority,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct QueueConfig {
    pub(crate) capacity: u32,
    pub(crate) order: Order,
    /// Tenants take turns.
    pub(crate) fair: bool,
    pub(crate) standing: Option<Standing>,
}

/// A waiter's place: the smallest is served first. Never used twice, so who holds an old one can't
/// take it for another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    class: u8,
    round: u64,
    rank: u64,
    partition: u8,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The permit is the waiter's.
    Granted,
    /// The gate was closed.
    Closed,
    /// A more important call took the place, or the queue was standing.
    Shed,
    /// The limit fell below the waiter's weight.
    TooHeavy,
}

/// One whose wait is over: to be woken outside the lock, if it was polled before.
#[derive(Debug)]
#[must_use = "it sleeps until it is woken"]
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
    // One a partition, the last for calls of none.
    waiting: Vec<BTreeMap<Key, Waiter>>,
    settled: HashMap<Key, Verdict>,
    tenants: Turns,
    len: u32,
    pushed: u64,
    busy_since: Option<Instant>,
}

impl Queue {
    pub(crate) fn new(config: QueueConfig, partitions: usize) -> Self {
        Self {
            config,
            waiting: (0..=partitions).map(|_| BTreeMap::new()).collect(),
            settled: HashMap::new(),
            tenants: Turns::default(),
            len: 0,
            pushed: 0,
            busy_since: None,
        }
    }

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// A place for a call, unless the queue is full of calls that are as important. Where a less
    /// important one had to go, its waker is given.
    pub(crate) fn push(&mut self, demand: Demand, now: Instant) -> Option<(Key, Option<Settled>)> {
        let evicted = if self.len < self.config.capacity {
            None
        } else {
            Some(self.evict_below(demand.priority)?)
        };
        let key = self.key(demand);
        let waiter = Waiter { demand, waker: None, since: now };
        self.busy_since.get_or_insert(now);
        self.waiting[usize::from(key.partition)].insert(key, waiter);
        self.len += 1;
        Some((key, evicted))
    }

    fn key(&mut self, demand: Demand) -> Key {
        let seq = self.pushed;
        self.pushed += 1;
        let last = self.waiting.len() - 1;
        Key {
            class: match self.config.order {
                Order::Priority => u8::MAX - demand.priority as u8,
                Order::Fifo | Order::Lifo => 0,
            },
            round: if self.config.fair { self.tenants.arrive(demand.tenant) } else { 0 },
            rank: if self.config.order == Order::Lifo { !seq } else { seq },
            partition: demand.partition.unwrap_or(u8::try_from(last).unwrap_or(u8::MAX)),
        }
    }

    fn evict_below(&mut self, priority: Priority) -> Option<Settled> {
        if self.config.order != Order::Priority {
            return None;
        }
        let last = self.waiting.iter().filter_map(|part| part.last_key_value());
        let (&key, waiter) = last.max_by_key(|(key, _)| **key)?;
        if waiter.demand.priority < priority { self.settle(key, Verdict::Shed) } else { None }
    }

    /// Whether `key` is the first of its partition: only those are ever next.
    pub(crate) fn is_head(&self, key: Key) -> bool {
        let first = self.waiting[usize::from(key.partition)].first_key_value();
        first.is_some_and(|(first, _)| *first == key)
    }

    /// Whether somebody waits whom a call with this demand must not get past.
    pub(crate) fn holds_up(&self, demand: &Demand) -> bool {
        let mut heads = self.waiting.iter().filter_map(|part| part.first_key_value());
        heads.any(|(_, waiter)| {
            self.config.order != Order::Priority || waiter.demand.priority >= demand.priority
        })
    }

    /// The next in line for which there is room. Who has to leave places free for more important
    /// calls does not hold those up; who is heavy holds up all that come after it.
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

    /// The first in line among those that are `eligible`: first those whose partition is `below`
    /// its share, then all.
    fn first(
        &self,
        below: impl Fn(u8) -> bool,
        eligible: impl Fn(&Demand) -> bool,
    ) -> Option<(Key, Demand)> {
        let heads = self.waiting.iter().filter_map(|part| part.first_key_value());
        let eligible = heads.filter(|(_, waiter)| eligible(&waiter.demand));
        let (key, waiter) = eligible.min_by_key(|(key, _)| (!below(key.partition), **key))?;
        Some((*key, waiter.demand))
    }

    /// Ends a wait.
    pub(crate) fn settle(&mut self, key: Key, verdict: Verdict) -> Option<Settled> {
        let waiter = self.take(key)?;
        if verdict == Verdict::Granted {
            self.tenants.served(key.round);
        }
        self.settled.insert(key, verdict);
        Some(Settled(waiter.waker))
    }

    pub(crate) fn settle_where(
        &mut self,
        verdict: Verdict,
        goes: impl Fn(Demand) -> bool,
    ) -> Vec<Settled> {
        let waiters = self.waiting.iter().flatten();
        let keys: Vec<Key> =
            waiters.filter(|(_, waiter)| goes(waiter.demand)).map(|(key, _)| *key).collect();
        keys.into_iter().filter_map(|key| self.settle(key, verdict)).collect()
    }

    /// The verdict, or leaves `waker` to be woken. Gives the waker that is not needed any longer.
    pub(crate) fn poll(&mut self, key: Key, waker: Waker) -> (Poll<Verdict>, Option<Waker>) {
        if let Some(verdict) = self.settled.remove(&key) {
            return (Poll::Ready(verdict), Some(waker));
        }
        match self.waiting[usize::from(key.partition)].get_mut(&key) {
            Some(waiter) => (Poll::Pending, waiter.waker.replace(waker)),
            None => (Poll::Pending, Some(waker)),
        }
    }

    /// Takes a waiter out; gives its verdict if the wait was over already, and its waker if not.
    pub(crate) fn remove(&mut self, key: Key) -> (Option<Verdict>, Option<Waker>) {
        let waiter = self.take(key);
        (self.settled.remove(&key), waiter.and_then(|waiter| waiter.waker))
    }

    fn take(&mut self, key: Key) -> Option<Waiter> {
        let waiter = self.waiting[usize::from(key.partition)].remove(&key)?;
        self.len -= 1;
        if self.config.fair {
            self.tenants.leave(waiter.demand.tenant);
        }
        if self.len == 0 {
            self.busy_since = None;
        }
        Some(waiter)
    }

    /// Whether a queue that is standing is shortened, which takes a clock reading.
    pub(crate) const fn sheds(&self) -> bool {
        self.config.standing.is_some()
    }

    /// Drops the next in line if it has waited for too long in a standing queue.
    pub(crate) fn shed_standing(&mut self, key: Key, now: Instant) -> Option<Settled> {
        let (standing, busy_since) = (self.config.standing?, self.busy_since?);
        let waiter = self.waiting[usize::from(key.partition)].get(&key)?;
        let drops = standing.drops(waiter.since, busy_since, now);
        if drops { self.settle(key, Verdict::Shed) } else { None }
    }
}

/// Whose turn it is among tenants: start-time fair queueing (Goyal, Vin, Cheng, SIGCOMM 1996) with
/// calls of one length. A tenant's n-th waiting call goes with the n-th of every other.
#[derive(Debug, Default)]
struct Turns {
    round: u64,
    // Only tenants that have somebody waiting, so the queue's capacity bounds it.
    last: HashMap<u64, (u64, u32)>,
}

impl Turns {
    fn arrive(&mut self, tenant: u64) -> u64 {
        let (last, waiting) = self.last.entry(tenant).or_insert((self.round, 0));
        *last = (*last).max(self.round) + 1;
        *waiting += 1;
        *last
    }

    fn served(&mut self, round: u64) {
        self.round = self.round.max(round);
    }

    fn leave(&mut self, tenant: u64) {
        if let Some((_, waiting)) = self.last.get_mut(&tenant) {
            *waiting -= 1;
            if *waiting == 0 {
                self.last.remove(&tenant);
            }
        }
    }
}
