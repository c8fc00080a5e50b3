//! The report of a shutdown.

use std::fmt;
use std::time::Duration;

use crate::{Outcome, ShutdownReason, TaskCounts};

/// How a shutdown went: why it began, what ran, how long it took, what was left behind.
///
/// `Display` is for logs: one line as a summary, one for each phase, one for each step. With the
/// feature `serde` it can be serialised, with times in seconds.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Report {
    /// The name of the coordinator.
    pub name: String,
    /// Why the shutdown began.
    pub reason: ShutdownReason,
    /// Why it was forced, if it was.
    pub forced: Option<ShutdownReason>,
    /// From its beginning to its end.
    #[cfg_attr(feature = "serde", serde(serialize_with = "seconds"))]
    pub total: Duration,
    /// The phases, in order. A phase that was not entered, because the end was forced, is there if
    /// it had a step.
    pub phases: Vec<PhaseReport>,
    /// What still ran when its time was over, by name.
    pub left_behind: Vec<LeftBehind>,
    /// How many more were left behind than [`left_behind`](Self::left_behind) lists.
    pub left_behind_unlisted: usize,
    /// How the tracked tasks ended.
    pub tasks: TaskCounts,
    /// Critical tasks that failed after the shutdown had begun.
    pub failed_tasks: Vec<FailedTask>,
    /// How many more failed than [`failed_tasks`](Self::failed_tasks) lists.
    pub failed_tasks_unlisted: usize,
    /// How many panics of hooks were contained.
    pub panicked_hooks: usize,
    /// The reports of the subsystems, in the order in which they ended.
    pub subsystems: Vec<Report>,
    /// How many more there were than [`subsystems`](Self::subsystems) lists.
    pub subsystems_unlisted: usize,
}

/// How a phase went.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PhaseReport {
    /// Its name.
    pub name: String,
    /// Whether it was entered. If not, its steps were skipped.
    pub entered: bool,
    /// How long it took.
    #[cfg_attr(feature = "serde", serde(serialize_with = "seconds"))]
    pub elapsed: Duration,
    /// Its steps, in the order in which they were given.
    pub steps: Vec<StepReport>,
}

/// How a step went.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StepReport {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    #[cfg_attr(feature = "serde", serde(serialize_with = "seconds"))]
    pub elapsed: Duration,
}

/// Something that still ran when its time was over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LeftBehind {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: LeftBehindKind,
}

/// What was left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LeftBehindKind {
    /// An async step. It was cancelled, which takes effect at its next await.
    Step,
    /// A step on a thread of its own, which can't be cancelled: it runs until the process ends.
    BlockingStep,
    /// A tracked task. It was aborted, which takes effect at its next await.
    Task,
    /// A tracked blocking task, which can't be cancelled: it runs until the process ends.
    BlockingTask,
    /// This many requests in flight.
    Requests(usize),
}

/// A critical task that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FailedTask {
    /// Its name.
    pub name: String,
    /// The text of its error.
    pub error: String,
}

impl Report {
    /// The longest that [`left_behind`](Self::left_behind), [`failed_tasks`](Self::failed_tasks) and
    /// [`subsystems`](Self::subsystems) get.
    pub const MAX_LISTED: usize = 100;

    /// Whether every step ended without an error, no critical task failed after the shutdown began,
    /// nothing was left behind and the end was not forced. Why the shutdown began does not matter.
    pub fn is_clean(&self) -> bool {
        self.forced.is_none()
            && self.left_behind.is_empty()
            && self.failed_tasks.is_empty()
            && self.steps().all(|step| step.outcome.is_done())
            && self.subsystems.iter().all(Self::is_clean)
    }

    /// The steps of all phases.
    pub fn steps(&self) -> impl Iterator<Item = &StepReport> {
        self.phases.iter().flat_map(|phase| &phase.steps)
    }

