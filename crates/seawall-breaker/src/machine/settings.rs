//! A checked configuration, as the machine reads it.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use seawall_core::inspect::{Settings as Values, Value};
use seawall_core::{Backoff, Random};
use tokio_util::sync::CancellationToken;

use super::half_open::Probing;
use super::ramp::RampPlan;
use super::rules::{OUT_OF_REACH, Rules};
use super::window::{Window, WindowSize};
use crate::defaults;
use crate::time::{Nanos, finite, nanos};

/// Settings that few breakers have are in boxes, so that the others do not pay for their room.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) rules: Rules,
    /// Shared by all breakers with the default wait.
    pub(crate) wait: Arc<OpenWait>,
    pub(crate) probing: Probing,
    pub(crate) ramp: Option<Box<RampPlan>>,
    pub(crate) waiting: Option<Box<Waiting>>,
    pub(crate) abandoned: Abandoned,
    /// Whether each admission and each success is counted.
    pub(crate) tally: bool,
}

/// How long the open state refuses.
#[derive(Clone, Debug)]
pub(crate) struct OpenWait {
    pub(crate) backoff: Backoff,
    pub(crate) random: Random,
    /// After this long in the closed state, the next opening counts as the first.
    pub(crate) forget_after: Nanos,
    /// The longest wait that a failure may ask for; 0 where failures may not ask.
    pub(crate) max_retry_after: Nanos,
}

/// How callers beyond the probes wait for the verdict.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) callers: u32,
    pub(crate) timeout: Duration,
    /// Ends the waiting.
    pub(crate) shutdown: Option<CancellationToken>,
}

/// The next waits, drawn in advance: the backoff and its random source may be the user's code,
/// which must not run under the lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waits {
    /// After the first opening in a row.
    pub(crate) first: Nanos,
    /// After the next.
    pub(crate) next: Nanos,
}

/// How a call counts that was dropped before it had an outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Abandoned {
    /// It says nothing about the dependency: its slot comes back, nothing is recorded. The default,
    /// as callers go away for reasons of their own.
    #[default]
    Ignored,
    /// It is recorded as a failure. For callers that go away because no answer came.
    Failure,
}

impl Settings {
    pub(crate) fn window(&self, now: Nanos) -> Window {
        Window::new(self.rules.window, self.rules.slow().is_some(), now)
    }

    pub(crate) fn ramp(&self) -> Option<&RampPlan> {
        self.ramp.as_deref()
    }
}

impl OpenWait {
    /// The default, one value for all breakers.
    pub(crate) fn shared_default() -> Arc<Self> {
        static DEFAULT: LazyLock<Arc<OpenWait>> = LazyLock::new(|| {
            Arc::new(OpenWait {
                backoff: defaults::open_wait(),
                random: Random::thread(),
                forget_after: nanos(defaults::FORGET_AFTER),
                max_retry_after: nanos(defaults::MAX_RETRY_AFTER),
            })
        });
        Arc::clone(&DEFAULT)
    }

    /// The longest wait after `openings` in a row.
    pub(crate) fn longest(&self, openings: u32) -> Nanos {
        nanos(self.backoff.ceiling(openings)).max(self.max_retry_after)
    }

    /// The longest wait of its own, whatever the dependency asks for.
    pub(crate) fn longest_of_its_own(&self) -> Duration {
        self.backoff.ceiling(Backoff::MAX_LIST.into())
    }

    /// Draws the waits after `openings` in a row, the last of which waited for `last`.
    pub(crate) fn draw(&self, openings: u32, last: Option<Nanos>) -> Waits {
        let last = last.map(Duration::from_nanos);
        let next = openings.saturating_add(1);
        Waits {
            first: nanos(self.backoff.delay(1, None, &self.random)),
            next: nanos(self.backoff.delay(next, last, &self.random)),
        }
    }
}

impl Settings {
    /// The settings under the names of the builder's setters.
    pub(crate) fn values(&self) -> Values {
        let rules = &self.rules;
        let share = |rate: f64| (rate < OUT_OF_REACH).then_some(Value::Share(rate));
        let (count, span) = match rules.window {
            WindowSize::Absent => (None, None),
            WindowSize::Count { outcomes } => (Some(outcomes), None),
            WindowSize::Time { span, .. } => (None, Some(time(span))),
        };
        Values::new()
            .with("consecutive_failures", rules.consecutive.map(NonZeroU32::get))
            .with("failure_rate", share(rules.failure_rate))
            .with("slow_call_rate", rules.slow().map(|slow| Value::Share(slow.rate)))
            .with("slow_call_after", rules.slow().map(|slow| time(slow.after)))
            .with("open_when", rules.predicate().map(|_| Value::Code))
            .with("count_window", count)
            .with("time_window", span)
            .with("min_calls", rules.min_calls)
            .with("open_wait", self.wait.backoff.to_string())
            .with("forget_after", time(self.wait.forget_after))
            .with("max_retry_after", time(self.wait.max_retry_after))
            .with("probes", self.probing.probes)
            .with("probe_successes", self.probing.needed)
            .with("ramp", self.ramp.is_some())
            .with("wait_for_verdict", self.waiting.as_ref().map(|waiting| waiting.callers))
            .with("tally", self.tally)
    }
}

fn time(nanos: Nanos) -> Value {
    finite(nanos).map_or(Value::Never, Value::from)
}

impl fmt::Display for Settings {
    /// One line: when it opens, for how long, and what closes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = &self.rules;
        let mut separator = "opens at ";
        let mut separate = || std::mem::replace(&mut separator, " or ");
        if let Some(failures) = rules.consecutive {
            write!(f, "{}{failures} failures in a row", separate())?;
        }
        if rules.failure_rate < OUT_OF_REACH {
            write!(f, "{}{}% failed", separate(), percent(rules.failure_rate))?;
        }
        if let Some(slow) = rules.slow() {
            let after = Length(slow.after);
            write!(f, "{}{}% slower than {after}", separate(), percent(slow.rate))?;
        }
        if rules.predicate().is_some() {
            write!(f, "{}a predicate", separate())?;
        }
        match rules.window {
            WindowSize::Absent => {}
            WindowSize::Count { outcomes } => write!(f, " of the last {outcomes} calls")?,
            WindowSize::Time { span, .. } => write!(f, " within {}", Length(span))?,
        }
        let (probes, needed) = (self.probing.probes, self.probing.needed);
        write!(f, ", for {}; closes when {needed} of {probes} probes succeed", self.wait.backoff)
    }
}

fn percent(share: f64) -> f64 {
    (share * 1000.0).round() / 10.0
}

struct Length(Nanos);

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match finite(self.0) {
            Some(length) => write!(f, "{length:?}"),
            None => f.write_str("ever"),
        }
    }
}
