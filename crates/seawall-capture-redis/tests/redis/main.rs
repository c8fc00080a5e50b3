//! The store on a server of its own. Where there is no `redis-server` the tests say so, and pass.

mod bounds;
mod conformance;
mod lifetimes;
mod machines;
mod once;
mod outages;
mod server;
mod sharing;
mod texts;
