//! What is known of failures that are the same.

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::record::limits;
use crate::text::cut;
use crate::{Fingerprint, GroupedBy, Kind, Record, Severity, Timestamp};

/// How many sources and versions of a group are counted one by one; the rest is counted together.
pub const MAX_TALLY: usize = 16;

/// Failures that are the same, counted.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Group {
    /// Its name.
    pub fingerprint: Fingerprint,
    /// The version of the way that the fingerprint was made.
    pub fingerprint_version: u8,
    /// What the fingerprint was made from.
    pub grouped_by: GroupedBy,
    /// How many occurrences are held: those since it was last taken.
    pub count: u64,
    /// The first of them.
    pub first_seen: Timestamp,
    /// The last of them.
    pub last_seen: Timestamp,
    /// The first of them in full.
    pub first: Record,
    /// The last of them in full.
    pub last: Record,
    /// How many came from each source.
    pub sources: Tally,
    /// How many came from each version of the service.
    pub versions: Tally,
    /// Whether it was never seen before, as far as the store remembers.
    pub new: bool,
    /// Whether it was resolved and came back.
    pub regressed: bool,
    /// Whether it comes much more often than it used to.
    pub spiking: bool,
    /// Until when it is muted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted: Option<Mute>,
    /// Whether it is resolved, and in which version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Resolution>,
}

impl Group {
    /// The group of one occurrence, for those who write a [`Store`](super::Store).
    pub fn of(record: &Record, fingerprint: Fingerprint, new: bool) -> Self {
        let mut group = Self {
            fingerprint,
            fingerprint_version: record.grouping.version,
            grouped_by: record.grouping.by,
            count: 1,
            first_seen: record.at,
            last_seen: record.at,
            first: record.clone(),
            last: record.clone(),
            sources: Tally::default(),
            versions: Tally::default(),
            new,
            regressed: false,
            spiking: false,
            muted: None,
            resolved: None,
        };
        group.sources.add(&record.source, 1);
        group.versions.add(&record.origin.version, 1);
        group
    }

    /// Counts one more.
    pub(crate) fn add(&mut self, record: &Record) {
        self.count = self.count.saturating_add(1);
        self.first_seen = self.first_seen.min(record.at);
        self.last_seen = self.last_seen.max(record.at);
        self.last.copy_from(record);
        self.sources.add(&record.source, 1);
        self.versions.add(&record.origin.version, 1);
    }

    /// Adds what another group of the same failures counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        if other.first_seen < self.first_seen {
            self.first_seen = other.first_seen;
            self.first.copy_from(&other.first);
        }
        if other.last_seen > self.last_seen {
            self.last_seen = other.last_seen;
            self.last.copy_from(&other.last);
        }
        self.sources.merge(&other.sources);
        self.versions.merge(&other.versions);
        self.new |= other.new;
        self.regressed |= other.regressed;
    }

    pub(crate) fn footprint(&self) -> usize {
        // Both records count themselves, so they are taken off the size of the whole.
        size_of::<Self>() - 2 * size_of::<Record>()
            + self.first.footprint()
            + self.last.footprint()
            + self.sources.footprint()
            + self.versions.footprint()
    }

    /// The worst severity that was said.
    pub fn severity(&self) -> Option<Severity> {
        self.first.severity.max(self.last.severity)
    }

    /// What failed.
    pub fn kind(&self) -> Option<Kind> {
        self.last.kind.or(self.first.kind)
    }
}

/// Counts by name, bounded: what is beyond [`MAX_TALLY`] names is counted together.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tally {
    /// Counts by name, in the order in which the names came. The empty name is for those that
    /// gave none.
    pub counts: Vec<(String, u64)>,
    /// What all other names counted.
    pub other: u64,
}

impl fmt::Debug for Group {
    /// Without the texts of its records.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("fingerprint", &self.fingerprint)
            .field("count", &self.count)
            .field("first_seen", &self.first_seen)
            .field("last_seen", &self.last_seen)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Tally {
    /// Without the names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally")
            .field("names", &self.counts.len())
            .field("total", &self.total())
            .finish_non_exhaustive()
    }
}

impl Tally {
    pub(crate) fn add(&mut self, name: &str, count: u64) {
        if let Some((_, sum)) = self.counts.iter_mut().find(|(known, _)| known == name) {
            *sum = sum.saturating_add(count);
        } else if self.counts.len() < MAX_TALLY {
            self.counts.push((name.into(), count));
        } else {
            self.other = self.other.saturating_add(count);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (name, count) in &other.counts {
            self.add(name, *count);
        }
        self.other = self.other.saturating_add(other.other);
    }

    /// The count of `name`, if it is counted by itself.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.counts.iter().find(|(known, _)| known == name).map(|(_, count)| *count)
    }

    /// All counts together.
    pub fn total(&self) -> u64 {
        self.counts.iter().fold(self.other, |sum, (_, count)| sum.saturating_add(*count))
    }

