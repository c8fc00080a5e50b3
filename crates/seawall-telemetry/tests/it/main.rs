//! The tests of `seawall-telemetry` that need no process of their own.

mod calls;
mod cardinality;
mod circuit;
mod exposition;
mod instruments;
#[path = "../support/prometheus.rs"]
mod prometheus;
mod refusals;
