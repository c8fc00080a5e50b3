//! All cases, one file for each policy.

use crate::Case;

pub mod breaker;
pub mod capture;
pub mod core;
pub mod floors;
pub mod guard;
pub mod limit;
#[cfg(feature = "peers")]
pub mod peers;
pub mod pipeline;
pub mod retry;
pub mod shutdown;
pub mod telemetry;
pub mod tower;

/// Every case there is, in the order in which the table shows them.
pub fn all() -> Vec<Case> {
    [
        floors::cases(),
        core::cases(),
        breaker::cases(),
        retry::cases(),
        guard::cases(),
        limit::cases(),
        shutdown::cases(),
        pipeline::cases(),
        telemetry::cases(),
        tower::cases(),
        capture::cases(),
        #[cfg(feature = "peers")]
        peers::cases(),
    ]
    .concat()
}
