//! What came out, for people and for programs.

use serde::Serialize;

use crate::figures::Figures;
use crate::run::Played;
use crate::scenario::{Promise, Scenario};
use crate::time::seconds;

mod html;
mod junit;
mod picture;
mod table;

pub(crate) use junit::escaped;
pub(crate) use table::{aligned, value};

/// Bounds of a share of the possible gain: below this difference there is none.
const LEAST_GAIN: f64 = 0.3;

/// What came out of a rehearsal.
///
/// The same scenario and seeds give the same report to the byte, in debug and release.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The version of this form. A field that is added does not change it.
    pub schema: u32,
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's file, with everything in it that stood in other files: what
    /// [`replay`](crate::replay) plays.
    pub source: String,
    /// The seeds that it was played with.
    pub seeds: Vec<u64>,
    /// What all servers serve in a second, in health.
    pub capacity: f64,
    /// What goes wrong, and when.
    pub faults: Vec<FaultReport>,
    /// Each stack.
    pub stacks: Vec<StackReport>,
    /// Each promise of each stack that it is made for.
    pub promises: Vec<Verdict>,
}

/// A fault, or a surge of load.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FaultReport {
    /// What it is.
    pub what: String,
    /// When it begins, in seconds.
    pub from: f64,
    /// When it is over, in seconds.
    pub until: f64,
}

/// What came out of one stack.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StackReport {
    /// Its name.
    pub name: String,
    /// The median of each figure over the seeds.
    pub median: Figures,
    /// The worst of each figure over the seeds.
    pub worst: Figures,
    /// (loss of none − loss) / (loss of none − loss of the omniscient client), of sums; `None` where
    /// those two differ by less than 0.3 s.
    pub gain: Option<f64>,
    /// The same in comparison with the best of the stacks that were played, the omniscient client
    /// excepted.
    pub gain_of_best: Option<f64>,
    /// The figures for each seed.
    pub runs: Vec<Figures>,
    /// Under the first seed: what was answered over time.
    pub timeline: Timeline,
    /// Why a run ended early.
    pub stopped: Option<String>,
}

/// Calls over time, by when they were made.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Timeline {
    /// The length of a slice, in seconds.
    pub slice: f64,
    /// Calls made in each slice.
    pub calls: Vec<u32>,
    /// How many of them were answered.
    pub answered: Vec<u32>,
    /// Requests of these calls.
    pub requests: Vec<u32>,
    /// When the first client's circuit changed, in seconds, and into what.
    pub circuit: Vec<(f64, &'static str)>,
    /// Seconds in each state, of all clients' circuits together.
    pub states: Vec<(&'static str, f64)>,
}

/// Whether a promise is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// Whose promise.
    pub stack: String,
    /// As it is written.
    pub promise: String,
    /// Whether all parts hold.
    pub kept: bool,
    /// For each part that does not hold, what the figure is.
    pub broken: Vec<String>,
}

impl StackReport {
    pub(crate) fn new(name: &str, runs: Vec<Played>) -> Self {
        let figures: Vec<_> = runs.iter().map(|run| run.figures.clone()).collect();
        let stopped = runs.iter().find_map(|run| run.stopped.clone());
        Self {
            name: name.to_owned(),
            median: Figures::median(&figures),
            worst: Figures::worst(&figures),
            gain: None,
            gain_of_best: None,
            timeline: runs.into_iter().next().map(timeline).unwrap_or_default(),
            runs: figures,
            stopped,
        }
    }

    /// The sum of the losses over all seeds.
    pub(crate) fn losses(&self) -> f64 {
        self.runs.iter().map(|run| run.loss).sum()
    }
}

fn timeline(run: Played) -> Timeline {
    Timeline {
        slice: seconds(run.slice),
        calls: run.slices.iter().map(|slice| slice.calls).collect(),
        answered: run.slices.iter().map(|slice| slice.answered).collect(),
        requests: run.slices.iter().map(|slice| slice.requests).collect(),
        circuit: run.bands.iter().map(|(at, state)| (seconds(*at), *state)).collect(),
        states: run.states,
    }
}

