//! How alarms are built.

use std::time::Duration;

use seawall_core::{Check, ConfigError, PolicyKind};

use super::Alarms;
use super::flushes::Flushes;
use super::known::Known;
use super::memory::Remembered;
use super::rule::Rule;
use super::window::Window;
use crate::record::limits;
use crate::spool::{KNOWN as SPOOLED, LEARNING};
use crate::store::SpikeConfig;
use crate::store::spike::{HISTORY, Spike};
use crate::{Clock, Fingerprint, Spool, Timestamp};

/// How many fingerprints are remembered: as many groups as a store holds by default, ten times.
const KNOWN: usize = 100_000;

/// Builds [`Alarms`]. A rule of one kind may be there more than once, under names of their own, of 1
/// to 256 bytes.
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct AlarmsBuilder {
    rules: Vec<(String, Rule)>,
    known: Vec<Fingerprint>,
    cool_down: Duration,
    clock: Clock,
    spool: Option<Spool>,
    refused: Option<ConfigError>,
}

impl Default for AlarmsBuilder {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            known: Vec::new(),
            cool_down: Duration::from_mins(10),
            clock: Clock::system(),
            spool: None,
            refused: None,
        }
    }
}

const CHECK: Check = Check::of(PolicyKind::Capture);

impl AlarmsBuilder {
    fn rule(mut self, name: impl Into<String>, rule: Rule, check: Result<(), ConfigError>) -> Self {
        let name = name.into();
        let length = name.len();
        let value = format_args!("{length} bytes long");
        let named =
            CHECK.that((1..=limits::NAME).contains(&length), "name", value, "1 to 256 bytes");
        self.refused = self.refused.or(named.and(check).err());
        self.rules.push((name, rule));
        self
    }

    /// Raised when the last `flushes` flushes (1 to 1,000) delivered `limit` failures (at least 1) or
    /// more in `per` (above zero) on average: for a pager, which should ring for what goes on and not
    /// for what is over. [`Alarms::flushed`] says what a flush is.
    ///
    /// The time is that in which the failures were gathered: from the flush before those on, up to
    /// now, and `per` at the least.
    pub fn pager(self, name: impl Into<String>, limit: u64, per: Duration, flushes: usize) -> Self {
        let check = CHECK
            .at_least_one("pager", limit)
            .and_then(|_| CHECK.positive("pager", per))
            .and_then(|_| {
                CHECK.that((1..=1_000).contains(&flushes), "pager", flushes, "1 to 1,000 flushes")
            });
        self.rule(name, Rule::Pager { flushes: Flushes::new(flushes), per, limit }, check)
    }

    /// Raised when `limit` failures (at least 1) came within `window` (above zero).
    pub fn rate(self, name: impl Into<String>, limit: u64, window: Duration) -> Self {
        let check = CHECK
            .at_least_one("rate", limit)
            .and_then(|_| CHECK.positive("rate", window))
            .map(drop);
        self.rule(name, Rule::Rate { failures: Window::new(window), window, limit }, check)
    }

    /// Raised when `share` (above 0, at most 1) of at least `min_calls` calls within `window`
    /// failed. Calls are those that [`Alarms::calls`] counted.
    pub fn ratio(
        self,
        name: impl Into<String>,
        share: f64,
        min_calls: u64,
        window: Duration,
    ) -> Self {
        let check = CHECK
            .rate("ratio", share)
            .and_then(|_| CHECK.at_least_one("ratio", min_calls))
            .and_then(|_| CHECK.positive("ratio", window))
            .map(drop);
        let (failures, calls) = (Window::new(window), Window::new(window));
        self.rule(name, Rule::Ratio { failures, calls, window, share, min_calls }, check)
    }

    /// Raised when there are far more failures than usual.
    pub fn spike(self, name: impl Into<String>, config: SpikeConfig) -> Self {
        let history = (1..=HISTORY).contains(&config.min_history);
        let check = CHECK
            .positive("spike.bucket", config.bucket)
            .and_then(|_| {
                let value = config.min_history;
                CHECK.that(history, "spike.min_history", value, "between 1 and 30")
            })
            .and_then(|()| {
                let finite = config.deviations.is_finite() && config.deviations >= 0.0;
                let value = config.deviations;
                CHECK.that(finite, "spike.deviations", value, "a number of at least 0")
            });
        self.rule(name, Rule::Spike { spike: Spike::default(), config }, check)
    }

    /// Raised for each failure that was never seen, once `learning` is over. The latest 100,000 are
    /// remembered; with a [spool](Self::spool) over a restart, and so is when learning began.
    pub fn new_fingerprints(self, name: impl Into<String>, learning: Duration) -> Self {
        self.rule(name, Rule::New(Box::new(Known::new(learning, KNOWN))), Ok(()))
    }

    /// What [`new_fingerprints`](Self::new_fingerprints) knows from the beginning: what
    /// [`Alarms::known`] gave before a restart. With it there is nothing to learn, so `learning`
    /// may be zero.
    pub fn known(mut self, known: impl IntoIterator<Item = Fingerprint>) -> Self {
        self.known.extend(known.into_iter().take(KNOWN));
        self
    }

    /// Raised when neither a failure nor a call was seen for `within` (above zero): a dead man's
    /// handle.
    pub fn no_data(self, name: impl Into<String>, within: Duration) -> Self {
        let check = CHECK.positive("no_data", within).map(drop);
        self.rule(name, Rule::NoData { last: Timestamp::default(), within }, check)
    }

    /// Raised when no failure with the tag `tag` came for `within` (above zero): captured on
    /// purpose, now and then, to see that the whole way works. Such failures are counted by no
    /// other rule.
    pub fn canary(self, name: impl Into<String>, tag: impl Into<String>, within: Duration) -> Self {
        let check = CHECK.positive("canary", within).map(drop);
        let rule = Rule::Canary { tag: tag.into(), last: Timestamp::default(), within, seen: 0 };
        self.rule(name, rule, check)
    }

    /// For how long after it was resolved a rule is not raised again. Default: 10 min, so that one
    /// that flutters wakes nobody twice.
    pub fn cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = cool_down;
        self
    }

    /// Where fingerprints are remembered over a restart, by the rule's name. One set of alarms at
    /// most is given a spool.
    pub fn spool(mut self, spool: &Spool) -> Self {
        self.spool = Some(spool.clone());
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Builds them, or says which rule has a limit that makes no sense.
    pub fn build(mut self) -> Result<Alarms, ConfigError> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let remembered = self.spool.as_ref().map(remembered).transpose()?;
        for (name, rule) in &mut self.rules {
            if let Rule::New(known) = rule {
                if let Some(remembered) = &remembered {
                    remembered.restore(name, known);
                }
                for fingerprint in &self.known {
                    known.remember(*fingerprint);
                }
            }
        }
        let unread = remembered.map_or(0, |remembered| remembered.unread());
        let spool = self.spool.map(|spool| (spool, unread));
        Ok(Alarms::of(self.rules, self.cool_down, self.clock, spool))
    }
}

fn remembered(spool: &Spool) -> Result<Remembered, ConfigError> {
    let (Some(known), Some(learning)) = (spool.claim(SPOOLED), spool.claim(LEARNING)) else {
        let allowed = "a spool that no other alarms have";
        return Err(ConfigError::new(PolicyKind::Capture, "spool", "that of others", allowed));
    };
    Ok(Remembered { known, learning })
}
