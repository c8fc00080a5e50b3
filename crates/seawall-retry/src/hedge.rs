//! Hedge: a second attempt while the first is slow.

pub use config::HedgeBuilder;
pub use defaults::{DEFAULT_MAX_ATTEMPTS, DEFAULT_MIN_SAMPLES, DEFAULT_PERCENTILE, MAX_ATTEMPTS};
pub use future::HedgeFuture;
pub use policy::{Hedge, HedgeCall};

mod config;
mod defaults;
mod future;
mod hedges;
mod latency;
mod plan;
mod policy;
