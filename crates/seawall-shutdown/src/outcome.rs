//! How a step ends.

use std::fmt;

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Outcome {
    /// It ended without an error.
    Done,
    /// It returned an error with this text.
    Failed(String),
    /// It panicked with this message.
    Panicked(String),
    /// It was not over at its deadline. An async step was cancelled.
    TimedOut,
    /// It was cancelled because the shutdown was forced, or because its runtime was dropped.
    Aborted,
    /// It was not started: no time was left for it, or the shutdown was forced before its turn.
    Skipped,
}

impl Outcome {
    /// A label for metrics, in snake case.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Panicked(_) => "panicked",
            Self::TimedOut => "timed_out",
            Self::Aborted => "aborted",
            Self::Skipped => "skipped",
        }
    }

    /// Whether it ended without an error.
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Aborted => f.write_str("aborted"),
            Self::Skipped => f.write_str("skipped"),
        }
    }
}

/// The output of a step or of a critical task: `()`, a `Result` whose error can be displayed, or `!`.
pub trait StepOutput {
    /// The text of the error, if there was one.
    fn into_error(self) -> Option<String>;
}

impl StepOutput for () {
    fn into_error(self) -> Option<String> {
        None
    }
}

impl<E: fmt::Display> StepOutput for Result<(), E> {
    fn into_error(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}

/// `!`, which has no name on stable Rust yet, as the output of a function that never returns.
type Never = <fn() -> ! as Returns>::Output;

/// A function without arguments. Public only because an implementation below names it.
pub trait Returns {
    /// Its output.
    type Output;
}

impl<T> Returns for fn() -> T {
    type Output = T;
}

impl StepOutput for Never {
    fn into_error(self) -> Option<String> {
        self
    }
}