/// The share of the possible gain.
pub(crate) fn gain(none: f64, omniscient: f64, loss: f64, worlds: usize) -> Option<f64> {
    let possible = none - omniscient;
    #[expect(clippy::cast_precision_loss, reason = "a number of worlds")]
    let least = LEAST_GAIN * worlds as f64;
    (possible >= least).then(|| (none - loss) / possible)
}

impl Report {
    pub(crate) fn new(scenario: &Scenario, seeds: Vec<u64>, mut stacks: Vec<StackReport>) -> Self {
        let losses =
            |name: &str| stacks.iter().find(|stack| stack.name == name).map(StackReport::losses);
        if let (Some(none), Some(omniscient)) = (losses("none"), losses("omniscient")) {
            for stack in &mut stacks {
                stack.gain = gain(none, omniscient, stack.losses(), seeds.len());
            }
        }
        let played = stacks.iter().filter(|stack| stack.name != "omniscient");
        let best = played.map(StackReport::losses).fold(f64::INFINITY, f64::min);
        if let Some(none) = stacks.iter().find(|stack| stack.name == "none") {
            let none = none.losses();
            for stack in &mut stacks {
                stack.gain_of_best = gain(none, best, stack.losses(), seeds.len());
            }
        }
        let end = scenario.end();
        let faults = scenario.faults.iter().map(|fault| FaultReport {
            what: match fault.backend {
                Some(backend) => format!("{}, server {}", fault.kind.words(), backend + 1),
                None => fault.kind.words(),
            },
            from: seconds(fault.at),
            until: seconds(fault.until.min(end)),
        });
        let surges = scenario.load.surges.iter().map(|surge| FaultReport {
            what: format!("load × {}", surge.times),
            from: seconds(surge.at),
            until: seconds(surge.until.min(end)),
        });
        Self {
            schema: 1,
            scenario: scenario.name.clone(),
            source: scenario.source(),
            seeds,
            capacity: scenario.capacity(),
            faults: faults.chain(surges).collect(),
            promises: verdicts(scenario, &stacks),
            stacks,
        }
    }

    /// What came out of the stack called `name`.
    pub fn stack(&self, name: &str) -> Option<&StackReport> {
        self.stacks.iter().find(|stack| stack.name == name)
    }

    /// Whether every promise is kept.
    pub fn is_kept(&self) -> bool {
        self.promises.iter().all(|verdict| verdict.kept)
    }

    /// The report as JSON. The field `schema` is the version of its form.
    pub fn json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).unwrap_or_default();
        json.push('\n');
        json
    }
}

fn verdicts(scenario: &Scenario, stacks: &[StackReport]) -> Vec<Verdict> {
    let is_meant = |promise: &Promise, stack: &StackReport| match &promise.stack {
        Some(name) => *name == stack.name,
        None => !["none", "naive", "omniscient"].contains(&stack.name.as_str()),
    };
    let mut verdicts = Vec::new();
    for promise in &scenario.promises {
        for stack in stacks.iter().filter(|stack| is_meant(promise, stack)) {
            verdicts.push(verdict(promise, stack));
        }
    }
    verdicts
}

fn verdict(promise: &Promise, stack: &StackReport) -> Verdict {
    let mut broken = Vec::new();
    for part in &promise.parts {
        let Some(word) = Figures::word(part.word) else { continue };
        let values = stack.runs.iter().map(word.get);
        let value = if promise.median {
            (word.get)(&stack.median)
        } else if part.wants_less() {
            values.fold(f64::NEG_INFINITY, f64::max)
        } else {
            values.fold(f64::INFINITY, f64::min)
        };
        if !part.holds(value) {
            broken.push(format!("{} (it is {})", part.text, table::value(word.unit, value)));
        }
    }
    let promise = promise.text.clone();
    Verdict { stack: stack.name.clone(), promise, kept: broken.is_empty(), broken }
}
