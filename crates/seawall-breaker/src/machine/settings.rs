//! A configuration that was checked, as the machine reads it.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use seawall_core::{Backoff, Random};
use tokio_util::sync::CancellationToken;

use super::half_open::Probing;
use super::ramp::RampPlan;
use super::rules::Rules;
use super::window::Window;
use crate::defaults;
use crate::time::{Nanos, nanos};

/// What most breakers do without is in a box, so that the others do not pay for its room.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) rules: Rules,
    /// One for all who did not ask for another.
    pub(crate) wait: Arc<OpenWait>,
    pub(crate) probing: Probing,
    pub(crate) ramp: Option<Box<RampPlan>>,
    pub(crate) waiting: Option<Box<Waiting>>,
    pub(crate) abandoned: Abandoned,
    /// Whether calls in flight and successes are counted one by one.
    pub(crate) tally: bool,
}

/// How long the open state refuses.
#[derive(Clone, Debug)]
pub(crate) struct OpenWait {
    pub(crate) backoff: Backoff,
    pub(crate) random: Random,
    /// Closed for this long, the next opening counts as the first again.
    pub(crate) forget_after: Nanos,
    /// The longest wait that a failure's own hint may ask for; 0 where hints are not heeded.
    pub(crate) longest_hint: Nanos,
}

/// How callers beyond the probes wait for the verdict.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) callers: u32,
    pub(crate) longest: Duration,
    /// Ends the waiting.
    pub(crate) shutdown: Option<CancellationToken>,
}

/// The next waits, drawn in advance: the backoff and its chance may be the user's code, which must
/// not run under the lock, and the machine stays without chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waits {
    /// After the first opening in a row.
    pub(crate) first: Nanos,
    /// After the next.
    pub(crate) next: Nanos,
}

/// What a call counts as that was dropped before it had an outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Abandoned {
    /// It says nothing about the dependency: its slot comes back, nothing is recorded. The default,
    /// as callers go away for reasons of their own.
    #[default]
    Ignored,
    /// It is recorded as a failure: for callers who go away because nothing came.
    Failure,
}

impl Settings {
    pub(crate) fn window(&self, now: Nanos) -> Window {
        Window::new(self.rules.window, self.rules.slow().is_some(), now)
    }
}

impl OpenWait {
    /// What is waited where nothing was said.
    pub(crate) fn usual() -> Arc<Self> {
        static USUAL: LazyLock<Arc<OpenWait>> = LazyLock::new(|| {
            Arc::new(OpenWait {
                backoff: defaults::open_wait(),
                random: Random::thread(),
                forget_after: nanos(defaults::FORGET_AFTER),
                longest_hint: nanos(defaults::MAX_HINT),
            })
        });
        Arc::clone(&USUAL)
    }

    /// Draws the waits for when there were `openings` in a row, the last of which waited `last`.
    pub(crate) fn draw(&self, openings: u32, last: Option<Nanos>) -> Waits {
        let last = last.map(Duration::from_nanos);
        let next = openings.saturating_add(1);
        Waits {
            first: nanos(self.backoff.delay(1, None, &self.random)),
            next: nanos(self.backoff.delay(next, last, &self.random)),
        }
    }
}
