//! What the server does not have yet.

use std::collections::VecDeque;
use std::sync::Arc;

use seawall_capture::store::{BatchId, Group, MemoryStore, StoreError};

/// How many groups go in one operation: the server is held up for about a millisecond.
const GROUPS: usize = 32;
/// How many bytes go in one, as the process counts them.
const BYTES: usize = 256 << 10;

/// A part of what was gathered, as it is sent, and sent again.
#[derive(Debug, Default)]
pub(crate) struct Parcel {
    /// Occurrences of groups that were evicted in the process.
    pub(crate) other: u64,
    /// Occurrences that were not kept.
    pub(crate) dropped: u64,
    pub(crate) groups: Vec<Arc<Group>>,
}

/// What was taken from the store in the process and is on its way, in order. A parcel stays at the
/// front, as it is and under its number, until the server said that it has it: so it is counted
/// once, however often it is sent.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// The number of the parcel at the front, counted from 1.
    number: u64,
    waiting: VecDeque<Parcel>,
    batch: Option<BatchId>,
    /// How many dropped occurrences went into parcels.
    dropped: u64,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self { number: 1, waiting: VecDeque::new(), batch: None, dropped: 0 }
    }

    /// The parcel to send, and its number.
    pub(crate) fn front(&self) -> Option<(u64, &Parcel)> {
        self.waiting.front().map(|parcel| (self.number, parcel))
    }

    /// The server has the parcel at the front. The last one takes the batch with it.
    pub(crate) fn arrived(&mut self, local: &MemoryStore) {
        if self.waiting.pop_front().is_some() {
            self.number += 1;
        }
        if self.waiting.is_empty()
            && let Some(batch) = self.batch.take()
        {
            local.acknowledge(batch);
        }
    }

    /// Takes what was gathered. Only once all that was taken before has arrived.
    pub(crate) fn fill(&mut self, local: &MemoryStore) -> Result<(), StoreError> {
        debug_assert!(self.waiting.is_empty(), "parcels are on their way");
        let batch = local.take(usize::MAX)?;
        let dropped = local.totals().dropped.queue_full;
        let mut parcel = Parcel {
            other: batch.other,
            dropped: dropped.saturating_sub(self.dropped),
            groups: Vec::new(),
        };
        if batch.is_empty() && parcel.dropped == 0 {
            local.acknowledge(batch.id);
            return Ok(());
        }
        self.dropped = dropped;
        self.batch = Some(batch.id);
        let mut bytes = 0;
        for group in batch.groups {
            let size = group.first.footprint() + group.last.footprint();
            if parcel.groups.len() == GROUPS || (bytes > 0 && bytes + size > BYTES) {
                self.waiting.push_back(std::mem::take(&mut parcel));
                bytes = 0;
            }
            bytes += size;
            parcel.groups.push(group);
        }
        self.waiting.push_back(parcel);
        Ok(())
    }
}
