use seawall_core::Name;

use super::Demand;
use seawall_core::sync::{AtomicU32, Ordering};

/// A part of the calls that has a share of the limit.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) name: Name,
    pub(crate) share: f64,
    in_flight: AtomicU32,
}

/// The partitions of a semaphore; most have none.
#[derive(Debug, Default)]
pub(crate) struct Partitions(Box<[Partition]>);

impl Partition {
    pub(crate) fn new(name: Name, share: f64) -> Self {
        Self { name, share, in_flight: AtomicU32::new(0) }
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }
}

impl Partitions {
    pub(crate) fn new(partitions: Vec<Partition>) -> Self {
        Self(partitions.into())
    }

    pub(crate) const fn as_slice(&self) -> &[Partition] {
        &self.0
    }

    fn get(&self, partition: Option<u8>) -> Option<&Partition> {
        self.0.get(usize::from(partition?))
    }

    // The counts decide only which waiter is served first, and they are exact whenever nothing
    // moves. That one of them lags behind the word by an instruction does no harm: hence relaxed.
    pub(crate) fn acquired(&self, demand: &Demand) {
        if let Some(partition) = self.get(demand.partition) {
            partition.in_flight.fetch_add(demand.weight, Ordering::Relaxed);
        }
    }

    pub(crate) fn released(&self, demand: &Demand) {
        if let Some(partition) = self.get(demand.partition) {
            partition.in_flight.fetch_sub(demand.weight, Ordering::Relaxed);
        }
    }

    /// Whether a partition uses less than its share of `limit`.
    pub(crate) fn is_below_share(&self, partition: u8, limit: u32) -> bool {
        self.get(Some(partition))
            .is_some_and(|p| f64::from(p.in_flight()) < p.share * f64::from(limit))
    }
}
