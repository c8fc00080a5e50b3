//! Graceful shutdown that reports what it left behind.

mod config;
mod critical;
mod drive;
mod gate;
mod health;
mod in_flight;
mod machine;
mod outcome;
mod phase;
mod plan;
mod policy;
mod reason;
mod refused;
mod report;
mod shutdown;
mod step;
mod sync;
mod tasks;
mod trigger;
mod watch;

pub use config::{DEFAULT_GRACE_PERIOD, DRAIN_DELAY_PERCENT, ShutdownBuilder};
pub use critical::VitalityToken;
pub use health::Readiness;
pub use in_flight::{Drained, InFlight, InFlightGuard, OwnedInFlightGuard};
pub use outcome::{Outcome, StepOutput};
pub use phase::Phase;
pub use policy::{ShutdownGate, ShutdownGateBuilder, ShutdownGateCall, ShutdownGateFuture};
pub use reason::{ShutdownReason, Signal};
pub use refused::{RegisterError, ShuttingDown};
pub use report::{FailedTask, LeftBehind, LeftBehindKind, PhaseReport, Report, StepReport};
pub use shutdown::Shutdown;
pub use step::Step;
pub use tasks::TaskCounts;
