//! Cuts a call off when it takes too long.

mod blocking;
mod config;
mod detach;
mod event;
mod expiry;
mod future;
mod limit;
mod plan;
mod policy;

pub use blocking::{Blocking, BlockingBuilder, BlockingCall, DEFAULT_MAX_RUNNING};
pub use config::{DEFAULT_ATTEMPT_LIMIT, DEFAULT_LIMIT, TimeoutBuilder};
pub use detach::{DEFAULT_MAX_DETACHED, Detach, DetachBuilder, DetachCall, DetachCounts};
pub use future::TimeoutFuture;
pub use limit::Limit;
pub use plan::LONGEST;
pub use policy::{Timeout, TimeoutCall};
