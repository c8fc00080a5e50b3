//! Rehearse an outage that has not happened yet, with the pipeline that you ship.
//!
//! A [`Scenario`] says what the servers are, how they are called, and what goes wrong: it is a TOML file, or
//! a text. The servers are computed, and tokio's paused clock jumps from event to event, so that
//! a minute of 700 calls a second takes a tenth of a second and is the same each time. What runs in it
//! is the pipeline itself, not a model of it.
//!
//! - In a test: [`rehearse`].
//! - Several stacks compared, with a report as table, JSON, `JUnit` or page: [`Rehearsal`].
//! - One setting after the other: [`Sweep`]. The load from which on a stack does not come back by
//!   itself: [`find_load`].
//! - Worlds that nobody thought of: [`RandomRehearsal`].
//!
//! # What is measured
//!
//! [`Figures`] has all of it. The first is **loss**: calls without an answer by their own deadline, from
//! the first fault until ten seconds after the last, in seconds of the load. The bound is a client
//! that [knows everything](Stack::omniscient) about the servers at each instant; a stack's share
//! of what that one gains in comparison with no protection is its **gain**.
//!
//! # Randomness
//!
//! Arrivals, service times and failures follow from the seed and from the number of the call or request,
//! so that all stacks meet the same. The policies draw from the [`Random`](seawall::Random) that
//! `build` is given; a policy that draws from anywhere else makes a run differ from the next.
//!
//! # Limits
//!
//! One hop: a chain of services is not played. Servers are alike, and as fast with a long queue as with
//! a short one. There is no network, except that connections are refused and requests vanish.

// The README's code compiles and runs as it is written.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
#[cfg(doctest)]
#[doc = include_str!("../../../docs/rehearse.md")]
struct Guide;

mod arrivals;
mod chance;
mod figures;
mod histogram;
mod in_tests;
mod random_rehearsal;
mod random_worlds;
mod record;
mod rehearsal;
mod replay;
mod report;
mod run;
mod scenario;
mod search;
mod stack;
mod time;
mod world;

pub use figures::Figures;
pub use in_tests::{Rehearsed, rehearse};
pub use random_rehearsal::{Cell, RandomRehearsal, RandomReport, Share};
pub use random_worlds::Worlds;
pub use rehearsal::{Progress, Rehearsal, Unplayable};
pub use replay::{Replayed, replay};
pub use report::{FaultReport, Report, StackReport, Timeline, Verdict};
pub use run::{Calling, Clock, Request, Sending};
pub use scenario::{Mistakes, Scenario};
pub use search::{Sweep, Threshold, find_load};
pub use stack::{Client, Converted, Sender, Stack};
pub use world::Answer;
