//! How a digester is built.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::{Check, ConfigError, PolicyKind, Random};

use super::Digester;
use super::machine::Limits;
use super::mirror::Remembered;
use crate::spool::{DIGESTS, GATHERED, REPORTED};
use crate::{Alarms, Clock, Record, Spool};

pub(super) type Key = Arc<dyn Fn(&Record) -> String + Send + Sync>;

/// Builds a [`Digester`].
///
/// | setting | default | why |
/// |---|---|---|
/// | [`quiet`](Self::quiet) | 30 s | a burst is over by then |
/// | [`longest`](Self::longest) | 5 min | a burst that does not end is reported while it lasts |
/// | [`remind`](Self::remind) | 1 min, doubled up to 4 h | a failure that goes on is no news each time |
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
                remind: Duration::from_mins(1),
                remind_max: Duration::from_hours(4),
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
    /// How long after the last failure a digest is made, once something in it is
    /// [due](Self::remind).
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

    /// The wait before a known group that goes on is reported again: `first` (above zero), doubled
    /// each time, up to `most`. A group that is new, regressed, unmuted or spiking is reported at
    /// once, as is one that was not reported for `most`. A digest that is made for one group
    /// reports everything else of its key, too.
    ///
    /// With a [spool](Self::spool) a restart changes nothing about that.
    pub fn remind(mut self, first: Duration, most: Duration) -> Self {
        self.limits.remind = first;
        self.limits.remind_max = most;
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

    /// The alarms that count each digest that is made, sent or not: for
    /// [`pager`](crate::alarm::AlarmsBuilder::pager).
    pub fn alarms(mut self, alarms: Alarms) -> Self {
        self.alarms = Some(alarms);
        self
    }

    /// Where the digester remembers over a restart: digests that were not sent are due at once, with
    /// their ids; gathering goes on where it was; a failure that was reported is not reported as a new
    /// one. A spool takes one digester at most.
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
        let Limits { quiet, longest, groups, keys, waiting, retry, retry_max, remind, remind_max } =
            self.limits;
        check.positive("quiet", quiet)?;
        let enough = longest >= quiet;
        check.that(enough, "longest", format_args!("{longest:?}"), "at least as long as quiet")?;
        check.that(groups > 0 && groups < 1 << 31, "max_groups", groups, "between 1 and 2^31")?;
        check.that(keys > 0, "max_keys", keys, "at least 1")?;
        check.that(waiting > 0, "max_waiting", waiting, "at least 1")?;
        check.positive("retry", retry)?;
        let enough = retry_max >= retry;
        check.that(enough, "retry", format_args!("{retry_max:?}"), "at least the first wait")?;
        check.positive("remind", remind)?;
        let enough = remind_max >= remind;
        check.that(enough, "remind", format_args!("{remind_max:?}"), "at least the first wait")?;
        check.positive("send_timeout", self.send_timeout)?;
        let remembered = self.spool.as_ref().map(remembered).transpose()?;
        Ok(Digester::of(self, &remembered.unwrap_or_default()))
    }
}

fn remembered(spool: &Spool) -> Result<Remembered, ConfigError> {
    let claimed = [DIGESTS, GATHERED, REPORTED].map(|section| spool.claim(section));
    let [Some(digests), Some(gathered), Some(reported)] = claimed else {
        let allowed = "a spool that no other digester has";
        let kind = PolicyKind::Capture;
        return Err(ConfigError::new(kind, "spool", "another digester's", allowed));
    };
    Ok(Remembered { digests, gathered, reported })
}

impl fmt::Debug for DigesterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigesterBuilder")
            .field("limits", &self.limits)
            .field("send_timeout", &self.send_timeout)
            .finish_non_exhaustive()
    }
}
