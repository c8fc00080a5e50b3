//! The live view: a line that is rewritten in place on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use seawall::CircuitState;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::diary::Diary;
use crate::ledger::Totals;
use crate::scenario::Scenario;
use crate::stage::{Role, Stage};

/// Where the live view goes.
pub struct Screen {
    out: Box<dyn Write + Send>,
    style: Style,
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    /// The progress line is rewritten in place.
    Terminal,
    /// One line a second: a log, a pipe.
    Plain,
    /// Nothing.
    Silent,
}

impl Screen {
    /// Standard output; with `json`, whose report goes there, standard error if it is a
    /// terminal.
    pub fn choose(json: bool) -> Self {
        let (terminal, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        match (json, terminal, err) {
            (true, _, true) => Self { out: Box::new(io::stderr()), style: Style::Terminal },
            (true, _, false) => Self { out: Box::new(io::sink()), style: Style::Silent },
            (false, true, _) => Self { out: Box::new(io::stdout()), style: Style::Terminal },
            (false, false, _) => Self { out: Box::new(io::stdout()), style: Style::Plain },
        }
    }

    /// A line that stays.
    pub fn say(&mut self, line: &str) {
        let clear = if self.style == Style::Terminal { "\r\x1b[2K" } else { "" };
        // An error means that the reader has closed the pipe.
        let _ = writeln!(self.out, "{clear}{line}");
        let _ = self.out.flush();
    }

    /// A line that the next one replaces.
    fn show(&mut self, line: &str) {
        // Wrapping is off for this one line: a line that wraps can't be rewritten.
        let _ = write!(self.out, "\r\x1b[2K\x1b[?7l{line}\x1b[?7h");
        let _ = self.out.flush();
    }

    fn paint(&self, state: CircuitState) -> String {
        let colour = match state {
            _ if self.style != Style::Terminal || std::env::var_os("NO_COLOR").is_some() => "",
            CircuitState::Closed | CircuitState::ForcedClosed => "\x1b[32m",
            CircuitState::Open | CircuitState::ForcedOpen => "\x1b[31m",
            _ => "\x1b[33m",
        };
        let end = if colour.is_empty() { "" } else { "\x1b[0m" };
        format!("{colour}{state:9}{end}")
    }
}

/// The live view of a run.
pub struct Progress {
    screen: Screen,
    scenario: Arc<Scenario>,
    start: Instant,
    cast: Vec<Role>,
    diary: Diary,
    printed: usize,
}

/// The time between two updates.
const GLANCE: Duration = Duration::from_millis(100);

impl Progress {
    pub fn new(screen: Screen, stage: &Stage, diary: Diary) -> Self {
        let (scenario, cast) = (Arc::clone(&stage.scenario), stage.cast());
        Self { screen, scenario, start: stage.start, cast, diary, printed: 0 }
    }

    /// Shows the progress until `end`, then clears the line.
    pub async fn watch(mut self, end: CancellationToken) -> Screen {
        end.run_until_cancelled(self.look()).await;
        self.tell_changes();
        self.screen
    }

    async fn look(&mut self) {
        let mut glances = interval(GLANCE);
        glances.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut phase = None;
        let mut next_line = Duration::from_secs(1);
        loop {
            glances.tick().await;
            let now = self.start.elapsed();
            let index = self.scenario.phase_at(now);
            if phase.replace(index) != Some(index) {
                let phase = &self.scenario.phases[index];
                self.screen.say(&format!("{} ── {phase}", clock(phase.begin)));
            }
            self.tell_changes();
            match self.screen.style {
                Style::Terminal => self.screen.show(&self.line(now)),
                Style::Plain if now >= next_line => {
                    self.screen.say(&self.line(now));
                    next_line += Duration::from_secs(1);
                }
                Style::Plain | Style::Silent => {}
            }
        }
    }

    /// Prints each transition that was not printed yet.
    fn tell_changes(&mut self) {
        let changes = self.diary.since(self.printed);
        self.printed += changes.len();
        for (at, transition) in changes {
            let at = at.saturating_duration_since(self.start);
            self.screen.say(&format!("{}    breaker {transition}", clock(at)));
        }
    }

    fn line(&self, now: Duration) -> String {
        let phase = &self.scenario.phases[self.scenario.phase_at(now)].name;
        let state = self.screen.paint(self.diary.state());
        let client = |role: &Role| {
            let Totals { successes, failures, refusals, .. } = role.ledger.totals();
            format!("{} {successes}/{failures}/{refusals}", role.name)
        };
        let clients: Vec<_> = self.cast.iter().map(client).collect();
        format!("{} {phase:13} {state} {}", clock(now), clients.join("  "))
    }
}

fn clock(at: Duration) -> String {
    format!("{:5.1} s", at.as_secs_f64())
}
