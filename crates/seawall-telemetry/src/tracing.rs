//! Events, spans and log lines for `tracing` (feature `tracing`).
//!
//! | type | gives |
//! |---|---|
//! | [`Events`] | a listener that makes each event of a policy one of `tracing` |
//! | [`Traced`], [`traced`] | a span for each call and each attempt |
//! | [`JsonLog`] | a layer of `tracing-subscriber` that writes each event as a line of JSON |
//!
//! ```
//! use seawall::Pipeline;
//! use seawall_telemetry::tracing::{Events, traced};
//!
//! # fn main() -> Result<(), seawall::ConfigError> {
//! let pipeline = traced(Pipeline::standard("stock").listener(Events::default()).build()?);
//! # drop(pipeline);
//! # Ok(())
//! # }
//! ```
//!
//! # Levels
//!
//! | event | level |
//! |---|---|
//! | a panic | error |
//! | a circuit opens, a policy gave up, a budget is exhausted, no fallback answers, a restart, a policy without effect | warn |
//! | a circuit goes to any other state, a budget has recovered, a fallback answers, phases and steps of a shutdown, what a custom policy did | info |
//! | refusals, timeouts, retries, hedges, slow calls, everything else | debug |
//!
//! [`Events::level_by`] takes another table. The target is `seawall::` and the kind of the policy.
//!
//! # Floods
//!
//! Refusals come by the thousand. The first of a policy and a reason is an event; those of the next ten
//! seconds are counted, and one event says how many there were, as soon as anything happens after
//! that time.

pub use events::Events;
pub use log::{JsonLog, JsonLogBuilder};
pub use span::{Traced, TracedCall, TracedFuture, TracedPipeline, traced};

mod events;
mod log;
mod span;
