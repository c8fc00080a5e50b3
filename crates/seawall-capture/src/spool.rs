//! What outlives the process: a file that memory is written to.
//!
//! A [`Spool`] keeps, in one file, what a [`MemoryStore`](crate::MemoryStore) holds, the digests that
//! were not sent, and the fingerprints that [`Alarms`](crate::Alarms) know. Each of them
//! reads back what was there, and writes what changes from then on.
//!
//! ```
//! use seawall_capture::{Capture, Draft, MemoryStore, Spool};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = std::env::temp_dir().join(format!("seawall-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! let path = folder.join("failures.spool");
//! {
//!     let spool = Spool::open(&path)?;
//!     let store = MemoryStore::builder().spool(&spool).build()?;
//!     let capture = Capture::builder().store(store).build()?;
//!     capture.record(Draft::new("Gone", "it is gone"));
//!     spool.flush().await?; // It is on disk from here on.
//! }
//! // The process ends here, and another begins.
//! let spool = Spool::open(&path)?;
//! let store = MemoryStore::builder().spool(&spool).build()?;
//! assert_eq!(store.totals().held, 1);
//! let capture = Capture::builder().store(store.clone()).build()?;
//! capture.record(Draft::new("Gone", "it is gone"));
//! assert_eq!(store.list(&Default::default())[0].count, 2);
//! # drop((capture, store, spool));
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is guaranteed
//!
//! | | killed, panicked, aborted | power cut, with [`Durability::PowerCut`] |
//! |---|---|---|
//! | what was recorded before [`flush`](Spool::flush) said `Ok` | is there | is there |
//! | a new group, without a flush | is there a few milliseconds after it came | a few more |
//! | repeats, without a flush | are there after [`every`](SpoolBuilder::every) (1 s) | the same |
//! | what was written before what is damaged | is there | is there |
//!
//! A flood of new groups makes the writer rest four times as long as it writes, `every` at the
//! longest. What is read back is never more than was recorded, except that the failures of a group
//! that was evicted, or in a batch that was acknowledged, within `every` before the end may be there
//! once more: rather twice than never.
//!
//! Recording waits for none of this. It notes what changed, in constant time and bounded space; a
//! thread of the spool's own writes it. If more changed than is noted, everything is written.
//!
//! # What is read back
//!
//! Groups with their counts, times, sources, first and last body; whether they are resolved or
//! muted, and what was merged; what was seen before and is not new any more; the count of what was
//! evicted; digests with their ids, what is gathered for the next, and when a digest last reported
//! a group; known fingerprints, and since when they are learned. What is in
//! a batch that was taken and not acknowledged is held again. Not read back: sums of what is gone
//! (delivered, expired, dropped), and the history that spikes are measured against.
//!
//! # The file
//!
//! Entries are appended, each with its length and a checksum, and say what is, not what changed: so
//! each prefix of the file is a true picture of some moment. On opening, what follows the last whole
//! entry is cut off, and counted in [`SpoolCounts::cut`]. When the file is more than twice as long
//! as it has to be it is compacted: rewritten to a second file, synced, and renamed. It can be read
//! by its owner alone (mode 0600, on Unix; elsewhere as the folder says).
//!
//! # Traps
//!
//! - It holds records with their details: what redaction left in them is on disk.
//! - One process at a time, held off by a lock on the file `<path>.lock`. Network file systems may not
//!   keep that promise, nor the others.
//! - The file is held open: one that is deleted under it is written to all the same, until it is
//!   next compacted.
//! - Dropping the last handle writes what is left, and waits up to five seconds for that.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

pub use config::SpoolBuilder;
pub use error::SpoolError;
pub use event::SpoolEvent;
use file::{Log, Paths};
use format::Found;
pub(crate) use format::{Entries, EntryWriter, Section};
pub(crate) use shared::Source;
use shared::{Read, Shared};
pub(crate) use signal::Signal;
use writer::Writer;

mod config;
mod error;
mod event;
mod file;
mod format;
mod shared;
mod signal;
mod writer;

/// How long dropping the last handle waits for what is left to be written.
const LAST: Duration = Duration::from_secs(5);

pub(crate) const GROUPS: Section = Section(1);
pub(crate) const SUMS: Section = Section(2);
pub(crate) const DIGESTS: Section = Section(3);
pub(crate) const KNOWN: Section = Section(4);
pub(crate) const LEARNING: Section = Section(5);
pub(crate) const GATHERED: Section = Section(7);
pub(crate) const REPORTED: Section = Section(8);

/// What a spool survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// That the process ends, however it does. What is written is left to the system to bring to
    /// disk.
    Process,
    /// That the machine does: what is written is synced to disk, several writes at once.
    #[default]
    PowerCut,
}

/// What a spool counted since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpoolCounts {
    /// How many bytes the file holds.
    pub bytes: u64,
    /// Entries that were written.
    pub entries: u64,
    /// How often the file was rewritten as a whole.
    pub compactions: u64,
    /// Entries that were not written, or not read, because they were too long, or the file would
    /// have been.
    pub left_out: u64,
    /// Bytes that were cut off on opening because they were not written whole.
    pub cut: u64,
    /// Entries that were whole, but not understood.
    pub unread: u64,
    /// Attempts to write that failed.
    pub failures: u64,
    /// Whether the last attempt did.
    pub failing: bool,
}

