//! What is said to who comes too late.

/// A request or task that came too late: the process is shutting down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("shutting down")]
#[non_exhaustive]
pub struct ShuttingDown;

/// A step that was registered but will not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Its phase is over, or the whole shutdown.
    #[error("step '{step}' came too late: phase '{phase}' is over")]
    #[non_exhaustive]
    TooLate {
        /// The step.
        step: String,
        /// The phase it was meant for.
        phase: String,
    },
    /// There is no such phase.
    #[error("step '{step}' is for phase '{phase}', which does not exist")]
    #[non_exhaustive]
    NoSuchPhase {
        /// The step.
        step: String,
        /// The phase it was meant for.
        phase: String,
    },
    /// It waits for a step that does not exist, or that runs in a later phase.
    #[error("step '{step}' is to run after '{after}', which is not a step of its phase or before")]
    #[non_exhaustive]
    NoSuchStep {
        /// The step.
        step: String,
        /// What it was to run after.
        after: String,
    },
    /// Its name is empty, or a step of this name exists.
    #[error("there is a step '{step}' already, or the name is empty")]
    #[non_exhaustive]
    NameTaken {
        /// The step.
        step: String,
    },
    /// There are [`Shutdown::MAX_STEPS`](crate::Shutdown::MAX_STEPS) already.
    #[error("step '{step}' is one too many")]
    #[non_exhaustive]
    TooMany {
        /// The step.
        step: String,
    },
    /// The reserved slices together would be longer than the grace period.
    #[error("step '{step}' reserves more time than the grace period has left")]
    #[non_exhaustive]
    ReserveTooLong {
        /// The step.
        step: String,
    },
}
