//! What the handles and the thread share.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use seawall_core::contain;
use tokio::sync::watch;

use super::config::Report;
use super::format::{EntryWriter, Image, Section};
use super::{Durability, Signal, SpoolCounts, SpoolEvent};

/// What has something to keep.
pub(crate) trait Source: Send + Sync {
    /// Gets ready to say what changed up to now. Says whether that was too much to remember:
    /// everything has to be written then.
    fn begin(&self) -> bool;

    /// Writes what changed before the last [`begin`](Self::begin), until the writer is full or there
    /// is no more.
    fn next(&self, to: &mut EntryWriter<'_>);

    /// Writes everything, and forgets what changed before.
    fn all(&self, to: &mut EntryWriter<'_>);
}

/// What the handles and the thread have in common.
pub(super) struct Shared {
    pub(super) path: PathBuf,
    pub(super) every: Duration,
    pub(super) durability: Durability,
    pub(super) max_bytes: u64,
    pub(super) report: Report,
    pub(super) signal: Arc<Signal>,
    pub(super) sources: Mutex<Vec<Arc<dyn Source>>>,
    pub(super) read: Mutex<Read>,
    pub(super) counts: Mutex<SpoolCounts>,
    pub(super) progress: watch::Sender<Progress>,
}

/// What was read, and is still written back as it is until somebody claims it.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) image: Image,
    pub(super) claimed: BTreeSet<Section>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// The last request that was dealt with.
    pub(super) ticket: u64,
    /// Attempts that failed since the last that did not.
    pub(super) attempts: u64,
    pub(super) failed: Option<Arc<io::Error>>,
    /// Nothing is written any more.
    pub(super) ended: bool,
}

impl Shared {
    pub(super) fn write_unclaimed(&self, to: &mut EntryWriter<'_>) {
        let read = self.read.lock();
        for (section, entries) in &read.image {
            for (key, value) in entries {
                to.put(*section, key, |to| to.extend_from_slice(value));
            }
        }
    }

    /// An attempt to write is over.
    pub(super) fn settle(&self, ticket: u64, done: io::Result<()>, bytes: u64) {
        let failed = done.err().map(Arc::new);
        let before = self.progress.borrow().clone();
        let attempts = if failed.is_some() { before.attempts + 1 } else { 0 };
        {
            let mut counts = self.counts.lock();
            counts.bytes = bytes;
            counts.failing = failed.is_some();
            counts.failures += u64::from(failed.is_some());
        }
        let event = match &failed {
            Some(error) if before.attempts == 0 => Some(SpoolEvent::Failing { error }),
            None if before.attempts > 0 => {
                Some(SpoolEvent::Recovered { attempts: before.attempts })
            }
            _ => None,
        };
        if let Some(event) = event {
            // Theirs to panic; there is nobody to tell.
            let _ = contain(|| (self.report)(&event));
        }
        self.progress.send_replace(Progress { ticket, attempts, failed, ended: false });
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("path", &self.path).finish_non_exhaustive()
    }
}
