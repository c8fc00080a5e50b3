//! Turns a panic of the operation into an error.

mod config;
mod event;
mod future;
mod policy;

pub use config::{OnAbort, PanicGuardBuilder};
pub use future::PanicGuardFuture;
pub use policy::{PanicGuard, PanicGuardCall};
