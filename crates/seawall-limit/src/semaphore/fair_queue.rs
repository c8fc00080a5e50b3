//! The waiters of one partition, and which tenant's turn it is.
//!
//! Tenants take turns by start-time fair queueing (Goyal, Vin, Cheng, SIGCOMM 1996) with calls of
//! one length: each tenant has a turn in each round, and a tenant that was served has its next turn
//! in the round after. The turn belongs to the tenant, not to the call: a call that gives up leaves
//! it to the next of its tenant, so a tenant that asks for more than its part loses nothing by that.
//!
//! In a queue that is not fair, all calls are of one tenant.

use std::collections::{BTreeMap, BTreeSet};

/// The calls of a tenant that are of one class. The lowest class is the most important.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Flow {
    pub(super) class: u8,
    pub(super) tenant: u64,
}

/// The first call of a flow. The smallest head is served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Head {
    pub(super) class: u8,
    pub(super) round: u64,
    pub(super) rank: u64,
    pub(super) tenant: u64,
}

#[derive(Debug)]
struct FlowQueue<W> {
    round: u64,
    // By rank.
    calls: BTreeMap<u64, W>,
}

#[derive(Debug)]
pub(super) struct FairQueue<W> {
    // Only flows with waiters, so the queue's capacity bounds them.
    flows: BTreeMap<Flow, FlowQueue<W>>,
    heads: BTreeSet<Head>,
}

impl<W> FairQueue<W> {
    pub(super) const fn new() -> Self {
        Self { flows: BTreeMap::new(), heads: BTreeSet::new() }
    }

    /// Adds a call. If it is the first of its flow, its turn is in `round`.
    pub(super) fn insert(&mut self, flow: Flow, rank: u64, round: u64, call: W) {
        self.flows.entry(flow).or_insert(FlowQueue { round, calls: BTreeMap::new() });
        self.change(flow, |queue| queue.calls.insert(rank, call));
    }

    /// Removes a call, and leaves its turn to the next of its flow.
    pub(super) fn remove(&mut self, flow: Flow, rank: u64) -> Option<W> {
        self.change(flow, |queue| queue.calls.remove(&rank)).flatten()
    }

    /// Moves the turn of a flow that is served to the next round: the one after its own, or after
    /// `round` if that is later. Returns the round in which it is served.
    pub(super) fn served(&mut self, flow: Flow, round: u64) -> u64 {
        let served = self.change(flow, |queue| {
            let now = queue.round.max(round);
            queue.round = now + 1;
            now
        });
        served.unwrap_or(round)
    }

    fn change<R>(&mut self, flow: Flow, change: impl FnOnce(&mut FlowQueue<W>) -> R) -> Option<R> {
        let queue = self.flows.get_mut(&flow)?;
        if let Some(head) = queue.head(flow) {
            self.heads.remove(&head);
        }
        let result = change(queue);
        match queue.head(flow) {
            Some(head) => drop(self.heads.insert(head)),
            None => drop(self.flows.remove(&flow)),
        }
        Some(result)
    }

    pub(super) fn get_mut(&mut self, flow: Flow, rank: u64) -> Option<&mut W> {
        self.flows.get_mut(&flow)?.calls.get_mut(&rank)
    }

    /// The call that is served first.
    pub(super) fn first(&self) -> Option<(Head, &W)> {
        let head = *self.heads.first()?;
        let flow = Flow { class: head.class, tenant: head.tenant };
        Some((head, self.flows.get(&flow)?.calls.get(&head.rank)?))
    }

    /// The call that would be served last: of the least important, the one with the most before it.
    pub(super) fn last(&self) -> Option<Head> {
        self.flows.iter().filter_map(|(flow, queue)| queue.last(*flow)).max()
    }

    /// All waiters.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Flow, u64, &W)> {
        let flows = self.flows.iter();
        flows.flat_map(|(flow, queue)| queue.calls.iter().map(|(rank, w)| (*flow, *rank, w)))
    }
}

impl<W> FlowQueue<W> {
    fn head(&self, Flow { class, tenant }: Flow) -> Option<Head> {
        let (&rank, _) = self.calls.first_key_value()?;
        Some(Head { class, round: self.round, rank, tenant })
    }

    fn last(&self, Flow { class, tenant }: Flow) -> Option<Head> {
        let (&rank, _) = self.calls.last_key_value()?;
        let round = self.round.saturating_add(self.calls.len() as u64 - 1);
        Some(Head { class, round, rank, tenant })
    }
}
