//! Playing a scenario again and again, with something in it changed.

use std::path::Path;

use toml::{Table, Value};

use crate::rehearsal::{Rehearsal, Unplayable};
use crate::report::{Report, aligned};
use crate::scenario::{Mistakes, Scenario, Traffic, read_table};
use crate::stack::Stack;

/// A setting and the values that it is to have: `retry.max_attempts=1..5`, `load.rate=100,400,700`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    path: String,
    values: Vec<Value>,
}

/// A sweep plays the scenario once for each value.
const MOST_VALUES: usize = 100;

impl std::str::FromStr for Sweep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "the form is `path=1..5` or `path=a,b,c`, such as `retry.max_attempts=1..5`";
        let (path, values) = text.split_once('=').ok_or(form)?;
        let values: Option<Vec<_>> = match values.split_once("..") {
            Some((first, last)) => match (first.trim().parse(), last.trim().parse()) {
                // One more than is allowed is enough to be refused: a long range fits no memory.
                (Ok(first), Ok(last)) => {
                    Some((first..=last).take(MOST_VALUES + 1).map(Value::Integer).collect())
                }
                _ => None,
            },
            None => Some(values.split(',').map(|text| one(text.trim())).collect()),
        };
        let values = values.filter(|values| (1..=MOST_VALUES).contains(&values.len()));
        let path = path.trim().to_owned();
        values
            .map(|values| Self { path, values })
            .ok_or_else(|| format!("{form}, with 1 to 100 values"))
    }
}

/// A value as TOML has it, or a text without its quotes.
fn one(text: &str) -> Value {
    let quoted = |text: &str| Value::String(text.to_owned());
    format!("value = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut t| t.remove("value"))
        .unwrap_or_else(|| quoted(text))
}

impl Sweep {
    /// Plays the scenario of `file` once for each value: the value as it is written, and what came out.
    ///
    /// # Errors
    ///
    /// Mistakes in the file, and those that a value makes.
    pub fn play(&self, file: &Path) -> Result<Vec<(String, Report)>, Mistakes> {
        let table = read_table(file)?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let mut reports = Vec::new();
        for value in &self.values {
            let mut table = table.clone();
            self.set(&mut table, value).map_err(Mistakes::one)?;
            let scenario = Scenario::from_table(&table, folder)?;
            let report = Rehearsal::new(scenario).run();
            let report = report.map_err(|error| Mistakes::one(error.to_string()))?;
            reports.push((value.to_string(), report));
        }
        Ok(reports)
    }

    /// Sets the value. A path that begins with none of the file's tables is a setting of each
    /// `[[stack]]` that is not a preset.
    fn set(&self, table: &mut Table, value: &Value) -> Result<(), String> {
        let parts: Vec<_> = self.path.split('.').collect();
        let roots = ["load", "server", "fault", "stack", "seed", "seeds", "watch", "for"];
        if roots.contains(&parts[0]) {
            return put(table, &parts, value)
                .ok_or_else(|| format!("{}: there is no such field", self.path));
        }
        let stacks = table.get_mut("stack").and_then(Value::as_array_mut);
        let mut set = false;
        for stack in stacks.into_iter().flatten().filter_map(Value::as_table_mut) {
            if !stack.contains_key("pipeline") {
                set |= put(stack, &parts, value).is_some();
            }
        }
        let none = || format!("{}: no [[stack]] has settings of its own", self.path);
        set.then_some(()).ok_or_else(none)
    }

    /// What came out, a row for each value and stack.
    pub fn table(&self, reports: &[(String, Report)]) -> String {
        let mut rows = vec![
            [self.path.as_str(), "stack", "loss", "recovery", "requests", "p99", "gain"]
                .map(str::to_owned)
                .to_vec(),
        ];
        for (value, report) in reports {
            for stack in &report.stacks {
                let median = &stack.median;
                rows.push(vec![
                    value.clone(),
                    stack.name.clone(),
                    format!("{:.2}", median.loss),
                    if median.recovery.is_finite() {
                        format!("{:.2}", median.recovery)
                    } else {
                        "never".to_owned()
                    },
                    format!("{:.2}", median.amplification),
                    format!("{:.0} ms", median.latency_p99 * 1e3),
                    stack.gain.map_or("–".to_owned(), |gain| format!("{:.0} %", gain * 100.0)),
                ]);
            }
        }
        aligned(&rows)
    }
}

/// Puts a value where `parts` lead, through tables and numbered lists; tables are made.
fn put(table: &mut Table, parts: &[&str], value: &Value) -> Option<()> {
    let (first, rest) = parts.split_first()?;
    if rest.is_empty() {
        table.insert((*first).to_owned(), value.clone());
        return Some(());
    }
    match table.entry((*first).to_owned()).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(table) => put(table, rest, value),
        Value::Array(list) => {
            let entry = list.get_mut(rest[0].parse::<usize>().ok()?)?;
            put(entry.as_table_mut()?, &rest[1..], value)
        }
        _ => None,
    }
}

/// From which load on a stack does not come back by itself.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Threshold {
    /// The stack's name.
    pub stack: String,
    /// As a share of what the servers can serve; `None` where it comes back at 95 % too.
    pub load: Option<f64>,
}

/// Finds for each stack the load from which on it is metastable, to one hundredth of the capacity, by
/// bisection between 5 % and 95 %. At a load it is metastable where that is so under half of the seeds.
///
/// # Errors
///
/// Where a stack can't be built, and where the scenario's load is users that wait for answers.
pub fn find_load(scenario: &Scenario, stacks: &[Stack]) -> Result<Vec<Threshold>, Unplayable> {
    let Traffic::Open { points, .. } = &scenario.load.traffic else {
        return Err(Unplayable::new("a load can be found where it is given as `load.rate`"));
    };
    let usual = points[0].1;
    let metastable = |stack: &Stack, percent: u32| {
        let rate = scenario.capacity() * f64::from(percent) / 100.0;
        let mut changed = scenario.clone();
        if let Traffic::Open { points, .. } = &mut changed.load.traffic {
            for point in points {
                point.1 *= rate / usual;
            }
        }
        let report = Rehearsal::of(changed, vec![stack.clone()]).run()?;
        Ok(report.stacks[0].median.metastable >= 0.5)
    };
    let mut thresholds = Vec::new();
    for stack in stacks {
        let (mut well, mut ill) = (4, 96);
        while ill - well > 1 {
            let middle = u32::midpoint(well, ill);
            if metastable(stack, middle)? {
                ill = middle;
            } else {
                well = middle;
            }
        }
        let load = (ill < 96).then(|| f64::from(ill) / 100.0);
        thresholds.push(Threshold { stack: stack.name().to_owned(), load });
    }
    Ok(thresholds)
}
