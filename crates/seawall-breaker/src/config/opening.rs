//! The settings that open the circuit, and their checks.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::ConfigError;

use super::{BreakerBuilder, CHECK, Shown};
use crate::defaults;
use crate::machine::{OUT_OF_REACH, RareRules, Rules, SlowRule, WindowCounts, WindowSize};
use crate::time::nanos;

impl BreakerBuilder {
    /// Opens after this many failures in a row, at least 1. Default:
    /// [`CONSECUTIVE_FAILURES`](defaults::CONSECUTIVE_FAILURES).
    pub fn consecutive_failures(mut self, failures: u32) -> Self {
        self.consecutive = Some(Some(failures));
        self
    }

    /// Switches the rule about failures in a row off.
    pub fn without_consecutive_failures(mut self) -> Self {
        self.consecutive = Some(None);
        self
    }

    /// Opens when this share of the calls in the window failed: above 0, at most 1. Default:
    /// [`FAILURE_RATE`](defaults::FAILURE_RATE).
    pub fn failure_rate(mut self, rate: f64) -> Self {
        self.failure_rate = Some(Some(rate));
        self
    }

    /// Switches the rule about the share of failures off.
    pub fn without_failure_rate(mut self) -> Self {
        self.failure_rate = Some(None);
        self
    }

    /// Opens when this share of the calls in the window was slow: above 0, at most 1. A call is slow
    /// at or above `after`, whether it succeeds or fails. Off by default: only the user knows what is
    /// slow.
    ///
    /// Costs two clock readings a call.
    pub fn slow_call_rate(mut self, rate: f64, after: Duration) -> Self {
        self.slow_rate = Some(rate);
        self.slow_after = Some(after);
        self
    }

    /// Opens when `holds` returns true for the counts of the window. It is called after each outcome
    /// once [`min_calls`](Self::min_calls) are in the window.
    ///
    /// It runs outside the breaker's lock. A panic in it counts as false. With a predicate every
    /// outcome takes the lock.
    pub fn open_when(
        mut self,
        holds: impl Fn(&WindowCounts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.predicate = Some(Shown(Arc::new(holds)));
        self
    }

    /// Takes the rates over the last `outcomes`, 1 to 1,000,000. The default, with
    /// [`COUNT_WINDOW`](defaults::COUNT_WINDOW) of them.
    pub fn count_window(mut self, outcomes: u32) -> Self {
        self.count_window = Some(outcomes);
        self.time_window = None;
        self
    }

    /// Takes the rates over the outcomes of the last `span`, in [`slices`](Self::slices).
    /// [`Duration::MAX`] means that nothing is ever forgotten.
    ///
    /// Costs a clock reading a call.
    pub fn time_window(mut self, span: Duration) -> Self {
        self.time_window = Some(span);
        self.count_window = None;
        self
    }

    /// The number of steps in which a time window slides, 10 to 1,000. Default:
    /// [`SLICES`](defaults::SLICES).
    pub fn slices(mut self, slices: u32) -> Self {
        self.slices = Some(slices);
        self
    }

    /// The number of outcomes a window must hold before its rates count: at least 1, at most the
    /// size of a count window. Default: [`MIN_CALLS`](defaults::MIN_CALLS), or the size of a count window
    /// that is smaller.
    pub fn min_calls(mut self, calls: u32) -> Self {
        self.min_calls = Some(calls);
        self
    }

    pub(super) fn rules(&self) -> Result<Rules, ConfigError> {
        let consecutive = self.consecutive.unwrap_or(Some(defaults::CONSECUTIVE_FAILURES));
        let failure_rate = self.failure_rate.unwrap_or(Some(defaults::FAILURE_RATE));
        if let Some(failures) = consecutive {
            CHECK.at_least_one("consecutive_failures", failures)?;
        }
        if let Some(rate) = failure_rate {
            CHECK.rate("failure_rate", rate)?;
        }
        let slow = self.slow()?;
        let (window, min_calls) = self.window()?;
        let predicate = self.predicate.as_ref().map(|predicate| predicate.0.clone());
        let rare = slow.is_some() || predicate.is_some();
        let unused = failure_rate.is_none() && !rare;
        Ok(Rules {
            window: if unused { WindowSize::Absent } else { window },
            min_calls,
            consecutive: consecutive.and_then(NonZeroU32::new),
            failure_rate: failure_rate.unwrap_or(OUT_OF_REACH),
            rare: rare.then(|| RareRules { slow, predicate }.into()),
        })
    }

    fn slow(&self) -> Result<Option<SlowRule>, ConfigError> {
        let (Some(rate), Some(after)) = (self.slow_rate, self.slow_after) else {
            return Ok(None);
        };
        CHECK.rate("slow_call_rate", rate)?;
        CHECK.positive("slow_call_after", after)?;
        Ok(Some(SlowRule { rate, after: nanos(after) }))
    }

    fn window(&self) -> Result<(WindowSize, u32), ConfigError> {
        if let Some(calls) = self.min_calls {
            CHECK.at_least_one("min_calls", calls)?;
        }
        let slices = self.slices.unwrap_or(defaults::SLICES);
        let allowed = "between 10 and 1,000";
        CHECK.that((10..=1000).contains(&slices), "slices", slices, allowed)?;
        if let Some(span) = self.time_window {
            CHECK.positive("time_window", span)?;
            let span_nanos = nanos(span);
            let roomy = span_nanos >= u64::from(slices);
            let allowed = "at least a nanosecond per slice";
            CHECK.that(roomy, "time_window", format_args!("{span:?}"), allowed)?;
            let min_calls = self.min_calls.unwrap_or(defaults::MIN_CALLS);
            Ok((WindowSize::Time { span: span_nanos, slices }, min_calls))
        } else {
            let outcomes = self.count_window.unwrap_or(defaults::COUNT_WINDOW);
            let allowed = "between 1 and 1,000,000";
            let fits = (1..=1_000_000).contains(&outcomes);
            CHECK.that(fits, "count_window", outcomes, allowed)?;
            let min_calls = self.min_calls.unwrap_or(defaults::MIN_CALLS.min(outcomes));
            let allowed = "at most count_window";
            CHECK.that(min_calls <= outcomes, "min_calls", min_calls, allowed)?;
            Ok((WindowSize::Count { outcomes }, min_calls))
        }
    }
}