/// A file that outlives the process. Clones share it; see the [module](self).
#[derive(Clone)]
pub struct Spool(Arc<Handle>);

struct Handle(Arc<Shared>);

impl Spool {
    /// Opens the spool at `path` with the defaults, or makes one. The folder must be there.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, SpoolError> {
        Self::builder(path).open()
    }

    /// A builder with the defaults for the spool at `path`.
    pub fn builder(path: impl Into<PathBuf>) -> SpoolBuilder {
        SpoolBuilder::new(path.into())
    }

    fn of(builder: SpoolBuilder) -> Result<Self, SpoolError> {
        let SpoolBuilder { path, every, durability, max_bytes, report } = builder;
        let paths = Paths::of(path.clone());
        let lock = match paths.lock() {
            Ok(lock) => Some(lock),
            Err(SpoolError::Io(_)) => None,
            Err(error) => return Err(error),
        };
        let (Found { image, whole, left_out, .. }, length) = paths.read(max_bytes)?;
        let log = length.filter(|_| lock.is_some()).map(|_| Log::open(&paths, whole));
        let cut = length.unwrap_or_default() - whole;
        let counts = SpoolCounts { cut, bytes: whole, left_out, ..SpoolCounts::default() };
        let live = image.values().flatten().map(|(key, value)| (key.len() + value.len()) as u64);
        let sizes = (paths.length().map_err(SpoolError::io)?, live.sum());
        let shared = Arc::new(Shared {
            path,
            every,
            durability,
            max_bytes,
            report,
            signal: Arc::default(),
            sources: Mutex::default(),
            read: Mutex::new(Read { image, claimed: BTreeSet::new() }),
            counts: Mutex::new(counts),
            progress: watch::Sender::default(),
        });
        // A file that can't be opened is replaced; that is retried as long as it fails.
        let log = log.and_then(Result::ok);
        let writer = Writer::new(Arc::clone(&shared), paths, lock, log, sizes);
        std::thread::Builder::new()
            .name("seawall-spool".into())
            .spawn(move || writer.run())
            .map_err(SpoolError::io)?;
        Ok(Self(Arc::new(Handle(shared))))
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.0.0.path
    }

    /// What it counted.
    pub fn counts(&self) -> SpoolCounts {
        *self.0.0.counts.lock()
    }

    /// Ends when everything that was recorded before is written, as
    /// [`durability`](SpoolBuilder::durability) says, or when that failed. Dropping the future
    /// changes nothing: it is written all the same.
    ///
    /// Waits for the disk, which no time bounds: put [`tokio::time::timeout`] around it where that
    /// matters.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Io`] if writing failed: it is tried again, whether or not anybody asks.
    /// [`SpoolError::Ended`] if the spool's thread is gone, which takes a bug in it.
    pub async fn flush(&self) -> Result<(), SpoolError> {
        let shared = &*self.0.0;
        let mut progress = shared.progress.subscribe();
        let ticket = shared.signal.request();
        let done = progress.wait_for(|p| p.ticket >= ticket || p.ended).await;
        let done = done.map_err(|_| SpoolError::Ended)?;
        match &done.failed {
            _ if done.ticket < ticket => Err(SpoolError::Ended),
            Some(error) => Err(SpoolError::Io(Arc::clone(error))),
            None => Ok(()),
        }
    }

    /// What was read of `section`; `None` if somebody else has it.
    pub(crate) fn claim(&self, section: Section) -> Option<Entries> {
        let mut read = self.0.0.read.lock();
        read.claimed.insert(section).then(|| read.image.get(&section).cloned().unwrap_or_default())
    }

    /// Writes what `source` keeps from now on, instead of what was read of `sections`.
    pub(crate) fn attach(&self, sections: &[Section], source: Arc<dyn Source>, unread: u64) {
        let shared = &*self.0.0;
        // Both at once: a compaction in between would write neither.
        let mut sources = shared.sources.lock();
        let mut read = shared.read.lock();
        read.image.retain(|section, _| !sections.contains(section));
        sources.push(source);
        shared.counts.lock().unread += unread;
    }

    pub(crate) fn signal(&self) -> Arc<Signal> {
        Arc::clone(&self.0.0.signal)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.signal.stop(LAST);
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool")
            .field("path", &self.path())
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody waits for a thread that is gone.
    #[tokio::test]
    async fn flushing_says_that_the_thread_ended() {
        let folder = std::env::temp_dir().join(format!("seawall-ended-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let spool = Spool::open(folder.join("spool")).unwrap();
        spool.flush().await.unwrap();
        // What the thread does when it ends, for whatever reason.
        spool.0.0.signal.stop(LAST);
        assert!(matches!(spool.flush().await, Err(SpoolError::Ended)));
        drop(spool);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
