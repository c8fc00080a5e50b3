//! Tools for testing code behind resilience policies.
//!
//! | tool | for |
//! |---|---|
//! | [`Script`] | an operation that follows a script, one step an attempt, and counts |
//! | [`Switch`] | a layer that refuses, times out or opens on command |
//! | [`Recorder`] | a listener that keeps the events it receives, to assert on |
//! | [`at_every_await`], [`drop_after`] | dropping a future at each of its awaits |
//! | [`Alive`] | counting what is alive, so that a leak shows |
//! | `allocations`, with the feature of that name | counting what a call allocates |
//!
//! Everything runs on tokio's clock: under `#[tokio::test(start_paused = true)]` no test waits.
//! `docs/testing.md` in the repository shows how to test an application with it.
//!
//! ```
//! use std::time::Duration;
//! use seawall_testkit::{Script, Step};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let script = Script::new([Step::after(Duration::from_secs(1), Err("down")), Step::ok(7)]);
//! assert_eq!(script.run().await, Err("down"));
//! assert_eq!(script.run().await, Ok(7));
//! assert_eq!((script.started(), script.finished()), (2, 2));
//! # }
//! ```

mod alive;
#[cfg(feature = "allocations")]
mod allocations;
mod cancel;
mod recorder;
mod script;
mod switch;

pub use alive::{Alive, Token};
#[cfg(feature = "allocations")]
pub use allocations::{CountingAllocator, INSTRUMENTED_SYSTEM, allocations, at_once};
pub use cancel::{DropAfter, at_every_await, drop_after};
pub use recorder::Recorder;
pub use script::{Script, Step};
pub use switch::{Switch, SwitchCall, SwitchFuture};
