//! Why a shutdown began.

use std::fmt;

/// A signal that asks a process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Signal {
    /// SIGINT; ctrl-c on every platform.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGQUIT.
    Quit,
    /// Ctrl-break on Windows.
    CtrlBreak,
    /// The console window is closed, on Windows.
    CtrlClose,
}

impl Signal {
    /// Every signal that asks a process to end, on any platform.
    pub const TERMINATION: [Self; 5] =
        [Self::Interrupt, Self::Terminate, Self::Quit, Self::CtrlBreak, Self::CtrlClose];

    /// The signal's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::Quit => "SIGQUIT",
            Self::CtrlBreak => "ctrl-break",
            Self::CtrlClose => "ctrl-close",
        }
    }

    /// What a shell reports for a process that this signal ended: 128 plus its number.
    pub(crate) const fn exit_code(self) -> u8 {
        128 + match self {
            Self::Interrupt => 2,
            Self::Quit => 3,
            Self::Terminate => 15,
            // Windows has no numbers for these; 21 is SIGBREAK in its C library.
            Self::CtrlBreak | Self::CtrlClose => 21,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a shutdown began, or was forced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ShutdownReason {
    /// A signal arrived.
    Signal(Signal),
    /// A call asked for it, with this text.
    Requested(String),
    /// The main task ended: there is nothing left to do.
    Finished,
    /// A critical task ended, which has to run for as long as the process.
    #[non_exhaustive]
    TaskEnded {
        /// Its name.
        task: String,
    },
    /// A critical task failed or panicked.
    #[non_exhaustive]
    TaskFailed {
        /// Its name.
        task: String,
        /// What it failed with.
        error: String,
    },
    /// A critical guard was dropped.
    #[non_exhaustive]
    CriticalGuardDropped {
        /// Its name.
        name: String,
    },
    /// A subsystem failed, and was configured to end its parent.
    #[non_exhaustive]
    SubsystemFailed {
        /// Its name.
        subsystem: String,
        /// Why it ended.
        why: String,
    },
    /// The coordinator that this one belongs to shuts down.
    #[non_exhaustive]
    Parent {
        /// The parent's name.
        parent: String,
    },
}

impl ShutdownReason {
    /// A call asked for it, with this text.
    pub fn requested(why: impl Into<String>) -> Self {
        Self::Requested(why.into())
    }

    /// Whether it is a failure, as opposed to a request or an end.
    pub const fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::TaskEnded { .. }
                | Self::TaskFailed { .. }
                | Self::CriticalGuardDropped { .. }
                | Self::SubsystemFailed { .. }
        )
    }
}

impl From<&str> for ShutdownReason {
    fn from(why: &str) -> Self {
        Self::requested(why)
    }
}

impl From<String> for ShutdownReason {
    fn from(why: String) -> Self {
        Self::Requested(why)
    }
}

impl From<Signal> for ShutdownReason {
    fn from(signal: Signal) -> Self {
        Self::Signal(signal)
    }
}

impl fmt::Display for ShutdownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => signal.fmt(f),
            Self::Requested(why) => f.write_str(why),
            Self::Finished => f.write_str("finished"),
            Self::TaskEnded { task } => write!(f, "critical task '{task}' ended"),
            Self::TaskFailed { task, error } => {
                write!(f, "critical task '{task}' failed: {error}")
            }
            Self::CriticalGuardDropped { name } => {
                write!(f, "critical guard '{name}' was dropped")
            }
            Self::SubsystemFailed { subsystem, why } => {
                write!(f, "subsystem '{subsystem}' failed: {why}")
            }
            Self::Parent { parent } => write!(f, "'{parent}' shuts down"),
        }
    }
}
