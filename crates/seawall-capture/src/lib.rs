//! Error capture: every failure recorded once, redacted, grouped, bounded, never lost.
//!
//! # What and why
//!
//! A log tells of failures one by one, and of the thousandth as loudly as of the first. This crate
//! keeps *groups*: what failed, since when, how often, where, with the first and the last
//! occurrence in full; in memory, without a server, and within a bound, so that it can stay on in
//! production.
//!
//! ```
//! use seawall_capture::{Capture, MemoryStore, store::Filter};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MemoryStore::default();
//! let capture = Capture::builder().service("billing").version("1.2.3").store(store.clone()).build()?;
//!
//! for port in [5432, 5433] {
//!     let error = std::io::Error::other(format!("no answer from db-1.prod.internal:{port}"));
//!     capture.error(&error);
//! }
//!
//! let groups = store.list(&Filter::default());
//! assert_eq!(groups.len(), 1);
//! assert_eq!(groups[0].count, 2);
//! assert_eq!(groups[0].last.description, "no answer from <host>");
//! # Ok(())
//! # }
//! ```
//!
//! # The way of a failure
//!
#![doc = include_str!("states.svg")]
//!
//! Redaction comes before everything else: what is personal is neither hashed nor stored. See
//! [`redact`] for what is taken out, [`fingerprint`] for what is the same, [`MemoryStore`] for what
//! is evicted, [`record`] for the two audiences.
//!
//! # Joined to the policies
//!
//! ```
//! use seawall_capture::{Capture, MemoryStore};
//! use seawall_core::{AllTransient, Chain, FromFn, Lazy, Listeners, Policy};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MemoryStore::default();
//! let capture = Capture::builder().store(store.clone()).build()?;
//!
//! // Final failures outermost; what attempts fail of innermost; between them the pipeline.
//! let policy = Chain::new(capture.final_failures("inventory"), capture.note_attempts("inventory"));
//! // Breaker openings, by what the policies report. The event itself says what failed then, to all
//! // that listen.
//! let listeners = Listeners::default();
//! listeners.add(capture.listener());
//!
//! let operation = FromFn::new(|| async { Err::<(), _>(std::fmt::Error) }, &AllTransient);
//! assert!(Lazy::new(policy.wrap(operation)).await.is_err());
//! assert_eq!(store.totals().recorded, 1);
//! # Ok(())
//! # }
//! ```
//!
//! A failure is captured once, where it is final; see [`join`] for what that means.
//!
//! # Around it
//!
//! | module | for |
//! |---|---|
//! | [`Context`] | what a call is part of, for all that is captured in it |
//! | [`digest`] | many failures in one message, sent until it arrives |
//! | `digest::Templates` (feature `templates`) | a digest in words of your own |
//! | `digest::smtp` (feature `smtp`) | digests by mail, settled address by address |
//! | [`alarm`] | rules that say when somebody has to look |
//! | [`spool`] | a file that outlives the process: groups, digests that were not sent, known fingerprints |
//! | [`log`] | a record as a line of JSON, and as attributes of OpenTelemetry |
//! | `http` (feature `http`) | a router that reads and takes |
//! | `store::conformance` (feature `conformance`) | the tests that every [`Store`] has to pass |
//!
//! # Telemetry
//!
//! The crate is telemetry and emits no events of its own. What it did is in
//! [`Totals`](store::Totals), [`Capture::skipped`], [`Capture::recursions`], [`Capture::panics`],
//! [`Digester::counts`] and [`Spool::counts`].
//!
//! # What it costs
//!
//! A repeat of a known group is recorded without allocating: reusing what a thread and the group
//! have reserved. A short message takes about a microsecond, one of a hundred bytes with a host, a
//! duration and numbers in it about two. A new group allocates what it keeps. A thread that meets
//! another at a shard waits for it: for microseconds, never for I/O.
//!
//! # Defaults
//!
//! In the tables of [`CaptureBuilder`], [`MemoryStoreBuilder`](store::MemoryStoreBuilder),
//! [`DigesterBuilder`](digest::DigesterBuilder) and [`SpoolBuilder`](spool::SpoolBuilder), each with
//! its reason.
//!
//! # Traps
//!
//! - `RUST_BACKTRACE=1` makes each captured error take a backtrace, which costs milliseconds, and
//!   groups by frames. [`CaptureBuilder::without_backtraces`] switches that off.
//! - Redaction goes by shape. A secret that looks like a word stays: give the
//!   [`Redactor`] a rule for it.
//! - An explicit fingerprint with an id in it makes a group of each occurrence.
//! - Permanent failures are not captured by policies and listeners: [`CaptureBuilder::classes`].
//! - An error that is wrapped in another type is another group: type and message both count. A rule
//!   or [`Store::merge`] joins them.
//! - Groups are evicted shard by shard: a store for 8 groups should have one shard.
//! - Severity, kind and observability are what the caller says; only panics, timeouts and
//!   rejections come with some of their own.
//! - A call that runs in a task of its own captures for itself: if the task that waits for it
//!   captures too, the failure is there twice.
//! - [`Digester::run`] and [`Alarms::check`] have to be called: nothing here starts a task, and
//!   only a [`Spool`] a thread.
//! - Without a [`Spool`] what is in memory is gone with the process.
//!
//! # What is not here
//!
//! - The single delays between the attempts of a call, unless its retry keeps a history: else an
//!   error carries their sum alone.
//!
//! # When not to use it
//!
//! For an audit trail: groups are evicted, and of each only two occurrences are kept in full. For
//! errors that are part of the business, such as a form that was filled in wrongly: they belong
//! into metrics.

pub mod alarm;
pub mod digest;
pub mod fingerprint;
#[cfg(feature = "http")]
pub mod http;
pub mod join;
pub mod log;
pub mod record;
pub mod redact;
pub mod spool;
pub mod store;

mod capture;
mod clock;
mod context;
mod text;

pub use alarm::Alarms;
pub use capture::{Capture, CaptureBuilder, Observer, delivering};
pub use clock::{Clock, ParseTimestampError, Timestamp};
pub use context::{Context, InContext};
pub use digest::Digester;
pub use fingerprint::{Fingerprint, GroupedBy, Grouping};
pub use join::{CaptureFailures, CaptureListener, NoteAttempts};
pub use record::{Draft, Kind, Observability, Record, Severity};
pub use redact::Redactor;
pub use spool::Spool;
pub use store::{MemoryStore, Store};
