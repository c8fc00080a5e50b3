//! The rules: machines that get the time as an argument.

use std::time::Duration;

use super::flushes::Flushes;
use super::known::Known;
use super::window::Window;
use crate::store::SpikeConfig;
use crate::store::spike::Spike;
use crate::{Fingerprint, Record, Timestamp};

#[derive(Debug)]
pub(super) enum Rule {
    Pager { flushes: Flushes, per: Duration, limit: u64 },
    Rate { failures: Window, window: Duration, limit: u64 },
    Ratio { failures: Window, calls: Window, window: Duration, share: f64, min_calls: u64 },
    Spike { spike: Spike, config: SpikeConfig },
    New(Box<Known>),
    NoData { last: Timestamp, within: Duration },
    Canary { tag: String, last: Timestamp, within: Duration, seen: u64 },
}

/// What a rule finds.
#[derive(Debug)]
pub(super) enum Verdict {
    Holds(String),
    Not(String),
    Events(Vec<String>),
}

impl Rule {
    /// The rule begins to look at `now`.
    pub(super) fn begin(&mut self, now: Timestamp) {
        match self {
            Self::NoData { last, .. } | Self::Canary { last, .. } => *last = now,
            Self::New(known) => known.begin(now),
            Self::Pager { flushes, .. } => flushes.begin(now),
            Self::Rate { .. } | Self::Ratio { .. } | Self::Spike { .. } => {}
        }
    }

    /// Whether this is a canary's rule and `record` its canary.
    pub(super) fn is_canary(&self, record: &Record) -> bool {
        matches!(self, Self::Canary { tag, .. } if record.tag(tag).is_some())
    }

    /// Notes the canary. Says whether it is one of this rule.
    pub(super) fn saw_canary(&mut self, record: &Record, now: Timestamp) -> bool {
        match self {
            Self::Canary { tag, last, seen, .. } if record.tag(tag).is_some() => {
                *last = now.max(*last);
                *seen = seen.saturating_add(1);
                true
            }
            _ => false,
        }
    }

    /// A failure that is no canary.
    pub(super) fn failure(&mut self, record: &Record, now: Timestamp) {
        match self {
            Self::Rate { failures, .. } | Self::Ratio { failures, .. } => failures.add(1, now),
            Self::Spike { spike, config } => {
                spike.observe(1, now, config);
            }
            Self::New(known) => known.see(record, now),
            Self::NoData { last, .. } => *last = now.max(*last),
            Self::Canary { .. } | Self::Pager { .. } => {}
        }
    }

    /// A flush that delivered failures.
    pub(super) fn flushed(&mut self, failures: u64, now: Timestamp) {
        if let Self::Pager { flushes, .. } = self {
            flushes.add(failures, now);
        }
    }

    /// Calls that ended.
    pub(super) fn calls(&mut self, count: u64, now: Timestamp) {
        match self {
            Self::Ratio { calls, .. } => calls.add(count, now),
            Self::NoData { last, .. } => *last = now.max(*last),
            _ => {}
        }
    }

    pub(super) fn known(&self) -> Option<Vec<Fingerprint>> {
        match self {
            Self::New(known) => Some(known.all()),
            _ => None,
        }
    }

    pub(super) fn check(&mut self, now: Timestamp) -> Verdict {
        let holds = |holds: bool, text: String| {
            if holds { Verdict::Holds(text) } else { Verdict::Not(text) }
        };
        match self {
            Self::Pager { flushes, per, limit } => {
                let rate = flushes.rate(*per, now);
                let count = flushes.len();
                let text = format!(
                    "{rate:.1} failures in {per:?} over the last {count} flushes, limit {limit}"
                );
                holds(rate >= as_rate(*limit), text)
            }
            Self::Rate { failures, window, limit } => {
                let count = failures.sum(now);
                let text = format!("{count} failures in {window:?}, limit {limit}");
                holds(count >= *limit, text)
            }
            Self::Ratio { failures, calls, window, share, min_calls } => {
                let (failures, calls) = (failures.sum(now), calls.sum(now));
                let ratio = ratio(failures, calls);
                let limit = *share * 100.0;
                let text = format!(
                    "{failures} of {calls} calls failed in {window:?}, {:.1}%, limit {limit:.1}%",
                    ratio * 100.0
                );
                holds(calls >= *min_calls && ratio >= *share, text)
            }
            Self::Spike { spike, config } => {
                let on = spike.is_on(now, config);
                let text = if on { "far more failures than usual" } else { "as many as usual" };
                holds(on, text.to_owned())
            }
            Self::New(known) => Verdict::Events(known.take()),
            Self::NoData { last, within } => {
                let since = now.since(*last);
                holds(since >= *within, format!("nothing seen for {since:?}, limit {within:?}"))
            }
            Self::Canary { tag, last, within, seen } => {
                let since = now.since(*last);
                let text = format!(
                    "canary '{tag}' last seen {since:?} ago, limit {within:?}, {seen} in all"
                );
                holds(since >= *within, text)
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
fn as_rate(limit: u64) -> f64 {
    limit as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts of a window are far below 2^53")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
