//! The end of a run, whatever ended it: the ledgers are closed and the two files written.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use seawall::shutdown::ShutdownReason;
use tokio::time::Instant;

use crate::diary::{Change, Diary};
use crate::measure::seconds;
use crate::options::Options;
use crate::report::{ClientReport, PhaseReport, PipelineReport, Report, played};
use crate::scenario::Scenario;
use crate::stage::{Role, Stage};
use crate::timeline_svg::timeline;

/// Everything that a report is made of, at any moment.
pub struct Finale {
    options: Options,
    scenario: Arc<Scenario>,
    start: Instant,
    cast: Vec<Role>,
    diary: Diary,
    description: Vec<String>,
    ended: OnceLock<(Instant, String)>,
    written: OnceLock<Written>,
}

/// The report, and its path.
pub struct Written {
    pub report: Report,
    pub picture: PathBuf,
    pub json: PathBuf,
}

impl Finale {
    pub fn new(
        options: &Options,
        stage: &Stage,
        diary: Diary,
        description: Vec<String>,
    ) -> Arc<Self> {
        Arc::new(Self {
            options: options.clone(),
            scenario: Arc::clone(&stage.scenario),
            start: stage.start,
            cast: stage.cast(),
            diary,
            description,
            ended: OnceLock::new(),
            written: OnceLock::new(),
        })
    }

    /// The end has begun: no more calls are made.
    pub fn close(&self, reason: &ShutdownReason) {
        // A shutdown begins once.
        let _ = self.ended.set((Instant::now(), reason.to_string()));
    }

    /// Writes both files.
    pub fn write(&self) -> anyhow::Result<()> {
        let report = self.report();
        let write = |name: &str, text: String| -> anyhow::Result<PathBuf> {
            let path = self.options.out.join(name);
            fs::write(&path, text).with_context(|| path.display().to_string())?;
            Ok(path)
        };
        let json = write("report.json", serde_json::to_string_pretty(&report)?)?;
        let picture = write("timeline.svg", timeline(&report))?;
        // There is no other writer; the report of one would be as good.
        let _ = self.written.set(Written { report, picture, json });
        Ok(())
    }

    /// The report that was written, if one was.
    pub fn written(&self) -> Option<&Written> {
        self.written.get()
    }

    fn report(&self) -> Report {
        let scenario = &self.scenario;
        let books: Vec<_> = self.cast.iter().map(|role| role.ledger.books()).collect();
        let (ended, reason) = self.ended.get().cloned().unwrap_or((Instant::now(), String::new()));
        // The load ends with the script, or when it is stopped; the last answers come later.
        let length = ended.saturating_duration_since(self.start).min(scenario.length());
        let phases = played(scenario, length);
        let client = |(role, books): (&Role, _)| {
            ClientReport::new(role.name, books, role.tally.as_deref(), &phases)
        };
        Report {
            complete: length == scenario.length(),
            ended_by: reason,
            seed: self.options.seed,
            target: self.options.target.as_ref().map(ToString::to_string),
            seconds: seconds(length),
            calls_per_second: scenario.calls_per_second,
            call_timeout_ms: seconds(scenario.call_timeout * 1000),
            attempt_timeout_ms: seconds(scenario.attempt_timeout * 1000),
            late_ms: seconds(
                books.iter().map(|books| books.latest).max().unwrap_or_default() * 1000,
            ),
            phases: phases.iter().map(PhaseReport::new).collect(),
            clients: self.cast.iter().zip(&books).map(client).collect(),
            pipeline: self.pipeline(),
        }
    }

    fn pipeline(&self) -> PipelineReport {
        let changes = self.diary.since(0).into_iter().map(|(at, transition)| {
            let at = at.saturating_duration_since(self.start);
            let phase = &self.scenario.phases[self.scenario.phase_at(at)];
            Change::new(at.as_secs_f64(), &phase.name, &transition)
        });
        PipelineReport {
            description: self.description.clone(),
            events: self.diary.counts(),
            transitions: changes.collect(),
            transitions_dropped: self.diary.dropped(),
        }
    }
}

/// Makes the directory for the files, so that a wrong path is reported before the run.
pub fn prepare(directory: &Path) -> Result<(), String> {
    fs::create_dir_all(directory).map_err(|error| format!("--out {}: {error}", directory.display()))
}
