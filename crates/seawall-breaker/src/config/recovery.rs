//! The settings of the open wait and of the recovery, and their checks.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{Backoff, ConfigError, Random};

use super::{BreakerBuilder, CHECK};
use crate::machine::{LeaseTerm, OpenWait, Probing, Waiting};
use crate::time::nanos;
use crate::{Ramp, defaults};

impl BreakerBuilder {
    /// How long the circuit refuses before it lets probes through. A [`Duration`] is always the same,
    /// a [`Backoff`] grows with each reopening. Default:
    /// [`open_wait`](defaults::open_wait).
    ///
    /// Counted from the transition. [`Duration::MAX`] means until the operator acts.
    pub fn open_wait(mut self, wait: impl Into<Backoff>) -> Self {
        self.wait_mut().backoff = wait.into();
        self
    }

    /// The source of the open wait's jitter. Default: the thread generator.
    pub fn random(mut self, random: Random) -> Self {
        self.setup.random(random);
        self
    }

    /// How long the circuit must have been closed before an opening waits as the first did. Default:
    /// [`FORGET_AFTER`](defaults::FORGET_AFTER). With [`Duration::MAX`] the wait grows until
    /// [`Breaker::reset`](crate::Breaker::reset).
    pub fn forget_after(mut self, closed: Duration) -> Self {
        self.wait_mut().forget_after = nanos(closed);
        self
    }

    /// A failure that says when to come back ([`Class::Overloaded`]) makes the open wait at least that
    /// long, up to this bound. Default:
    /// [`MAX_RETRY_AFTER`](defaults::MAX_RETRY_AFTER).
    ///
    /// [`Class::Overloaded`]: seawall_core::Class::Overloaded
    pub fn max_retry_after(mut self, longest: Duration) -> Self {
        self.wait_mut().max_retry_after = nanos(longest);
        self
    }

    /// Makes the open wait independent of what failures ask for.
    pub fn without_retry_after(mut self) -> Self {
        self.wait_mut().max_retry_after = 0;
        self
    }

    /// The number of probes that the half-open state lets through, 1 to 1,000. Default:
    /// [`PROBES`](defaults::PROBES).
    pub fn probes(mut self, probes: u32) -> Self {
        self.probes = probes;
        self
    }

    /// The number of probes that must succeed for the circuit to close, 1 up to all of them. Default:
    /// all.
    pub fn probe_successes(mut self, successes: u32) -> Self {
        self.probe_successes = Some(successes);
        self
    }

    /// How long a probe may take before its slot is given to another. A later failure is stale.
    ///
    /// Default: as long as the open wait before it, at least [`MIN_LEASE`](defaults::MIN_LEASE). Until
    /// there is a verdict, each lease that expires doubles the next one, up to
    /// [`MAX_LEASE`](defaults::MAX_LEASE). With this default, a probe that succeeds after its lease has
    /// ended still counts, so that a dependency that is healthy and slow gets its verdict. A lease that
    /// is set here stays as it is, and every outcome after it is stale: set it above the slowest
    /// healthy call. [`Duration::MAX`] means that it never ends.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease);
        self
    }

    /// After the verdict, traffic comes back in stages. Default: all at once, as in most outages a
    /// dependency that answers its probes can take the load, and callers are waiting.
    pub fn ramp(mut self, ramp: Ramp) -> Self {
        self.ramp = Some(ramp);
        self
    }

    /// Up to `callers` beyond the probes wait for the verdict, each for up to `longest`, instead of
    /// being refused. Default: nobody waits.
    ///
    /// Only calls that are futures wait; permits do not. Needs a tokio runtime with time enabled. The
    /// policies inside the breaker start when the call is admitted: a timeout inside does not count
    /// the wait, a timeout around the breaker does.
    pub fn wait_for_verdict(mut self, callers: u32, longest: Duration) -> Self {
        self.waiting = Some((callers, longest));
        self
    }

    /// The open wait, no longer shared with other breakers.
    fn wait_mut(&mut self) -> &mut OpenWait {
        Arc::make_mut(&mut self.wait)
    }

    pub(super) fn wait(&self) -> Result<Arc<OpenWait>, ConfigError> {
        self.wait.backoff.check(CHECK)?;
        CHECK.positive("open_wait", self.wait.backoff.base(1))?;
        let mut wait = Arc::clone(&self.wait);
        if let Some(random) = self.setup.source() {
            Arc::make_mut(&mut wait).random = random.clone();
        }
        Ok(wait)
    }

    pub(super) fn waiting(&self) -> Result<Option<Box<Waiting>>, ConfigError> {
        let Some((callers, longest)) = self.waiting else {
            return Ok(None);
        };
        CHECK.at_least_one("wait_for_verdict", callers)?;
        CHECK.positive("wait_for_verdict", longest)?;
        Ok(Some(
            Waiting { callers, timeout: longest, shutdown: self.setup.token().cloned() }.into(),
        ))
    }

    pub(super) fn probing(&self) -> Result<Probing, ConfigError> {
        let allowed = "between 1 and 1,000";
        CHECK.that((1..=1000).contains(&self.probes), "probes", self.probes, allowed)?;
        let needed = self.probe_successes.unwrap_or(self.probes);
        CHECK.at_least_one("probe_successes", needed)?;
        CHECK.that(needed <= self.probes, "probe_successes", needed, "at most probes")?;
        if let Some(lease) = self.lease {
            CHECK.positive("lease", lease)?;
        }
        let doubling = LeaseTerm::Doubling {
            shortest: nanos(defaults::MIN_LEASE),
            longest: nanos(defaults::MAX_LEASE),
        };
        let term = self.lease.map_or(doubling, |lease| LeaseTerm::Fixed(nanos(lease)));
        Ok(Probing { probes: self.probes, needed, term })
    }
}
