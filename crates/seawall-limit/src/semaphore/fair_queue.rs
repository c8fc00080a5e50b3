//! Who waits in one partition, and whose turn it is.
//!
//! Tenants take turns by start-time fair queueing (Goyal, Vin, Cheng, SIGCOMM 1996) with calls of
//! one length: each tenant has a turn in each round, and whoever was served has the next in the
//! round after. A turn is the tenant's, not the call's: one that gives up leaves it to the next of
//! its tenant, so who asks for more than there is falls behind nobody.
//!
//! Where tenants don't take turns all calls are one tenant's.

use std::collections::{BTreeMap, BTreeSet};

/// The calls of a tenant that are of one class, the most important of which is the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Flow {
    pub(super) class: u8,
    pub(super) tenant: u64,
}

/// A call whose turn it is, the first of its flow. The smallest is served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Head {
    pub(super) class: u8,
    pub(super) round: u64,
    pub(super) rank: u64,
    pub(super) tenant: u64,
}

#[derive(Debug)]
struct Waiting<W> {
    round: u64,
    // By rank.
    calls: BTreeMap<u64, W>,
}

#[derive(Debug)]
pub(super) struct Turns<W> {
    // Only flows in which somebody waits, so the queue's capacity bounds them.
    flows: BTreeMap<Flow, Waiting<W>>,
    heads: BTreeSet<Head>,
}

impl<W> Turns<W> {
    pub(super) const fn new() -> Self {
        Self { flows: BTreeMap::new(), heads: BTreeSet::new() }
    }

    /// Adds a call. If it is the first of its flow its turn is in `round`.
    pub(super) fn insert(&mut self, flow: Flow, rank: u64, round: u64, call: W) {
        let waiting = Waiting { round, calls: BTreeMap::new() };
        self.flows.entry(flow).or_insert(waiting);
        self.change(flow, |waiting| waiting.calls.insert(rank, call));
    }

    /// Takes a call out, and leaves its turn to the next of its flow.
    pub(super) fn remove(&mut self, flow: Flow, rank: u64) -> Option<W> {
        self.change(flow, |waiting| waiting.calls.remove(&rank)).flatten()
    }

    /// Puts the next turn of a flow that is served one round off: after its own, or `round` if that
    /// has been reached. Gives the round in which it is served.
    pub(super) fn served(&mut self, flow: Flow, round: u64) -> u64 {
        let served = self.change(flow, |waiting| {
            let now = waiting.round.max(round);
            waiting.round = now + 1;
            now
        });
        served.unwrap_or(round)
    }

    fn change<R>(&mut self, flow: Flow, change: impl FnOnce(&mut Waiting<W>) -> R) -> Option<R> {
        let waiting = self.flows.get_mut(&flow)?;
        if let Some(head) = waiting.head(flow) {
            self.heads.remove(&head);
        }
        let result = change(waiting);
        match waiting.head(flow) {
            Some(head) => drop(self.heads.insert(head)),
            None => drop(self.flows.remove(&flow)),
        }
        Some(result)
    }

    pub(super) fn get_mut(&mut self, flow: Flow, rank: u64) -> Option<&mut W> {
        self.flows.get_mut(&flow)?.calls.get_mut(&rank)
    }

    /// The one that is served first.
    pub(super) fn first(&self) -> Option<(Head, &W)> {
        let head = *self.heads.first()?;
        let flow = Flow { class: head.class, tenant: head.tenant };
        Some((head, self.flows.get(&flow)?.calls.get(&head.rank)?))
    }

    /// Who would be served last: of those that are least important the one with the most before it.
    pub(super) fn last(&self) -> Option<Head> {
        self.flows.iter().filter_map(|(flow, waiting)| waiting.last(*flow)).max()
    }

    /// All that wait.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Flow, u64, &W)> {
        let flows = self.flows.iter();
        flows.flat_map(|(flow, waiting)| waiting.calls.iter().map(|(rank, w)| (*flow, *rank, w)))
    }
}

impl<W> Waiting<W> {
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
