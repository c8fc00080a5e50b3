//! Errors for what comes too late or can't be.

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
    /// It comes after a step that does not exist, or that runs in a later phase.
    #[error(
        "step '{step}' comes after '{after}', which is not a step of its phase or an earlier one"
    )]
    #[non_exhaustive]
    NoSuchStep {
        /// The step.
        step: String,
        /// The name that it comes after.
        after: String,
    },
    /// Its name is empty, or a step of this name exists.
    #[error("the name '{step}' is empty or taken by another step")]
    #[non_exhaustive]
    NameTaken {
        /// The step.
        step: String,
    },
    /// There are [`Shutdown::MAX_STEPS`](crate::Shutdown::MAX_STEPS) already.
    #[error("step '{step}' exceeds the maximum of {} steps", crate::Shutdown::MAX_STEPS)]
    #[non_exhaustive]
    TooMany {
        /// The step.
        step: String,
    },
    /// The reserves together would be longer than what is left of the grace period.
    #[error("step '{step}' reserves more time than the grace period has left")]
    #[non_exhaustive]
    ReserveTooLong {
        /// The step.
        step: String,
    },
}
