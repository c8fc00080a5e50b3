//! From many to few: digests.
//!
//! A [`Digester`] observes what is captured, gathers it by key, and makes a [`Digest`] of it: 30 s
//! after the last failure, and at most 5 min after the first. A [`Sink`] takes it where people
//! look. A known failure that goes on is reported again after 1 min, then after twice as long each
//! time, up to 4 h; one that is new or is back is reported at once.
//!
#![doc = include_str!("digest/states.svg")]
//!
//! ```
//! use seawall_capture::{Capture, Draft, Digester, digest::Callback};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let digester = Digester::builder().build()?;
//! let capture = Capture::builder().service("billing").observer(digester.clone()).build()?;
//! for n in 1..=3 {
//!     capture.record(Draft::new("Gone", &format!("invoice {n} is gone")));
//! }
//!
//! let sink = Callback::new(|digest| {
//!     assert_eq!((digest.count, digest.groups.len()), (3, 1));
//!     assert!(digest.text(4096).contains("3× Gone: invoice <num> is gone"));
//!     Ok(())
//! });
//! // A service spawns `digester.run(sink)` and calls `close` when it shuts down.
//! let closed = digester.close(&sink, std::time::Duration::from_secs(5)).await;
//! assert_eq!((closed.sent, closed.left.len()), (1, 0));
//! # Ok(())
//! # }
//! ```

use std::fmt::{self, Write};
use std::time::Duration;

use seawall_core::Random;
use serde::{Deserialize, Serialize};

use crate::store::Tally;
use crate::text::is_hidden;
use crate::{Fingerprint, Record, Timestamp};
use gathering::{cut, sort};

pub use config::DigesterBuilder;
pub use digester::{Closed, Digester, DigesterCounts};
pub use sink::{Callback, JsonLines, Sink, SinkError, SinkFuture, TextLines};
#[cfg(feature = "templates")]
pub use template::{Rendered, TemplateError, Templates, TemplatesBuilder};

mod config;
mod digester;
mod gathering;
mod look;
mod machine;
mod mirror;
mod reminders;
mod sink;
#[cfg(feature = "smtp")]
pub mod smtp;
#[cfg(feature = "templates")]
mod template;

/// What failed in a while, for people to read. Holds nothing of a record's details.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Digest {
    /// The same on every resend, so that a receiver can tell one that it has already. 32
    /// hexadecimal digits.
    pub id: String,
    /// What it was gathered by: the service, unless the builder says otherwise.
    pub key: String,
    /// When the first of the failures was.
    pub from: Timestamp,
    /// When the last of them was.
    pub to: Timestamp,
    /// How many there were.
    pub count: u64,
    /// What failed: new groups first, then by count.
    pub groups: Vec<DigestGroup>,
    /// How many of the failures were in groups that did not fit.
    pub other: u64,
}

/// A group in a digest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DigestGroup {
    /// Its name.
    pub fingerprint: Fingerprint,
    /// The type of the error.
    pub type_name: String,
    /// What happened, in words that may leave the process.
    pub description: String,
    /// How many.
    pub count: u64,
    /// Whether it was never seen before, or is back after it was resolved.
    pub new: bool,
    /// When the first was.
    pub first_seen: Timestamp,
    /// When the last was.
    pub last_seen: Timestamp,
    /// How many from each source.
    pub sources: Tally,
    /// How many from each version.
    pub versions: Tally,
}

impl fmt::Debug for Digest {
    /// Without its key and what failed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digest")
            .field("id", &self.id)
            .field("count", &self.count)
            .field("groups", &self.groups.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for DigestGroup {
    /// Without what failed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestGroup")
            .field("fingerprint", &self.fingerprint)
            .field("count", &self.count)
            .field("new", &self.new)
            .finish_non_exhaustive()
    }
}

impl DigestGroup {
    /// The group of `record`, without occurrences.
    fn empty(name: Fingerprint, record: &Record) -> Self {
        Self {
            fingerprint: name,
            type_name: String::new(),
            description: String::new(),
            count: 0,
            new: false,
            first_seen: record.at,
            last_seen: record.at,
            sources: Tally::default(),
            versions: Tally::default(),
        }
    }

    fn add(&mut self, record: &Record, count: u64, new: bool) {
        self.type_name.clone_from(&record.type_name);
        self.description.clone_from(&record.description);
        self.count = self.count.saturating_add(count);
        self.new |= new;
        self.first_seen = self.first_seen.min(record.at);
        self.last_seen = self.last_seen.max(record.at);
        self.sources.add(&record.source, count);
        self.versions.add(&record.origin.version, count);
    }

    fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.new |= other.new;
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        self.sources.merge(&other.sources);
        self.versions.merge(&other.versions);
    }
}

