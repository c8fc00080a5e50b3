use std::fmt;

use super::rules::OUT_OF_REACH;
use super::settings::Settings;
use super::window::WindowSize;
use crate::time::{Nanos, finite};

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
