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
//! ```mermaid
//! flowchart LR
//!     E[error, panic, final failure, draft] --> R[redact] --> F[fingerprint] --> S[(store)]
//!     S -->|list, top, group| Q[read]
//!     S -->|take| B[batch in flight]
//!     B -->|acknowledge| D[delivered]
//!     B -->|put back, lease over| S
//!     S -->|evicted| O[other]
//!     O -->|take| B
//!     S -->|retention over| X[expired]
//! ```
//!
//! Redaction comes before everything else: what is personal is neither hashed nor stored. See
//! [`redact`] for what is taken out, [`fingerprint`] for what is the same, [`MemoryStore`] for what
//! is evicted, [`record`] for who may see what.
//!
//! # What it costs
//!
//! A repeat of a known group is recorded without allocating, in about a microsecond. A new one
//! allocates what it keeps.
//!
//! # Defaults
//!
//! In the tables of [`CaptureBuilder`] and [`MemoryStoreBuilder`](store::MemoryStoreBuilder), each
//! with its reason.
//!
//! # Traps
//!
//! - `RUST_BACKTRACE=1` makes each captured error take a backtrace, which costs milliseconds, and
//!   groups by frames. [`CaptureBuilder::backtraces`] switches that off.
//! - Redaction goes by shape. A secret that looks like a word stays: give the
//!   [`Redactor`] a rule for it.
//! - An explicit fingerprint with an id in it makes a group of each occurrence.
//! - Groups are evicted shard by shard: a store for 8 groups should have one shard.
//! - Severity, kind and observability are what the caller says; only panics, timeouts and
//!   rejections come with some of their own.
//!
//! # When not to use it
//!
//! For an audit trail: groups are evicted, and of each only two occurrences are kept in full. For
//! errors that are part of the business, such as a form that was filled in wrongly: they belong
//! into metrics.

pub mod alarm;
pub mod digest;
pub mod fingerprint;
pub mod join;
pub mod log;
pub mod record;
pub mod redact;
pub mod store;

mod capture;
mod clock;
mod sync;
mod text;

pub use alarm::Alarms;
pub use capture::{Capture, CaptureBuilder, Observer, delivering};
pub use clock::{Clock, NotATimestamp, Timestamp};
pub use digest::Digester;
pub use fingerprint::{Fingerprint, GroupedBy, Grouping};
pub use join::{CaptureAttempts, CaptureFinal, CaptureListener};
pub use record::{Draft, Kind, Observability, Record, Severity};
pub use redact::Redactor;
pub use store::{MemoryStore, Store};
