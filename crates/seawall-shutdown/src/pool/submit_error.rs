use std::fmt;

/// A job that was not accepted, and why. The job is inside.
#[derive(PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError<J> {
    /// The queue has no room for another job.
    #[error("the queue is full")]
    Full(J),
    /// The pool takes no more jobs.
    #[error("shutting down")]
    ShuttingDown(J),
}

impl<J> fmt::Debug for SubmitError<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::ShuttingDown(_) => "ShuttingDown(..)",
        })
    }
}

impl<J> SubmitError<J> {
    /// The job.
    pub fn into_job(self) -> J {
        match self {
            Self::Full(job) | Self::ShuttingDown(job) => job,
        }
    }
}
