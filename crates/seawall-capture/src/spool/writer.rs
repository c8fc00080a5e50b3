//! What writes: a thread that nobody waits for, unless they ask to.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use seawall_core::contain;

use super::file::{Lock, Log, Paths, sync_folder};
use super::format::EntryWriter;
use super::shared::Shared;
use super::{Durability, SpoolError};

/// How many bytes are about written in one go.
const CHUNK: u64 = 1 << 20;
/// Up to how many bytes a spool is not worth compacting.
const FLOOR: u64 = 1 << 20;
/// How long it waits at most before it tries again what failed.
const RETRY: Duration = Duration::from_mins(1);
/// How many times longer than it wrote it rests, so that a flood of new groups does not take up a
/// processor.
const REST: u32 = 4;

#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    paths: Paths,
    lock: Option<Lock>,
    /// How long the file was when it was read.
    read: u64,
    log: Option<Log>,
    /// Entries that were taken from their sources and are not written yet.
    pending: Vec<u8>,
    /// Everything has to be rewritten: what the file holds can't be relied on.
    rewrite: bool,
    /// How long the file may get until it is compacted.
    compact_at: u64,
    failures: u32,
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        paths: Paths,
        lock: Option<Lock>,
        log: Option<Log>,
        (read, live): (u64, u64),
    ) -> Self {
        let compact_at = compact_at(live, shared.max_bytes);
        let pending = Vec::new();
        Self { shared, paths, lock, read, log, pending, rewrite: false, compact_at, failures: 0 }
    }

    /// Writes until nobody is there any more.
    pub(super) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let end = End(Arc::clone(&shared));
        loop {
            let asked = shared.signal.begin();
            let began = Instant::now();
            let done = contain(|| self.step());
            let done = done.unwrap_or_else(|_| Err(io::Error::other("a source panicked")));
            self.failures = if done.is_ok() { 0 } else { self.failures.saturating_add(1) };
            shared.settle(asked.ticket, done, self.log.as_ref().map_or(0, Log::len));
            if asked.last {
                break;
            }
            shared.signal.wait(self.rest(began.elapsed()), shared.every);
        }
        // A caller that waits for the end may open the spool again at once.
        drop(self);
        drop(end);
    }

    /// For how long nothing but a request makes it write again.
    fn rest(&self, busy: Duration) -> Duration {
        if self.failures > 0 {
            let factor = 1_u32.checked_shl(self.failures - 1).unwrap_or(u32::MAX);
            return self.shared.every.saturating_mul(factor).min(RETRY.max(self.shared.every));
        }
        busy.saturating_mul(REST).min(self.shared.every)
    }

    /// Writes all that changed before it began.
    fn step(&mut self) -> io::Result<()> {
        if self.lock.is_none() {
            self.lock = Some(self.lock()?);
        }
        // What is left of a step that failed comes first: a source that begins forgets nothing, but
        // has room for one beginning at a time.
        let mut wrote = self.drain()?;
        let sources = self.shared.sources.lock().clone();
        if sources.iter().fold(false, |lost, source| source.begin() | lost) {
            self.compact()?;
        }
        wrote |= self.drain()?;
        if let Some(log) = self.log.as_ref().filter(|_| wrote && self.shared.syncs()) {
            // After a failed sync nobody knows what is on disk, and a second one may lie about it.
            log.sync().inspect_err(|_| self.rewrite = true)?;
        }
        Ok(())
    }

    /// Locks late, what could not be locked when it was opened.
    fn lock(&self) -> io::Result<Lock> {
        let lock = self.paths.lock().map_err(|error| match error {
            SpoolError::Io(error) => io::Error::new(error.kind(), error),
            error => io::Error::other(error),
        })?;
        // What is there now was written by somebody else, and is not ours to write over.
        if self.paths.length()? == self.read {
            return Ok(lock);
        }
        Err(io::Error::other("another process wrote it since"))
    }

    /// Appends what the sources have to say. Says whether that was anything.
    fn drain(&mut self) -> io::Result<bool> {
        let mut wrote = false;
        loop {
            let Some(log) = self.log.as_mut().filter(|_| !self.rewrite) else {
                self.compact()?;
                continue;
            };
            if self.pending.is_empty() {
                collect(&self.shared, &mut self.pending)?;
            }
            if self.pending.is_empty() {
                return Ok(wrote);
            }
            log.append(&self.pending)?;
            self.pending.clear();
            wrote = true;
            self.rewrite |= log.len() > self.compact_at;
        }
    }

    /// Rewrites the file from what there is now.
    fn compact(&mut self) -> io::Result<()> {
        // Until it is done, as the sources forget on the way what they had to say.
        self.rewrite = true;
        let shared = &*self.shared;
        let (log, written) = Log::replace(&self.paths, shared.max_bytes / 2, |to| {
            shared.write_unclaimed(to);
            let sources = shared.sources.lock().clone();
            for source in sources {
                source.all(to);
            }
        })?;
        // Older than what was just written.
        self.pending.clear();
        self.compact_at = compact_at(log.len(), shared.max_bytes);
        self.log = Some(log);
        let mut counts = shared.counts.lock();
        counts.compactions += 1;
        counts.entries += written.entries;
        counts.left_out += written.left_out;
        drop(counts);
        sync_folder(&self.paths.spool)?;
        self.rewrite = false;
        Ok(())
    }
}

