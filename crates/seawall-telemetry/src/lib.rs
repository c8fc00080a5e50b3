//! Shows what seawall's policies do: metrics, health, the context of requests, and with the feature
//! `tracing` events, spans and log lines.
//!
//! # Why
//!
//! A policy that nobody sees can't be trusted. Two things make it hard to see one. A circuit is open for
//! 200 ms at a time, and a scrape comes each 15 s, so a gauge of its state is closed in nearly all
//! scrapes. And a counter that is born with its first event never alerts, as the rise from nothing to
//! one is no rise to Prometheus.
//!
//! So here everything is **read when somebody asks**: the policies count what happens themselves, the
//! time in each state too, and every series of a registered policy is there, with 0, before its first call.
//!
//! # Quick start
//!
//! ```
//! use seawall::Pipeline;
//! use seawall_telemetry::{Format, Metrics};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let metrics = Metrics::default();
//! let pipeline = metrics.measure(Pipeline::standard("stock").idempotent().build()?)?;
//! pipeline.call(async || Ok::<_, std::io::Error>(42)).await?;
//!
//! // The answer to a scrape; the feature `http` has routes of axum for it.
//! let text = metrics.text(Format::Prometheus);
//! assert!(text.contains(r#"seawall_calls_total{pipeline="stock",outcome="success"} 1"#));
//! # Ok(())
//! # }
//! ```
//!
//! [`Metrics::measure`] registers the policies of a pipeline and counts its calls and attempts. A
//! handle that is in no pipeline, or a keyed set, is [registered](Metrics::registry) by itself.
//!
//! # What is exported
//!
//! [`instrument`] has every name, label and unit. They stay: a test holds them to a file.
//!
//! | question | instruments |
//! |---|---|
//! | What do callers get, and when? | `seawall_calls_total`, `seawall_call_seconds` |
//! | How many requests is that? | `seawall_attempts_total`, `seawall_attempt_seconds` |
//! | What refuses, and why? | `seawall_refusals_total`, `seawall_would_refuse_total` |
//! | Is a circuit open? For how much of the time? | `seawall_breaker_state`, `_state_seconds_total`, `_openings_total`; the same of a congestion control under `seawall_congestion` |
//! | What is in flight, what waits? | `seawall_limit`, `_in_flight`, `_queued`, `_lingering` |
//! | What is repeated, and what is given up? | `seawall_retries_total`, `seawall_hedges_total`, `seawall_gave_up_total`, `seawall_budget_tokens` |
//! | What is cut off, broken, answered in the operation's place? | `seawall_timeouts_total`, `seawall_panics_total`, `seawall_degraded_total` |
//! | What does telemetry itself lose? | `seawall_listener_panics_total`, `seawall_events_dropped_total`, `seawall_telemetry_overflow_total` |
//!
//! # States of a circuit
//!
//! Exactly one of the states is 1, and their seconds add up to the time that the policy has existed:
//! `closed`, `open`, `open_due`, `half_open`, `ramping`, `forced_open`, `forced_closed`, `shadow`. An
//! open circuit whose wait is over is `open_due`: the next call would be a probe, and none comes. An alert
//! on `open` alone does not page for a dependency that nobody uses.
//!
//! # Cardinality
//!
//! The value of a label is a word of this crate, or the name of a policy, a pipeline or a store. It is
//! never a key, a tenant, a host, a message or the number of an attempt. Of each kind
//! [256 names](Metrics::MAX_NAMES) have series of their own. The others are summed under the name `other`,
//! once and for all: none of them gets a series later, so the sum does not fall. How many
//! there are is counted.
//!
//! # What it costs
//!
//! Registered and scraped, a call through a breaker, a limit or a budget needs not one instruction
//! more: they count anyway. Each of the two layers of [`Metrics::measure`] reads the clock and adds twice;
//! `docs/telemetry.md` in the repository has the count. Nothing is allocated for a call.
//!
//! # Traps
//!
//! - **`rate()` before `sum()`**: counters of one process begin anew at its start.
//! - **A pipeline per request** does not belong into the registry: it lives there until it is
//!   [removed](Metrics::remove). Share its policies and register those once.
//! - **Two pipelines of one name** can't both be registered. Their calls would count together.
//! - **The names of policies are labels.** A name with the host of a request in it is a label without a bound.
//! - **`permanent` and `ignored` are failures in `seawall_call_seconds`** and mostly the caller's own
//!   mistakes. The alerts on errors go by outcome and leave both out.
//! - **A future that is dropped** is abandoned, not failed, and has no time.
//!
//! # When not to use it
//!
//! Where a process has metrics of its own and wants one number of seawall, ask the handle:
//! [`Breaker::snapshot`](seawall::Breaker::snapshot), for instance. Where each event is to be seen, add a
//! [listener](seawall::Listener).

pub mod context;
pub mod health;
#[cfg(feature = "http")]
pub mod http;
pub mod instrument;
#[cfg(feature = "tracing")]
pub mod tracing;

mod exposition;
mod metrics;

pub use exposition::Format;
pub use instrument::{Instrument, InstrumentKind};
pub use metrics::{
    Buckets, Measured, MeasuredCall, MeasuredFuture, MeasuredPipeline, Metrics, Outcome, Reading,
    Series, Value,
};
