//! Settings from a file: pipelines that a document gives, checked before they hurt, and changed while
//! the process runs.
//!
//! ```
//! use seawall::AllTransient;
//! use seawall_config::{Config, Pipelines};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::from_toml(r#"
//!     [pipelines.inventory]
//!     base = "standard"
//!     idempotent = true
//!     timeout = "2s"
//! "#)?;
//! let pipelines = Pipelines::builder(&config).build()?;
//! let inventory = pipelines.standard("inventory", AllTransient)?;
//! assert_eq!(inventory.describe().longest(), Some(std::time::Duration::from_secs(2)));
//! # Ok(())
//! # }
//! ```
//!
//! `base = "standard"` is [`Pipeline::standard`](seawall::Pipeline::standard), to the byte of its
//! description, and of the same type: a call costs what it costs by hand. A pipeline with `layers` has
//! them in the order of the list, outermost first; its type can't depend on that, so its calls are
//! boxed.
//!
//! # The document
//!
//! TOML, JSON and YAML are one tree; each is a feature. Every setter of a builder has a key of the same
//! name, [`keys`] lists them. A setter without an argument is a switch, `idempotent = true`; one with
//! several takes a table, `queue = { capacity = 10, longest_wait = "1s" }`. Times have units.
//!
//! | section | holds |
//! |---|---|
//! | `version` | 1 |
//! | `defaults.KIND` | what every table of that kind inherits |
//! | `templates.KIND.NAME` | what a table inherits that says `base = "NAME"`; never built |
//! | `breakers`, `budgets`, `bulkheads`, `rate_limits`, `adaptive_limits`, `throttles`, `retries`, `hedges`, `congestion_controls` | policies that are built once, for all that name them |
//! | `pipelines` | a `base`, or `layers` |
//!
//! Tables inherit key by key, and everything else is replaced, lists too. `false` takes a layer out.
//! Keys that say the same thing in two ways, `max_attempts` and `unlimited_attempts`, replace each other.
//! The documents merge as trees before anything is read, so no setting can be forgotten.
//!
//! What only code can give has a name in the document, under which the program
//! [registers](PipelinesBuilder) it.
//!
//! # Mistakes
//!
//! All of them are given at once, each with its place, what was given and what is allowed; a key that is
//! spelled wrong with the nearest one. Whatever a builder refuses is refused here, at its line.
//!
//! # Bounds
//!
//! A document has at most 1 MiB, is at most 32 tables deep, and has at most 4,096 pipelines. A chain of
//! bases has at most 8. YAML has no aliases here: what is inherited has a base.

mod apply;
mod changes;
mod code;
mod config;
mod document;
mod environment;
mod file;
mod keys;
mod kind;
mod layers;
mod lint;
mod merge;
mod mistakes;
mod pipelines;
mod policies;
mod reader;
mod stack;
mod table;
mod time;
mod tree;
mod watch;

pub use changes::{Change, Changes};
pub use config::Config;
pub use lint::LintFinding;
pub use mistakes::{Mistake, Mistakes, Place};
pub use pipelines::{PipelineError, Pipelines, PipelinesBuilder};
pub use seawall::Severity;
pub use stack::{BoxedCall, BoxedOperation, Stack, StackCall};
pub use table::{KeyInfo, keys};
pub use watch::{Reload, Watch};

// The README's code compiles and runs as it is written.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct CrateReadme;
