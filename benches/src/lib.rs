//! The cost of a call with seawall, and with its peers in the same run.
//!
//! A [`Case`] is one measured thing. The same list of cases is counted under callgrind
//! ([`callgrind`]), timed by Criterion and watched by a counting allocator, always through the
//! same loop ([`drive`]). How to run and how to add one: `README.md` of this package.

pub mod callgrind;
pub mod case;
pub mod cases;
pub mod compare;
pub mod drive;
pub mod growth;
pub mod machine;
pub mod operation;
pub mod plot;
pub mod report;
pub mod sizes;
pub mod throughput;
#[cfg(feature = "criterion")]
pub mod wall;

pub use case::{Case, Subject, Work};
pub use drive::{
    in_runtime, in_runtime_with, plain, poll, polled, polled_in_runtime, prepared_in_runtime,
};
