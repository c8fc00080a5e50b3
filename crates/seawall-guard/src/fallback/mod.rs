//! Answers in the operation's place when it fails.

mod config;
mod event;
mod future;
mod permit;
mod policy;
mod substitute;

pub use config::FallbackBuilder;
pub use config::default_classes;
pub use future::FallbackFuture;
pub use policy::{Fallback, FallbackCall};
pub use substitute::{Begun, Or, OrAnswer, Substitute, TryWith, Value, With, WithAsync};
