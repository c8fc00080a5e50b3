//! The store on a server of its own. Where there is no `redis-server` the tests say so, and pass.

mod bounds;
#[cfg(feature = "cluster")]
mod cluster;
mod conformance;
mod half_a_script;
mod lifetimes;
mod machines;
mod model;
mod numbers;
mod once;
mod outages;
mod server;
mod sharing;
mod texts;
