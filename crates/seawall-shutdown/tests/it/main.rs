//! The tests of `seawall-shutdown` that need no process of their own.

mod counts;
mod critical;
mod graph;
mod liveness;
mod phases;
mod pool;
mod report;
mod shutdown_gate;
mod subsystems;
mod supervise;
mod wakers_of_futures_that_went_are_kept;
