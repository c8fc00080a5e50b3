//! How long to go on after readiness has flipped.

use std::time::Duration;

use crate::{ShutdownReason, Signal};

/// The drain delay, by what triggered the shutdown.
#[derive(Clone, Debug, Default)]
pub(crate) struct DrainDelay {
    pub(crate) given: Option<Duration>,
    /// Delays for single signals, in the place of the one for all triggers.
    pub(crate) on_signal: Vec<(Signal, Duration)>,
    /// What is kept without a setting, if somebody can notice.
    pub(crate) default: Duration,
}

impl DrainDelay {
    /// The delay after `reason`, where readiness was or was not `asked` for.
    pub(crate) fn after(&self, reason: Option<&ShutdownReason>, asked: bool) -> Duration {
        let signal = match reason {
            Some(ShutdownReason::Signal(signal)) => Some(*signal),
            _ => None,
        };
        let own = self.on_signal.iter().rfind(|(known, _)| Some(*known) == signal);
        let given = own.map(|(_, delay)| *delay).or(self.given);
        // Ctrl-c comes from a terminal, and orchestrators send SIGTERM: nobody balances.
        let can_notice = asked && signal != Some(Signal::Interrupt);
        given.unwrap_or(if can_notice { self.default } else { Duration::ZERO })
    }
}
