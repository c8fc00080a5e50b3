//! Hedge: a second attempt beside one that is slow.

pub use config::{
    DEFAULT_MAX_ATTEMPTS, DEFAULT_MIN_SAMPLES, DEFAULT_PERCENTILE, HedgeBuilder, MAX_ATTEMPTS,
};
pub use future::HedgeFuture;
pub use policy::{Hedge, HedgeCall, Hedged, HedgedWith};

mod beside;
mod config;
mod event;
mod future;
mod latency;
mod plan;
mod policy;