/// Wakes every waiter when the thread ends, however it does.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.progress.send_modify(|progress| progress.ended = true);
        self.0.signal.end();
    }
}

fn collect(shared: &Shared, into: &mut Vec<u8>) -> io::Result<()> {
    let mut to = EntryWriter::new(into, CHUNK, u64::MAX);
    let sources = shared.sources.lock().clone();
    for source in sources {
        source.next(&mut to);
    }
    let written = to.end()?;
    let mut counts = shared.counts.lock();
    counts.entries += written.entries;
    counts.left_out += written.left_out;
    Ok(())
}

/// Twice what is needed, so that on average each byte is written twice.
fn compact_at(live: u64, most: u64) -> u64 {
    live.saturating_mul(2).saturating_add(FLOOR).min(most)
}

impl Shared {
    fn syncs(&self) -> bool {
        self.durability == Durability::PowerCut
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use parking_lot::Mutex;

    use super::super::file::FAIL_SYNC;
    use super::super::format::{Image, Section};
    use super::super::shared::{Read, Source};
    use super::*;

    /// Has one thing to say after each beginning.
    #[derive(Default)]
    struct Once {
        news: Mutex<bool>,
        /// Whether the next beginning finds too much for it to remember.
        lost: Mutex<bool>,
    }

    impl Source for Once {
        fn begin(&self) -> bool {
            *self.news.lock() = true;
            std::mem::take(&mut *self.lost.lock())
        }

        fn next(&self, to: &mut EntryWriter<'_>) {
            if std::mem::take(&mut *self.news.lock()) {
                to.put(Section(9), b"key", |_| {});
            }
        }

        fn all(&self, to: &mut EntryWriter<'_>) {
            to.put(Section(9), b"key", |_| {});
        }
    }

    fn shared(path: std::path::PathBuf, source: Arc<dyn Source>) -> Arc<Shared> {
        Arc::new(Shared {
            path,
            every: Duration::from_secs(1),
            durability: Durability::PowerCut,
            max_bytes: 1 << 20,
            report: Arc::new(|_| {}),
            signal: Arc::default(),
            sources: Mutex::new(vec![source]),
            read: Mutex::new(Read { image: Image::new(), claimed: BTreeSet::new() }),
            counts: Mutex::default(),
            progress: tokio::sync::watch::Sender::default(),
        })
    }

    /// A writer in a folder of its own, which has written once.
    fn writer(name: &str, source: &Arc<Once>) -> (std::path::PathBuf, Arc<Shared>, Writer) {
        let name = format!("seawall-writer-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let paths = Paths::of(folder.join("spool"));
        let lock = paths.lock().unwrap();
        let shared = shared(folder.join("spool"), Arc::clone(source) as _);
        let mut writer = Writer::new(Arc::clone(&shared), paths, Some(lock), None, (0, 0));
        writer.step().unwrap();
        assert_eq!(shared.counts.lock().compactions, 1);
        (folder, shared, writer)
    }

    /// After a sync that failed nobody knows what is on disk: the system may have dropped what it
    /// could not write, and says that the next sync went well.
    #[test]
    fn everything_is_written_anew_after_a_sync_that_failed() {
        let (folder, shared, mut writer) = writer("sync", &Arc::default());
        FAIL_SYNC.set(1);
        assert!(writer.step().is_err());
        writer.step().unwrap();
        assert_eq!(shared.counts.lock().compactions, 2);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    /// What replaces the spool has to be on disk before its name is, and the name before anything else is
    /// believed. The file that failed takes up no space, and the spool is as it was.
    #[test]
    #[cfg(unix)]
    fn a_compaction_whose_sync_failed_leaves_nothing_and_is_done_again() {
        for (name, failing, replaced) in [("file", 1, false), ("folder", 2, true)] {
            let source = Arc::new(Once::default());
            let (folder, shared, mut writer) = writer(name, &source);
            let old = std::fs::metadata(folder.join("spool")).unwrap();
            *source.lost.lock() = true;
            FAIL_SYNC.set(failing);
            assert!(writer.step().is_err(), "{name}");
            assert!(!folder.join("spool.next").exists(), "{name}");
            let new = std::fs::metadata(folder.join("spool")).unwrap();
            assert_eq!(same_file(&old, &new), !replaced, "{name}");
            let compactions = shared.counts.lock().compactions;
            writer.step().unwrap();
            assert_eq!(shared.counts.lock().compactions, compactions + 1, "{name}");
            std::fs::remove_dir_all(&folder).unwrap();
        }
    }

    #[cfg(unix)]
    fn same_file(one: &std::fs::Metadata, other: &std::fs::Metadata) -> bool {
        use std::os::unix::fs::MetadataExt;
        one.ino() == other.ino()
    }

    /// A source that lost count forgets so by being asked for everything, whether or not that got to
    /// the disk.
    #[test]
    fn everything_is_written_anew_after_a_compaction_that_failed() {
        let source = Arc::new(Once::default());
        let (folder, shared, mut writer) = writer("compaction", &source);
        let next = folder.join("spool.next");
        std::fs::create_dir_all(next.join("in the way")).unwrap();
        *source.lost.lock() = true;
        assert!(writer.step().is_err());
        std::fs::remove_dir_all(&next).unwrap();
        writer.step().unwrap();
        assert_eq!(shared.counts.lock().compactions, 2);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
