/// How many jobs of a pool are where.
///
/// Submitted = finished + panicked + aborted + queued + running + taken back, at every moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolCounts {
    /// Accepted.
    pub submitted: u64,
    /// Refused because the queue was full or the pool was shutting down.
    pub refused: u64,
    /// Returned.
    pub finished: u64,
    /// Panicked.
    pub panicked: u64,
    /// Were running when the time for draining was over.
    pub aborted: u64,
    /// Wait for a worker, or to be taken back.
    pub queued: u64,
    /// Are with a worker now.
    pub running: u64,
    /// Were [taken back](crate::WorkerPool::take_queued).
    pub taken_back: u64,
}
