//! A circuit breaker that cannot wedge: rates and slow calls, leases, generations, operator states.

mod breaker;
mod call;
mod config;
pub mod defaults;
mod future;
mod guarded;
mod machine;
mod permit;
mod shell;
mod snapshot;
mod sync;
mod time;

pub use breaker::Breaker;
pub use call::{BreakerCall, Judged};
pub use config::BreakerBuilder;
pub use future::BreakerFuture;
pub use guarded::Guarded;
pub use machine::{Abandoned, WindowCounts};
pub use permit::{Permit, Settlement};
pub use snapshot::{Snapshot, Totals};
