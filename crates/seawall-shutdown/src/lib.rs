//! Graceful shutdown that reports what it left behind.

mod config;
mod critical;
mod drive;
mod gate;
mod in_flight;
mod liveness;
mod machine;
mod outcome;
mod phase;
mod plan;
mod policy;
mod pool;
mod readiness;
mod reason;
mod refused;
mod report;
mod shutdown;
mod step;
mod subsystem;
mod supervise;
mod sync;
mod tasks;
mod trigger;
mod watch;

pub use config::{DEFAULT_GRACE_PERIOD, DRAIN_DELAY_PERCENT, ShutdownBuilder};
pub use critical::VitalityToken;
pub use in_flight::{Drained, InFlight, InFlightGuard, OwnedInFlightGuard};
pub use liveness::{Heartbeat, Liveness, Stalled};
pub use outcome::{Outcome, StepOutput};
pub use phase::Phase;
pub use policy::{ShutdownGate, ShutdownGateBuilder, ShutdownGateCall, ShutdownGateFuture};
pub use pool::{
    DEFAULT_QUEUE, DEFAULT_WORKERS, PoolCounts, SubmitError, WorkerPool, WorkerPoolBuilder,
};
pub use readiness::Readiness;
pub use reason::{ShutdownReason, Signal};
pub use refused::{RegisterError, ShuttingDown};
pub use report::{FailedTask, LeftBehind, LeftBehindKind, PhaseReport, Report, StepReport};
pub use shutdown::Shutdown;
pub use step::Step;
pub use subsystem::OnFailure;
pub use tasks::TaskCounts;
