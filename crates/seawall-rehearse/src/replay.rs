//! Playing what a report was made of once more.

use serde_json::Value;

use crate::rehearsal::Rehearsal;
use crate::report::Report;
use crate::scenario::{Mistakes, Scenario};

/// What came out of [`replay`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Replayed {
    /// The report as it is now.
    pub report: Report,
    /// The first line in which its JSON differs from the one that was replayed: its number, what it was, and
    /// what it is. `None` where they are the same to the byte.
    pub difference: Option<(usize, String, String)>,
}

/// Plays the scenario of a report again, from the report's JSON, and compares both.
///
/// A report holds its scenario and everything that stood in other files. Stacks are those of the scenario:
/// one that was built by code is not in it.
///
/// # Errors
///
/// Where the text is no report, holds a stack that is not of its scenario, or the scenario can't be played.
pub fn replay(json: &str) -> Result<Replayed, Mistakes> {
    let old: Value = serde_json::from_str(json)
        .map_err(|error| Mistakes::one(format!("the report is no JSON: {error}")))?;
    let source = old["source"].as_str();
    let source = source.ok_or_else(|| Mistakes::one("the report holds no `source`"))?;
    let rehearsal = Rehearsal::new(Scenario::parse(source)?);
    let names =
        old["stacks"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str());
    let known = |name: &&str| rehearsal.stacks().iter().any(|stack| stack.name() == *name);
    if let Some(name) = names.into_iter().find(|name| !known(name)) {
        return Err(Mistakes::one(format!(
            "stack {name:?} was built by code, and can only be played again by that"
        )));
    }
    let report = rehearsal.run().map_err(|error| Mistakes::one(error.to_string()))?;
    let new = report.json();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let difference = (new != json).then(|| {
        let (old, new) = (lines(json), lines(&new));
        let at = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        let line = |lines: &[String]| lines.get(at).map_or("", |line| line.trim()).to_owned();
        (at + 1, line(&old), line(&new))
    });
    Ok(Replayed { report, difference })
}
