//! Tasks that are counted, and tasks that are restarted.
//!
//! # What
//!
//! [`Tasks`] spawns tasks and counts how each ended: finished, panicked or cancelled. Listeners receive a
//! panic when it happens, not when the task is joined; a handle tells a panic from a cancellation; and
//! every task is counted out, however it ended.
//!
//! [`Supervisor`] keeps long-running tasks running: a consumer, a refresher, a watcher. It restarts a
//! child when it ends, one for one, and gives up when that happens too often. It promises what a
//! supervisor of Erlang promises with the strategy
//! [`one_for_one`](https://www.erlang.org/doc/system/sup_princ.html):
//!
//! - Children are started in the order in which they were added.
//! - A child that ends is restarted alone; the others are not affected.
//! - [`Restart`] says after which ends: always, after failures only, or never.
//! - After more than [`max_restarts`](SupervisorBuilder::max_restarts) within
//!   [`within`](SupervisorBuilder::within), of all children together, it gives up: the other children are
//!   stopped in the opposite order of their start, one after the other, and it ends with an error.
//! - When it is stopped, children have a [grace period](SupervisorBuilder::grace_period) to end; those
//!   that are left after it are stopped in that order, too, and the supervisor ends with an error that
//!   names them.
//!
//! Two things are different. A restart waits for a [backoff](SupervisorBuilder::backoff); Erlang
//! restarts at once. And stopping a child is dropping its future at an await, as there is no exit
//! signal to trap: a child that has something to finish listens to a token of its own, and ends.
//!
//! # Quick start
//!
//! ```
//! use std::time::Duration;
//! use seawall_guard::task::{Restart, Supervisor};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let supervisor = Supervisor::builder().name("orders").max_restarts(5).build()?.child(
//!     "consumer",
//!     Restart::OnFailure,
//!     || async {
//!         // Receive orders until the queue is closed.
//!         Ok::<_, std::io::Error>(())
//!     },
//! );
//! supervisor.run().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # States of a child
//!
#![doc = include_str!("task/states.svg")]
//!
//! # Defaults
//!
//! | setting | default | why |
//! |---|---|---|
//! | `max_restarts` | 3 | [`DEFAULT_MAX_RESTARTS`] |
//! | `within` | 5 s | [`DEFAULT_WITHIN`] |
//! | `backoff` | exponential from 100 ms to 5 s, full jitter | [`default_backoff`] |
//! | `grace_period` | 5 s | [`DEFAULT_GRACE_PERIOD`] |
//!
//! # Telemetry
//!
//! [`Panicked`](seawall_core::EventKind::Panicked) for each panic, also one in dropping a child that was
//! stopped or is over, whose end stands; [`Restarted`](seawall_core::EventKind::Restarted) for each
//! restart, and [`GaveUp`](seawall_core::EventKind::GaveUp) at the end, under the name
//! `supervisor/child`.
//!
//! # Traps
//!
//! - State that a child's function captures outlives restarts. Make the state inside the future.
//! - Restarts cure transient failures. A child that fails at once, each time, is given up after
//!   `max_restarts`; let that end the process, or have a supervisor above.
//! - A child that listens to no token goes on until its grace period is over, and is dropped then,
//!   wherever it is. Where that loses nothing, set the grace period to zero.
//! - With `panic = "abort"` there is nothing to catch and nothing to restart.
//!
//! # When not to use it
//!
//! For one request use a pipeline. For tasks that end by themselves use [`Tasks`]. To restart the whole
//! process use whatever started it.

mod child;
mod config;
mod defaults;
mod error;
mod machine;
mod supervisor;
mod tracked;

pub use config::SupervisorBuilder;
pub use defaults::{
    DEFAULT_GRACE_PERIOD, DEFAULT_MAX_RESTARTS, DEFAULT_WITHIN, MAX_RESTARTS, default_backoff,
};
pub use error::SupervisorError;
pub use machine::Restart;
pub use supervisor::Supervisor;
pub use tracked::{Task, TaskCounts, TaskError, Tasks, TasksBuilder};
