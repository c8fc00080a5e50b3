//! How a spool is opened.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::{Check, PolicyKind};

use super::{Durability, Spool, SpoolError, SpoolEvent};

pub(super) type Report = Arc<dyn Fn(&SpoolEvent<'_>) + Send + Sync>;

/// Opens a [`Spool`].
///
/// | setting | default | why |
/// |---|---|---|
/// | [`every`](Self::every) | 1 s | repeats cost a write a second, however many there are |
/// | [`durability`](Self::durability) | [`Durability::PowerCut`] | new groups are rare, and what broke may be the machine |
/// | [`max_bytes`](Self::max_bytes) | 256 MiB | room for a full store of the default size, twice |
/// | [`report`](Self::report) | nobody | [`Spool::counts`] says it as well |
#[must_use = "a builder does nothing until `open` is called"]
pub struct SpoolBuilder {
    pub(super) path: PathBuf,
    pub(super) every: Duration,
    pub(super) durability: Durability,
    pub(super) max_bytes: u64,
    pub(super) report: Report,
}

impl SpoolBuilder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            every: Duration::from_secs(1),
            durability: Durability::PowerCut,
            max_bytes: 256 << 20,
            report: Arc::new(|_| {}),
        }
    }

    /// How long repeats wait at most before they are written. Above zero; [`Duration::MAX`] for until
    /// something new comes, or somebody asks.
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// What it survives.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long the file gets at most, in bytes, at least 1 MiB. While it is compacted there are
    /// two, the second at most half as long. Groups that do not fit into half of it are left out,
    /// and counted in [`SpoolCounts::left_out`](super::SpoolCounts::left_out).
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Called once when writing begins to fail, and once when it works again. Runs on the spool's own
    /// thread; a panic in it is contained.
    pub fn report(mut self, report: impl Fn(&SpoolEvent<'_>) + Send + Sync + 'static) -> Self {
        self.report = Arc::new(report);
        self
    }

    /// Reads what there is, cuts off what was not written whole, and begins to write.
    ///
    /// A file that can't be *written* is no error: it is [reported](Self::report), tried again, and
    /// all goes on in memory. What was written before and can't be *read* is one, and is left as it
    /// is: a file of another [version](SpoolError::Version), or of [something
    /// else](SpoolError::NotASpool), or that the system does not let this process read.
    pub fn open(self) -> Result<Spool, SpoolError> {
        let check = Check::of(PolicyKind::Capture);
        check.positive("every", self.every)?;
        let bytes = self.max_bytes;
        check.that(bytes >= 1 << 20, "max_bytes", bytes, "at least 1 MiB")?;
        Spool::of(self)
    }
}

impl fmt::Debug for SpoolBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpoolBuilder")
            .field("path", &self.path)
            .field("every", &self.every)
            .field("durability", &self.durability)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}
