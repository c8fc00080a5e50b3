//! Default settings of a bulkhead, with the reason for each.

/// 25 calls in flight: enough for 1,000 calls a second to a dependency that answers in 25 ms
/// (Little's law), and far below what a process can have open at once.
pub const LIMIT: u32 = 25;
