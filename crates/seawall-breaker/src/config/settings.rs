//! What a configuration comes to, and what is refused.

use seawall_core::ConfigError;

use super::{BreakerBuilder, CHECK};
use crate::defaults;
use crate::machine::{OpenWait, Probing, Rules, Settings, SlowRule, Term, Waiting, WindowSize};
use crate::time::nanos;

impl BreakerBuilder {
    pub(crate) fn settings(self) -> Result<Settings, ConfigError> {
        Ok(Settings {
            rules: self.rules()?,
            wait: self.wait()?,
            probing: self.probing()?,
            ramp: self.ramp.as_ref().map(|ramp| ramp.plan(CHECK)).transpose()?,
            waiting: self.waiting()?,
            abandoned: self.abandoned,
            tally: self.tally,
        })
    }

    fn rules(&self) -> Result<Rules, ConfigError> {
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
        let unused = failure_rate.is_none() && slow.is_none() && self.predicate.is_none();
        Ok(Rules {
            window: if unused { WindowSize::Absent } else { window },
            min_calls,
            consecutive,
            failure_rate,
            slow,
            predicate: self.predicate.as_ref().map(|predicate| predicate.0.clone()),
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
        let allowed = "between 10 and 1000";
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
            let allowed = "between 1 and 1000000";
            let fits = (1..=1_000_000).contains(&outcomes);
            CHECK.that(fits, "count_window", outcomes, allowed)?;
            let min_calls = self.min_calls.unwrap_or(defaults::MIN_CALLS.min(outcomes));
            let allowed = "at most count_window";
            CHECK.that(min_calls <= outcomes, "min_calls", min_calls, allowed)?;
            Ok((WindowSize::Count { outcomes }, min_calls))
        }
    }

    fn wait(&self) -> Result<OpenWait, ConfigError> {
        self.open_wait.check(CHECK)?;
        CHECK.positive("open_wait", self.open_wait.base(1))?;
        Ok(OpenWait {
            backoff: self.open_wait.clone(),
            random: self.random.clone(),
            forget_after: nanos(self.forget_after),
            longest_hint: self.longest_hint.map_or(0, nanos),
        })
    }

    fn waiting(&self) -> Result<Option<Waiting>, ConfigError> {
        if let Some(waiting) = self.waiting {
            CHECK.at_least_one("wait_for_verdict", waiting.callers)?;
            CHECK.positive("wait_for_verdict", waiting.longest)?;
        }
        Ok(self.waiting)
    }

    fn probing(&self) -> Result<Probing, ConfigError> {
        let allowed = "between 1 and 1000";
        CHECK.that((1..=1000).contains(&self.probes), "probes", self.probes, allowed)?;
        let needed = self.probe_successes.unwrap_or(self.probes);
        CHECK.at_least_one("probe_successes", needed)?;
        CHECK.that(needed <= self.probes, "probe_successes", needed, "at most probes")?;
        if let Some(lease) = self.lease {
            CHECK.positive("lease", lease)?;
        }
        let learned = Term::Learned {
            shortest: nanos(defaults::SHORTEST_LEASE),
            longest: nanos(defaults::LONGEST_LEASE),
        };
        let term = self.lease.map_or(learned, |lease| Term::Fixed(nanos(lease)));
        Ok(Probing { probes: self.probes, needed, term })
    }
}
