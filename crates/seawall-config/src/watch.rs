//! Watches a file, and takes what it says when that has changed.
//!
//! By its content: a notification of the file system follows neither the links of a Kubernetes
//! `ConfigMap` nor an editor that writes another file and renames it, and comes in the middle of a
//! write.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use seawall::policy::contain;
use tokio_util::sync::CancellationToken;

use crate::{Changes, Config, Mistakes, Pipelines};
use settled::{Seen, Settled, Verdict};

mod settled;

/// How often a file is read: a change is in force within seconds, and reading a file costs nothing.
const EVERY: Duration = Duration::from_secs(5);

/// How long a file has to stay as it is. Longer than a writer pauses between truncating and writing.
const SETTLE: Duration = Duration::from_millis(500);

/// What became of a file that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reload {
    /// It is in force.
    Applied(Changes),
    /// It is wrong, and what was in force before still is. The watch goes on.
    Rejected(Mistakes),
}

impl fmt::Display for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied(changes) => write!(f, "settings applied\n{changes}"),
            Self::Rejected(mistakes) => write!(f, "settings rejected\n{mistakes}"),
        }
    }
}

type Report = dyn Fn(&Reload) + Send + Sync;

/// Watches a file for pipelines. Made by [`Pipelines::watch`]; does nothing until it [runs](Self::run).
#[derive(Clone)]
#[must_use = "a watch does nothing before `run`"]
pub struct Watch {
    pipelines: Pipelines,
    file: PathBuf,
    every: Duration,
    on_hangup: bool,
    report: Option<Arc<Report>>,
}

impl Pipelines {
    /// Watches `file`, and [applies](Self::apply) what it says whenever its content changes. A file that
    /// is wrong is reported with all its mistakes, and changes nothing; the next good one is taken.
    ///
    /// ```no_run
    /// # use seawall_config::Pipelines;
    /// # async fn run(pipelines: Pipelines, stop: tokio_util::sync::CancellationToken) {
    /// let watch = pipelines.watch("settings.toml").on_hangup().report(|reload| println!("{reload}"));
    /// tokio::spawn(watch.run(stop));
    /// # }
    /// ```
    pub fn watch(&self, file: impl Into<PathBuf>) -> Watch {
        Watch {
            pipelines: self.clone(),
            file: file.into(),
            every: EVERY,
            on_hangup: false,
            report: None,
        }
    }
}

impl Watch {
    /// How often the file is read. Default: 5 s. A change is in force half a second later, once the file
    /// has stayed as it is for that long; a file that is still being written is left alone.
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every.max(Duration::from_millis(1));
        self
    }

    /// Reads the file also when the process receives SIGHUP. Elsewhere than on Unix it does nothing.
    pub fn on_hangup(mut self) -> Self {
        self.on_hangup = true;
        self
    }

    /// Receives what became of each change. A panic in it is contained.
    pub fn report(mut self, report: impl Fn(&Reload) + Send + Sync + 'static) -> Self {
        self.report = Some(Arc::new(report));
        self
    }

    /// Watches until `stop` is cancelled.
    ///
    /// # Errors
    ///
    /// Where SIGHUP can't be listened for.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the watch. A document is applied in one step, never in part.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime that has its timer enabled, and its signals if it listens for one.
    pub async fn run(self, stop: CancellationToken) -> io::Result<()> {
        let mut hangup = Hangup::new(self.on_hangup)?;
        let mut settled = Settled::default();
        let mut pause = Duration::ZERO;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = hangup.received() => {}
                () = tokio::time::sleep(pause) => {}
            }
            let file = self.file.clone();
            let read = tokio::task::spawn_blocking(move || look(&file));
            let Ok(seen) = read.await else { continue };
            if stop.is_cancelled() {
                return Ok(());
            }
            pause = match settled.look(seen) {
                Verdict::Same => self.every,
                Verdict::LookAgain => SETTLE.min(self.every),
                Verdict::Take(text) => {
                    self.take(&text);
                    self.every
                }
                Verdict::Reject(mistakes) => {
                    self.tell(&Reload::Rejected(mistakes));
                    self.every
                }
            };
        }
    }

    fn take(&self, text: &str) {
        let config = Config::from_text(&self.file, text);
        match config.and_then(|config| self.pipelines.apply(&config)) {
            Ok(changes) if changes.is_empty() => {}
            Ok(changes) => self.tell(&Reload::Applied(changes)),
            Err(mistakes) => self.tell(&Reload::Rejected(mistakes)),
        }
    }

    fn tell(&self, reload: &Reload) {
        if let Some(report) = &self.report {
            drop(contain(|| report(reload)));
        }
    }
}

fn look(file: &Path) -> Seen {
    match crate::file::read(file) {
        Ok(text) => Seen::Text(text),
        Err(mistakes) => Seen::Unreadable(mistakes),
    }
}

/// SIGHUP, where there is one and it is wanted.
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    #[cfg(unix)]
    fn new(wanted: bool) -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let signal = if wanted { Some(signal(SignalKind::hangup())?) } else { None };
        Ok(Self { signal })
    }

    #[cfg(unix)]
    async fn received(&mut self) {
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }

    #[cfg(not(unix))]
    fn new(_: bool) -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn received(&mut self) {
        std::future::pending::<()>().await;
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("file", &self.file)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}
