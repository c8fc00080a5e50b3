//! Tasks that are counted, and tasks that are started again.
//!
//! # What
//!
//! [`Tasks`] spawns tasks and knows what became of each: finished, panicked or cancelled. A panic
//! is told to listeners when it happens, not when somebody joins; a handle tells it apart from a
//! cancellation; and whichever it was, the task is counted out.
//!
//! [`Supervisor`] keeps long-running tasks running: a consumer, a refresher, a watcher. It starts a
//! child again when it ends, one for one, and gives up when that happens too often. It promises
//! what a supervisor of Erlang promises with the strategy
//! [`one_for_one`](https://www.erlang.org/doc/system/sup_princ.html):
//!
//! - Children are started in the order in which they were added.
//! - A child that ends is started again alone; the others do not notice.
//! - [`Restart`] says after which ends: always, after failures only, or never.
//! - More than [`max_restarts`](SupervisorBuilder::max_restarts) within
//!   [`within`](SupervisorBuilder::within), of all children together, and it gives up: the rest is
//!   stopped in the opposite order of their start, one after the other, and it ends with an error.
//! - Told to stop, it stops them in that order, too.
//!
//! Two things are different. A restart waits for a [backoff](SupervisorBuilder::backoff); Erlang
//! restarts at once. And stopping a child is dropping its future at an await, as there is no exit
//! signal to trap: a child that has something to finish listens to a token of its own.
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
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> Running
//!     Running --> Waiting: ended, to be restarted
//!     Waiting --> Running: backoff over
//!     Running --> Over: ended for good
//!     Running --> Stopped: supervisor gave up or was stopped
//!     Waiting --> Stopped: supervisor gave up or was stopped
//! ```
//!
//! # Defaults
//!
//! | setting | default | why |
//! |---|---|---|
//! | `max_restarts` | 3 | [`DEFAULT_MAX_RESTARTS`] |
//! | `within` | 5 s | [`DEFAULT_WITHIN`] |
//! | `backoff` | exponential from 100 ms to 5 s, full jitter | [`default_backoff`] |
//!
//! # Telemetry
//!
//! [`Panicked`](seawall_core::EventKind::Panicked) for each panic, also in dropping what was stopped or is
//! over, whose end stands; [`Restarted`](seawall_core::EventKind::Restarted) for each restart, and
//! [`GaveUp`](seawall_core::EventKind::GaveUp) at the end, under the name `supervisor/child`.
//!
//! # Traps
//!
//! - A child that keeps state in what its function captures keeps it over restarts. Make the state
//!   inside the future.
//! - Restarts cure what is transient. A child that fails at once, each time, is given up after
//!   `max_restarts`; let that end the process, or a supervisor above.
//! - With `panic = "abort"` there is nothing to catch and nothing to start again.
//!
//! # When not to use it
//!
//! For one request use a pipeline. For tasks that end by themselves use [`Tasks`]. To start the
//! whole process again use what started it.

mod config;
mod event;
mod machine;
mod supervisor;
mod tracked;

pub use config::{
    DEFAULT_MAX_RESTARTS, DEFAULT_WITHIN, MAX_RESTARTS, SupervisorBuilder, default_backoff,
};
pub use machine::{Ended, Restart};
pub use supervisor::{Supervisor, SupervisorError};
pub use tracked::{Task, TaskCounts, TaskError, Tasks, TasksBuilder};
