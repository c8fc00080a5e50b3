//! Rules that say when somebody has to look.
//!
//! | rule | raised when | resolved when |
//! |---|---|---|
//! | [`pager`](AlarmsBuilder::pager) | over the last flushes, a number of failures in a time were delivered | time passes, or later flushes hold fewer |
//! | [`rate`](AlarmsBuilder::rate) | a number of failures came within a window | fewer did |
//! | [`ratio`](AlarmsBuilder::ratio) | so large a share of calls failed within a window, of enough calls | a smaller one did, or of too few |
//! | [`spike`](AlarmsBuilder::spike) | a bucket holds far more than the median of those before; see [`SpikeConfig`] | enough buckets were calm |
//! | [`new_fingerprints`](AlarmsBuilder::new_fingerprints) | a failure came that was never seen | never: each is a notice of its own |
//! | [`no_data`](AlarmsBuilder::no_data) | neither a failure nor a call was seen for a time | one is |
//! | [`canary`](AlarmsBuilder::canary) | marked failures stopped coming | one comes |
//!
//! A rule that was resolved is not raised again before its cool-down is over. Everything runs on
//! the [`Clock`] that the builder was given, and nothing happens by itself:
//! [`check`](Alarms::check) says what changed, so call it every few seconds.
//!
//! ```
//! use std::time::Duration;
//! use seawall_capture::{Alarms, Capture, Draft};
//!
//! # fn main() -> Result<(), seawall_core::ConfigError> {
//! let alarms = Alarms::builder().rate("pager", 100, Duration::from_secs(300)).build()?;
//! let capture = Capture::builder().service("billing").observer(alarms.clone()).build()?;
//! for _ in 0..100 {
//!     capture.record(Draft::new("Gone", "it is gone"));
//! }
//! let notices = alarms.check();
//! assert_eq!(notices[0].to_string(), "raised: pager: 100 failures in 300s, limit 100");
//! # Ok(())
//! # }
//! ```
//!
//! What is not here: thresholds that learn from the time of day or the day of the week.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;

use crate::spool::{KNOWN, LEARNING};
use crate::store::Seen;
use crate::{Clock, Fingerprint, Observer, Record, Spool, Timestamp};

pub use crate::store::SpikeConfig;
pub use config::AlarmsBuilder;
use memory::Telling;
use rule::{Rule, Verdict};

mod config;
mod flushes;
mod known;
mod memory;
mod rule;
mod window;

/// What a rule says.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Notice {
    /// The rule's name.
    pub rule: String,
    /// Whether it begins or is over.
    pub state: NoticeState,
    /// When it was found out.
    pub at: Timestamp,
    /// Why, in words that may leave the process.
    pub text: String,
}

/// Whether something begins or is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeState {
    /// It begins.
    Raised,
    /// It is over.
    Resolved,
}

impl fmt::Debug for Notice {
    /// Without the text, which may say what failed; that is what `Display` is for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice")
            .field("rule", &self.rule)
            .field("state", &self.state)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            NoticeState::Raised => "raised",
            NoticeState::Resolved => "resolved",
        };
        write!(f, "{state}: {}: {}", self.rule, self.text)
    }
}

/// Holds rules against what is captured. Clones share them.
#[derive(Clone)]
pub struct Alarms {
    inner: Arc<Inner>,
    /// Held so that it is written as long as the alarms are there.
    _spool: Option<Spool>,
}

struct Inner {
    clock: Clock,
    state: Mutex<State>,
    telling: Mutex<Telling>,
}

struct State {
    rules: Vec<Armed>,
    cool_down: std::time::Duration,
}

/// A rule and whether it is raised.
struct Armed {
    name: String,
    rule: Rule,
    raised: bool,
    resolved_at: Option<Timestamp>,
}

impl Alarms {
    /// A builder without rules.
    pub fn builder() -> AlarmsBuilder {
        AlarmsBuilder::default()
    }

