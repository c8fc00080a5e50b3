//! The refusal of new calls, as a policy of a pipeline.

pub use config::ShutdownGateBuilder;
pub use policy::ShutdownGate;

mod config;
mod policy;
mod shared;
mod token_flag;