impl Digest {
    /// Adds a later digest of the same key. It is another one then, with an id of its own; at most
    /// `most` groups are kept, the others counted.
    fn merge(&mut self, later: &Self, most: usize, random: &Random) {
        for group in &later.groups {
            let known = self.groups.iter_mut().find(|g| g.fingerprint == group.fingerprint);
            match known {
                Some(known) => known.merge(group),
                None => self.groups.push(group.clone()),
            }
        }
        self.id = id(random);
        self.from = self.from.min(later.from);
        self.to = self.to.max(later.to);
        self.count = self.count.saturating_add(later.count);
        self.other = self.other.saturating_add(later.other);
        sort(&mut self.groups);
        self.other = self.other.saturating_add(cut(&mut self.groups, most));
    }

    /// How many of the groups are new.
    pub fn new_groups(&self) -> usize {
        self.groups.iter().filter(|group| group.new).count()
    }

    /// One line: what failed first of all, and how many of what.
    ///
    /// ```text
    /// billing: PoolTimeout: no connection within <duration> (7 failures in 2 groups, 1 new)
    /// ```
    pub fn subject(&self) -> String {
        let key = if self.key.is_empty() { "unnamed" } else { &self.key };
        let (groups, new) = (self.groups.len(), self.new_groups());
        let mut counts = counted(self.count, "failure");
        if groups != 1 {
            counts = format!("{counts} in {}", counted(groups as u64, "group"));
        }
        if new > 0 {
            counts =
                if groups == 1 { format!("{counts}, new") } else { format!("{counts}, {new} new") };
        }
        let what = self.groups.first().map_or_else(String::new, headline);
        plain(&format!("{key}: {what} ({counts})"))
    }

    /// The digest as text, in at most `bytes` bytes, but the heading at the least. What does not
    /// fit is counted exactly.
    pub fn text(&self, bytes: usize) -> String {
        self.text_and_shown(bytes).0
    }

    /// The text, and how many of the groups fit into it.
    fn text_and_shown(&self, bytes: usize) -> (String, usize) {
        let mut text = format!("{}\n{} to {}\n", self.subject(), self.from, self.to);
        // Room for the two lines that count what does not fit.
        let room = bytes.saturating_sub(160);
        let mut shown = 0;
        for group in &self.groups {
            let entry = entry(group);
            if text.len() + entry.len() > room {
                break;
            }
            text.push_str(&entry);
            shown += 1;
        }
        let (groups, count) = self.more(shown);
        if groups > 0 {
            // Writing to a `String` can't fail.
            let groups = counted(groups as u64, "more group");
            let _ = writeln!(text, "+{groups} with {}", counted(count, "failure"));
        }
        if self.other > 0 {
            let other = counted(self.other, "more failure");
            let _ = writeln!(text, "+{other} in groups that were not kept");
        }
        (text, shown)
    }

    /// How many groups there are after the first `shown`, and how many failures in them.
    fn more(&self, shown: usize) -> (usize, u64) {
        let rest = self.groups.get(shown..).unwrap_or_default();
        (rest.len(), rest.iter().fold(0, |sum, group| sum.saturating_add(group.count)))
    }
}

/// `1 failure`, `2 failures`.
fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The longest words of a subject about what failed, in bytes.
const HEADLINE: usize = 100;

/// What failed, in short: the type without its path, and the description.
fn headline(group: &DigestGroup) -> String {
    let type_name = group.type_name.split('<').next().unwrap_or_default();
    let type_name = type_name.rsplit("::").next().unwrap_or_default();
    let mut text = match group.description.as_str() {
        "" => type_name.to_owned(),
        description => format!("{type_name}: {description}"),
    };
    crate::text::cut(&mut text, HEADLINE);
    text
}

fn entry(group: &DigestGroup) -> String {
    let mark = if group.new { "NEW " } else { "" };
    let head = format!("{mark}{}× {}: {}", group.count, group.type_name, group.description);
    let mut text = format!("\n{}\n", plain(&head));
    let times = (group.first_seen, group.last_seen);
    let _ = writeln!(text, "  {} · {} to {}", group.fingerprint, times.0, times.1);
    for (what, tally) in [("sources", &group.sources), ("versions", &group.versions)] {
        let named = tally.counts.iter().filter(|(name, _)| !name.is_empty());
        let mut parts: Vec<_> = named.map(|(name, count)| format!("{name} {count}")).collect();
        if tally.other > 0 {
            parts.push(format!("others {}", tally.other));
        }
        if !parts.is_empty() {
            let _ = writeln!(text, "  {what}: {}", plain(&parts.join(", ")));
        }
    }
    text
}

/// `text` on one line, and without what a terminal would obey.
fn plain(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect()
}

fn id(random: &Random) -> String {
    format!("{:016x}{:016x}", random.next_u64(), random.next_u64())
}

/// Waits `first` after the first failure of a sink, twice as long after each further one, `most` at
/// the longest.
fn backoff(first: Duration, most: Duration, failures: u32) -> Duration {
    let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(most)
}