    fn of(
        rules: Vec<(String, Rule)>,
        cool_down: std::time::Duration,
        clock: Clock,
        spool: Option<(Spool, u64)>,
    ) -> Self {
        let now = clock.steady();
        let armed = |(name, mut rule): (String, Rule)| {
            rule.begin(now);
            Armed { name, rule, raised: false, resolved_at: None }
        };
        let rules = rules.into_iter().map(armed).collect();
        let state = Mutex::new(State { rules, cool_down });
        let inner = Arc::new(Inner { clock, state, telling: Mutex::default() });
        if let Some((spool, unread)) = &spool {
            spool.attach(&[KNOWN, LEARNING], Arc::clone(&inner) as _, *unread);
        }
        Self { inner, _spool: spool.map(|(spool, _)| spool) }
    }

    /// Says that `calls` calls ended, failed or not: what [`ratio`](AlarmsBuilder::ratio) compares
    /// failures with, and a sign of life for [`no_data`](AlarmsBuilder::no_data).
    pub fn calls(&self, calls: u64) {
        let now = self.inner.clock.steady();
        for armed in &mut self.inner.state.lock().rules {
            armed.rule.calls(calls, now);
        }
    }

    /// Says that a flush delivered `failures`: what [`pager`](AlarmsBuilder::pager) looks at. A
    /// [`Digester`](crate::Digester) that was [given](crate::digest::DigesterBuilder::alarms) the
    /// alarms calls this for each digest that it makes; callers that take from a store by hand call it
    /// for each batch.
    /// [Canaries](AlarmsBuilder::canary) are not among the failures that a digester counts; callers
    /// that count by hand leave them out.
    pub fn flushed(&self, failures: u64) {
        let now = self.inner.clock.steady();
        for armed in &mut self.inner.state.lock().rules {
            armed.rule.flushed(failures, now);
        }
    }

    /// What changed since it was last asked, in the order of the rules.
    pub fn check(&self) -> Vec<Notice> {
        let (now, at) = (self.inner.clock.steady(), self.inner.clock.now());
        let mut state = self.inner.state.lock();
        let cool_down = state.cool_down;
        state.rules.iter_mut().flat_map(|armed| armed.check(cool_down, now, at)).collect()
    }

    /// Whether `record` is a canary.
    pub(crate) fn is_canary(&self, record: &Record) -> bool {
        self.inner.state.lock().rules.iter().any(|armed| armed.rule.is_canary(record))
    }

    /// The fingerprints that [`new_fingerprints`](AlarmsBuilder::new_fingerprints) knows, the oldest
    /// first. A [spool](AlarmsBuilder::spool) keeps them over a restart; without one they can be
    /// given to the next [`known`](AlarmsBuilder::known).
    pub fn known(&self) -> Vec<Fingerprint> {
        let state = self.inner.state.lock();
        state.rules.iter().find_map(|armed| armed.rule.known()).unwrap_or_default()
    }
}

impl Armed {
    fn check(
        &mut self,
        cool_down: std::time::Duration,
        now: Timestamp,
        at: Timestamp,
    ) -> Vec<Notice> {
        let notice = |state, text| Notice { rule: self.name.clone(), state, at, text };
        match self.rule.check(now) {
            Verdict::Events(texts) => {
                texts.into_iter().map(|text| notice(NoticeState::Raised, text)).collect()
            }
            Verdict::Holds(text) => {
                let cooling = self.resolved_at.is_some_and(|at| now.since(at) < cool_down);
                if self.raised || cooling {
                    return Vec::new();
                }
                let notice = notice(NoticeState::Raised, text);
                self.raised = true;
                vec![notice]
            }
            Verdict::Not(text) => {
                if !self.raised {
                    return Vec::new();
                }
                let notice = notice(NoticeState::Resolved, text);
                self.raised = false;
                self.resolved_at = Some(now);
                vec![notice]
            }
        }
    }
}

impl Observer for Alarms {
    fn on_record(&self, record: &Record, seen: Seen) {
        let now = self.inner.clock.steady();
        let rules = &mut self.inner.state.lock().rules;
        // Canaries are counted apart: they are there to be seen, not to alarm.
        let mut canary = false;
        for armed in rules.iter_mut() {
            canary |= armed.rule.saw_canary(record, now);
        }
        if canary || seen == Seen::Muted {
            return;
        }
        for armed in rules.iter_mut() {
            armed.rule.failure(record, now);
        }
    }
}

impl fmt::Debug for Alarms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.inner.state.lock();
        f.debug_list().entries(state.rules.iter().map(|armed| &armed.name)).finish()
    }
}
