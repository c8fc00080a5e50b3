//! Steps: the user's code that a shutdown runs.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::{Outcome, StepOutput};

/// Code that a shutdown runs: once, in its phase, within its time.
///
/// An async step runs as a task of its own, a blocking step on a thread of its own; so a step that
/// panics, fails, hangs or blocks its thread affects no other.
///
/// ```
/// use std::time::Duration;
/// use seawall_shutdown::{Phase, Shutdown, Step};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shutdown = Shutdown::builder()
///     .step(Phase::FLUSH, Step::new("metrics", || async { Ok::<_, std::io::Error>(()) }))
///     .step(
///         Phase::FLUSH,
///         Step::blocking("write-ahead log", || std::fs::write("/dev/null", b"checkpoint"))
///             .limit(Duration::from_secs(3))
///             .reserve(Duration::from_secs(2)),
///     )
///     .build()?;
/// # drop(shutdown);
/// # Ok(())
/// # }
/// ```
#[must_use = "a step runs only if it is given to a shutdown"]
pub struct Step {
    pub(crate) name: String,
    pub(crate) limit: Option<Duration>,
    pub(crate) reserve: Duration,
    pub(crate) after: Vec<String>,
    pub(crate) body: Body,
}

pub(crate) type StepFuture = Pin<Box<dyn Future<Output = Option<String>> + Send>>;
type MakeFuture = Box<dyn FnOnce() -> StepFuture + Send>;
pub(crate) type Blocking = Box<dyn FnOnce() -> Option<String> + Send>;

pub(crate) enum Body {
    Async(MakeFuture),
    Blocking(Blocking),
    Builtin(Builtin),
}

/// What the coordinator itself does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    ReadinessOff,
    Delay,
    StopIntake,
    Requests,
    Tasks,
}

impl Step {
    /// A step that awaits a future. Its output is `()`, a `Result` whose error can be displayed, or
    /// `!`.
    pub fn new<F, Fut>(name: impl Into<String>, make: F) -> Self
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output: StepOutput> + Send + 'static,
    {
        let make = || -> StepFuture { Box::pin(async move { make().await.into_error() }) };
        Self::with_body(name.into(), Body::Async(Box::new(make)))
    }

    /// A step that blocks its thread. It runs on a thread of its own, so that it finds one even
    /// if the runtime's blocking pool is exhausted. It can't be cancelled: if it still runs when
    /// its time is over, it is left behind and named in the report. A paused clock, as in tests,
    /// stands still until the step is over, so a step must end there.
    pub fn blocking<F, R>(name: impl Into<String>, run: F) -> Self
    where
        F: FnOnce() -> R + Send + 'static,
        R: StepOutput,
    {
        let run = || run().into_error();
        Self::with_body(name.into(), Body::Blocking(Box::new(run)))
    }

    fn with_body(name: String, body: Body) -> Self {
        Self { name, limit: None, reserve: Duration::ZERO, after: Vec::new(), body }
    }

    /// The longest that the step may take. Default: only its phase bounds it.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Keeps this much of the grace period for the step, even if everything before it hangs.
    /// Default: none of its own; its phase may have a reserve.
    pub fn reserve(mut self, reserve: Duration) -> Self {
        self.reserve = reserve;
        self
    }

    /// Begins the step when the step of this name has ended, whatever its outcome. That step has to
    /// be in the same phase or an earlier one. May be called more than once.
    pub fn after(mut self, step: impl Into<String>) -> Self {
        self.after.push(step.into());
        self
    }

    /// The step's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Builtin {
    pub(crate) const fn step_name(self) -> &'static str {
        match self {
            Self::ReadinessOff => "readiness off",
            Self::Delay => "drain delay",
            Self::StopIntake => "intake",
            Self::Requests => "requests",
            Self::Tasks => "tasks",
        }
    }

    /// The outcome when its own limit ends it.
    pub(crate) const fn at_limit(self) -> Outcome {
        match self {
            Self::Delay => Outcome::Done,
            _ => Outcome::TimedOut,
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step")
            .field("name", &self.name)
            .field("limit", &self.limit)
            .field("reserve", &self.reserve)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
