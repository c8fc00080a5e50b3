//! The tests of `seawall-telemetry` that need no process of their own.

mod a_source_breaks_the_line_of_a_header;
mod assets;
mod calls;
mod cardinality;
mod circuit;
mod context;
mod exposition;
#[cfg(feature = "http")]
mod http;
mod instruments;
#[cfg(feature = "tracing")]
mod logs;
#[path = "../support/prometheus.rs"]
mod prometheus;
mod refusals;
