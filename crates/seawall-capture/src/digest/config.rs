//! How a digester is built.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::{Check, ConfigError, PolicyKind, Random};

use super::Digester;
use super::machine::Limits;
use crate::spool::{DIGESTS, Entries};
use crate::{Alarms, Clock, Record, Spool};

pub(super) type Key = Arc<dyn Fn(&Record) -> String + Send + Sync>;

/// Builds a [`Digester`].
///
/// | setting | default | why |
/// |---|---|---|
/// | [`quiet`](Self::quiet) | 30 s | a burst is over by then |
/// | [`longest`](Self::longest) | 5 min | a burst that does not end is told of while it lasts |
/// | [`key`](Self::key) | the service | one team's failures in one digest |
/// | [`max_groups`](Self::max_groups) | 200 | more than anybody reads |
/// | [`max_keys`](Self::max_keys) | 32 | keys should be few |
/// | [`max_waiting`](Self::max_waiting) | 64 | a sink that is away for hours costs a few megabytes |
/// | [`retry`](Self::retry) | 30 s, at most 15 min | mail servers do not like to be asked more often |
/// | [`send_timeout`](Self::send_timeout) | 30 s | a sink that hangs is one that failed |
#[must_use = "a builder does nothing until `build` is called"]
pub struct DigesterBuilder {
    pub(super) limits: Limits,
    pub(super) key: Key,
    pub(super) clock: Clock,
    pub(super) random: Random,
    pub(super) send_timeout: Duration,
    pub(super) alarms: Option<Alarms>,
    pub(super) spool: Option<Spool>,
}

impl Default for DigesterBuilder {
    fn default() -> Self {
        Self {
            limits: Limits {
                quiet: Duration::from_secs(30),
                longest: Duration::from_mins(5),
                groups: 200,
                keys: 32,
                waiting: 64,
                retry: Duration::from_secs(30),
                retry_max: Duration::from_mins(15),
            },
            key: Arc::new(|record| record.origin.service.clone()),
            clock: Clock::system(),
            random: Random::default(),
            send_timeout: Duration::from_secs(30),
            alarms: None,
            spool: None,
        }
    }
}

impl DigesterBuilder {
    /// How long after the last failure a digest is made.
    pub fn quiet(mut self, quiet: Duration) -> Self {
        self.limits.quiet = quiet;
        self
    }

    /// How long after the first failure it is made at the latest, at least as long as
    /// [`quiet`](Self::quiet).
    pub fn longest(mut self, longest: Duration) -> Self {
        self.limits.longest = longest;
        self
    }

    /// A digest every `period`, however quiet it is: both limits at once.
    pub fn every(self, period: Duration) -> Self {
        self.quiet(period).longest(period)
    }

    /// What failures are gathered by. A panic in it gives the empty key.
    pub fn key(mut self, key: impl Fn(&Record) -> String + Send + Sync + 'static) -> Self {
        self.key = Arc::new(key);
        self
    }

    /// How many groups a digest has at most, at least 1; what is beyond is counted.
    pub fn max_groups(mut self, groups: usize) -> Self {
        self.limits.groups = groups;
        self
    }

    /// How many keys are gathered at once, at least 1; all beyond share the key `others`.
    pub fn max_keys(mut self, keys: usize) -> Self {
        self.limits.keys = keys;
        self
    }

    /// How many digests may wait for the sink, at least 1. Beyond that those of one key are
    /// merged, and if none are alike the oldest is dropped and counted.
    pub fn max_waiting(mut self, digests: usize) -> Self {
        self.limits.waiting = digests;
        self
    }

    /// How long to wait after a failure of the sink: `first`, then twice as long each time, `most`
    /// at the longest.
    pub fn retry(mut self, first: Duration, most: Duration) -> Self {
        self.limits.retry = first;
        self.limits.retry_max = most;
        self
    }

    /// How long a sink may take for one digest. Above zero.
    pub fn send_timeout(mut self, timeout: Duration) -> Self {
        self.send_timeout = timeout;
        self
    }

    /// Who is told of each digest that is made, sent or not: for
    /// [`pager`](crate::alarm::AlarmsBuilder::pager).
    pub fn alarms(mut self, alarms: Alarms) -> Self {
        self.alarms = Some(alarms);
        self
    }

    /// Where digests are kept until they were sent, and read back from when the digester is built:
    /// those that a process before this one could not send are due at once, with their ids. What is
    /// still gathered is not in it, except in what a [`MemoryStore`](crate::MemoryStore) keeps there.
    /// One digester at most is given a spool.
    pub fn spool(mut self, spool: &Spool) -> Self {
        self.spool = Some(spool.clone());
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Where the ids come from.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Builds it.
    pub fn build(self) -> Result<Digester, ConfigError> {
        let check = Check::of(PolicyKind::Capture);
        let Limits { quiet, longest, groups, keys, waiting, retry, retry_max } = self.limits;
        check.positive("quiet", quiet)?;
        let enough = longest >= quiet;
        check.that(enough, "longest", format_args!("{longest:?}"), "at least as long as quiet")?;
        check.that(groups > 0 && groups < 1 << 31, "max_groups", groups, "between 1 and 2^31")?;
        check.that(keys > 0, "max_keys", keys, "at least 1")?;
        check.that(waiting > 0, "max_waiting", waiting, "at least 1")?;
        check.positive("retry", retry)?;
        let enough = retry_max >= retry;
        check.that(enough, "retry", format_args!("{retry_max:?}"), "at least the first wait")?;
        check.positive("send_timeout", self.send_timeout)?;
        let entries = match &self.spool {
            None => Entries::default(),
            Some(spool) => spool.claim(DIGESTS).ok_or_else(|| {
                let allowed = "a spool that no other digester has";
                ConfigError::new(PolicyKind::Capture, "spool", "another digester's", allowed)
            })?,
        };
        Ok(Digester::of(self, &entries))
    }
}

impl fmt::Debug for DigesterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigesterBuilder")
            .field("limits", &self.limits)
            .field("send_timeout", &self.send_timeout)
            .finish_non_exhaustive()
    }
}
