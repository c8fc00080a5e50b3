//! Why a supervisor ended.

use std::fmt::{self, Display};

use seawall_core::{Class, Name, PanicReport};

use super::machine::ChildEnd;

/// A supervisor gave up, because a child would have been restarted once too often; or it was stopped and
/// dropped children that still ran when their [grace period](super::SupervisorBuilder::grace_period) was over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SupervisorError {
    /// The supervisor.
    pub supervisor: Name,
    /// The child, as `supervisor/child`.
    pub child: Name,
    /// How often that child was started.
    pub starts: u32,
    /// All children that were dropped while they ran, after the supervisor was stopped. `child` is the
    /// first of them. Empty if it gave up.
    pub dropped: Vec<Name>,
    pub(super) last: ChildEnd,
}

impl SupervisorError {
    /// The class of the child's last end: [`Class::Success`] where it returned `Ok`.
    pub const fn class(&self) -> Class {
        self.last.class()
    }

    /// The message of the child's last error, cut to
    /// [`MAX_MESSAGE`](seawall_core::panic::MAX_MESSAGE) bytes, if it ended with one.
    pub fn failed(&self) -> Option<&str> {
        match &self.last {
            ChildEnd::Failed(message) => Some(message),
            _ => None,
        }
    }

    /// The child's last panic, if it ended by one.
    pub const fn panicked(&self) -> Option<&PanicReport> {
        match &self.last {
            ChildEnd::Panicked(report) => Some(report),
            _ => None,
        }
    }
}

impl Display for SupervisorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { supervisor, child, starts, dropped, last } = self;
        if !dropped.is_empty() {
            let names: Vec<_> = dropped.iter().map(Name::as_str).collect();
            let (count, names) = (dropped.len(), names.join(", "));
            let unit = if count == 1 { "child" } else { "children" };
            return write!(
                f,
                "supervisor '{supervisor}': stopped; dropped {count} running {unit}: {names}"
            );
        }
        write!(
            f,
            "supervisor '{supervisor}': too many restarts; '{child}' was started {starts} times and "
        )?;
        match last {
            ChildEnd::Normal => f.write_str("ended normally"),
            ChildEnd::Failed(error) => write!(f, "failed: {error}"),
            ChildEnd::Panicked(report) => report.fmt(f),
            ChildEnd::Cancelled => f.write_str("was cancelled"),
        }
    }
}

impl std::error::Error for SupervisorError {}