    fn footprint(&self) -> usize {
        self.counts.capacity() * size_of::<(String, u64)>()
            + self.counts.iter().map(|(name, _)| name.capacity()).sum::<usize>()
    }
}

/// Until when a group is muted. Muted groups are counted like all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Mute {
    /// How many within `period` end it; `None` for no number.
    pub until: Option<u64>,
    /// The period, which begins again with the first occurrence after it ended.
    pub period: Duration,
}

impl Mute {
    /// Until somebody ends it.
    pub const FOREVER: Self = Self { until: None, period: Duration::ZERO };

    /// Until there are `count` within `period`; a `count` of 0 is taken as 1.
    pub const fn until(count: u64, period: Duration) -> Self {
        Self { until: Some(if count == 0 { 1 } else { count }), period }
    }
}

/// That a group is resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Resolution {
    /// The version that holds the fix. Occurrences in older versions do not bring the group back,
    /// as those run on for a while; `None`: any occurrence does.
    pub version: Option<String>,
}

impl Resolution {
    /// Resolved: any occurrence from now on is a regression.
    pub const NOW: Self = Self { version: None };

    /// Resolved in `version`, which is cut to [`limits::NAME`] bytes as that of a record is: an
    /// occurrence in that or a newer one is a regression.
    ///
    /// Versions are ordered where both begin with a number: number by number, a pre-release before
    /// its release. A commit or a branch has no order, so in `in_version("a1b2c3d")` only an
    /// occurrence in that very commit is a regression; where each release is a commit, use
    /// [`NOW`](Self::NOW) once the fix is everywhere.
    pub fn in_version(version: impl Into<String>) -> Self {
        Self { version: Some(version.into()) }.bounded()
    }

    /// What a store keeps of it.
    pub(crate) fn bounded(mut self) -> Self {
        if let Some(version) = &mut self.version {
            cut(version, limits::NAME);
        }
        self
    }

    /// Whether an occurrence in `version` is a regression.
    pub(crate) fn is_broken_by(&self, version: &str) -> bool {
        self.version.as_deref().is_none_or(|fixed| {
            version == fixed || order(version, fixed).is_some_and(Ordering::is_ge)
        })
    }

    pub(crate) fn footprint(&self) -> usize {
        self.version.as_ref().map_or(0, String::capacity)
    }
}

/// Which of two versions is the newer; `None` where one of them has no order.
fn order(a: &str, b: &str) -> Option<Ordering> {
    let ((a_core, a_pre), (b_core, b_pre)) = (split(a)?, split(b)?);
    let core = a_core.split('.').map(Part).cmp(b_core.split('.').map(Part));
    let pre = match (a_pre, b_pre) {
        ("", "") => Ordering::Equal,
        ("", _) => Ordering::Greater,
        (_, "") => Ordering::Less,
        (a, b) => a.split('.').map(Part).cmp(b.split('.').map(Part)),
    };
    Some(core.then(pre))
}

/// The numbers of a version and its pre-release, if it begins with a number.
fn split(version: &str) -> Option<(&str, &str)> {
    let version = version.trim_start_matches('v');
    let version = version.split_once('+').map_or(version, |(version, _)| version);
    let (core, pre) = version.split_once('-').unwrap_or((version, ""));
    let first = core.split('.').next()?;
    let number = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
    number.then_some((core, pre))
}

/// A part of a version: compared as a number of any length if both are, else as text.
#[derive(PartialEq, Eq)]
struct Part<'a>(&'a str);

impl Ord for Part<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if digits(self.0) && digits(other.0) {
            let (a, b) = (self.0.trim_start_matches('0'), other.0.trim_start_matches('0'));
            return a.len().cmp(&b.len()).then(a.cmp(b));
        }
        self.0.cmp(other.0)
    }
}

impl PartialOrd for Part<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_number_by_number() {
        for (a, b) in [
            ("1.2.3", "1.2.4"),
            ("1.2.9", "1.2.10"),
            ("1.2", "1.2.1"),
            ("v1.9", "2.0"),
            ("1.0.0-rc.1", "1.0.0"),
            ("1.0.0-rc.1", "1.0.0-rc.2"),
            ("1.2-rc.1", "1.2.3"),
            ("1.99999999999999999999", "1.100000000000000000000"),
        ] {
            assert_eq!(order(a, b), Some(Ordering::Less), "{a} before {b}");
            assert_eq!(order(b, a), Some(Ordering::Greater), "{b} after {a}");
        }
        assert_eq!(order("1.2.3", "1.2.3"), Some(Ordering::Equal));
        assert_eq!(order("1.2.3+build5", "1.2.3"), Some(Ordering::Equal));
    }

    #[test]
    fn a_tally_is_bounded_and_exact() {
        let mut tally = Tally::default();
        for n in 0..1_000 {
            tally.add(&format!("s{}", n % 40), 1);
        }
        assert_eq!(tally.counts.len(), MAX_TALLY);
        assert_eq!((tally.total(), tally.get("s3"), tally.get("s20")), (1_000, Some(25), None));
    }
}
