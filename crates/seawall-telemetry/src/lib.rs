//! Shows what seawall's policies do.

pub mod context;
pub mod health;
#[cfg(feature = "http")]
pub mod http;
pub mod instrument;

mod exposition;
mod metrics;

pub use exposition::Format;
pub use instrument::{Instrument, InstrumentKind};
pub use metrics::{
    Buckets, Measured, MeasuredCall, MeasuredFuture, MeasuredPipeline, Metrics, Outcome, Reading,
    Series, Value,
};