    /// The step of this name.
    pub fn step(&self, name: &str) -> Option<&StepReport> {
        self.steps().find(|step| step.name == name)
    }

    /// The exit code for the process. The first line that holds counts:
    ///
    /// | code | meaning |
    /// |---:|---|
    /// | 128 + n | forced by signal n, as shells report it: 130 for SIGINT, 143 for SIGTERM |
    /// | 5 | forced by a call |
    /// | 4 | something ran out of time, was left behind or skipped |
    /// | 3 | a step failed or panicked, or a critical task did after the shutdown had begun |
    /// | 1 | the shutdown was clean, but began because something failed |
    /// | 0 | clean |
    pub fn exit_code(&self) -> u8 {
        match &self.forced {
            Some(ShutdownReason::Signal(signal)) => return signal.exit_code(),
            Some(_) => return 5,
            None => {}
        }
        let own = if !self.left_behind.is_empty()
            || self.any(|outcome| {
                matches!(outcome, Outcome::TimedOut | Outcome::Aborted | Outcome::Skipped)
            }) {
            4
        } else if !self.failed_tasks.is_empty() || self.any(|outcome| !outcome.is_done()) {
            3
        } else {
            0
        };
        let subsystems = self.subsystems.iter().filter(|report| !report.is_clean());
        let worst = subsystems.map(Self::exit_code).max().unwrap_or(0).max(own);
        if worst == 0 && self.reason.is_failure() { 1 } else { worst }
    }

    fn any(&self, is: impl Fn(&Outcome) -> bool) -> bool {
        self.steps().any(|step| is(&step.outcome))
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
        let Self { name, reason, .. } = self;
        let how = match (&self.forced, self.is_clean()) {
            (Some(_), _) => "forced",
            (None, true) => "clean",
            (None, false) => "not clean",
        };
        write!(f, "{:indent$}shutdown of '{name}' ({reason}): {how} in {:.3?}", "", self.total)?;
        if let Some(forced) = &self.forced {
            write!(f, " by {forced}")?;
        }
        for phase in &self.phases {
            write!(f, "\n{:indent$}  phase '{}' ", "", phase.name)?;
            if phase.entered {
                write!(f, "in {:.3?}", phase.elapsed)?;
            } else {
                f.write_str("not entered")?;
            }
            for step in &phase.steps {
                write!(f, "\n{:indent$}    {}: {}", "", step.name, step.outcome)?;
                if step.outcome != Outcome::Skipped {
                    write!(f, " in {:.3?}", step.elapsed)?;
                }
            }
        }
        for left in &self.left_behind {
            write!(f, "\n{:indent$}  left behind: {left}", "")?;
        }
        if self.left_behind_unlisted > 0 {
            let more = self.left_behind_unlisted;
            write!(f, "\n{:indent$}  left behind: {more} more", "")?;
        }
        for task in &self.failed_tasks {
            write!(f, "\n{:indent$}  critical task '{}' failed: {}", "", task.name, task.error)?;
        }
        if self.failed_tasks_unlisted > 0 {
            let more = self.failed_tasks_unlisted;
            write!(f, "\n{:indent$}  critical tasks failed: {more} more", "")?;
        }
        for report in &self.subsystems {
            f.write_str("\n")?;
            report.write(f, indent + 2)?;
        }
        if self.subsystems_unlisted > 0 {
            write!(f, "\n{:indent$}  subsystems: {} more", "", self.subsystems_unlisted)?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl fmt::Display for LeftBehind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.kind {
            LeftBehindKind::Step => write!(f, "step '{name}'"),
            LeftBehindKind::BlockingStep => write!(f, "blocking step '{name}', still running"),
            LeftBehindKind::Task => write!(f, "task '{name}'"),
            LeftBehindKind::BlockingTask => write!(f, "blocking task '{name}', still running"),
            LeftBehindKind::Requests(count) => write!(f, "{count} requests in flight"),
        }
    }
}

#[cfg(feature = "serde")]
fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}
