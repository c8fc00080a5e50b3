//! The report as a table in plain text.

use std::fmt::Write as _;

use super::Report;
use crate::figures::{Figures, Unit};

/// A figure with its unit, for people.
pub(crate) fn value(unit: Unit, value: f64) -> String {
    match unit {
        _ if value == f64::INFINITY => "never".to_owned(),
        Unit::Seconds if value <= 0.0 => "0 s".to_owned(),
        Unit::Seconds if value < 0.1 => format!("{:.2} ms", value * 1e3),
        Unit::Seconds => format!("{value:.2} s"),
        Unit::Share => format!("{:.1} %", value * 100.0),
        Unit::Number if value.fract() == 0.0 => format!("{value:.0}"),
        Unit::Number => format!("{value:.2}"),
    }
}

type Column = (&'static str, fn(&Figures) -> String);

pub(super) const COLUMNS: &[Column] = &[
    ("loss", |f| format!("{:.2}", f.loss)),
    ("recovery", |f| match f.recovery {
        f64::INFINITY => "never".to_owned(),
        recovery => format!("{recovery:.2}"),
    }),
    ("goodput", |f| format!("{:.0} %", f.goodput_during * 100.0)),
    ("after", |f| format!("{:.0} %", f.goodput_after * 100.0)),
    ("requests", |f| format!("{:.2}", f.amplification)),
    ("wasted", |f| format!("{:.0} %", f.wasted * 100.0)),
    ("refused", |f| format!("{:.0}", f.refused)),
    ("in, p99", |f| if f.refused > 0.0 { value(Unit::Seconds, f.refused_p99) } else { none() }),
    ("p50", |f| latency(f.latency_p50)),
    ("p99", |f| latency(f.latency_p99)),
    ("health", |f| format!("{:.2} %", f.lost_in_health * 100.0)),
];

/// A share in percent, where there is one.
pub(super) fn share(share: Option<f64>) -> String {
    share.map_or_else(none, |share| format!("{:.0} %", share * 100.0))
}

fn none() -> String {
    "–".to_owned()
}

/// None where nothing was answered.
fn latency(seconds: f64) -> String {
    if seconds > 0.0 { value(Unit::Seconds, seconds) } else { none() }
}

impl Report {
    /// The report as a table for a terminal: medians over the seeds, and the worst loss.
    pub fn table(&self) -> String {
        let mut text = self.headline();
        let mut rows = vec![vec!["stack".to_owned()]];
        rows[0].extend(COLUMNS.iter().map(|column| column.0.to_owned()));
        rows[0].extend(["worst loss", "gain", "of best"].map(str::to_owned));
        for stack in &self.stacks {
            let mut row = vec![stack.name.clone()];
            row.extend(COLUMNS.iter().map(|column| (column.1)(&stack.median)));
            row.push(format!("{:.2}", stack.worst.loss));
            row.extend([stack.gain, stack.gain_of_best].map(share));
            rows.push(row);
        }
        text.push_str(&aligned(&rows));
        text.push_str(
            "\nloss: seconds of load; recovery: seconds; requests: per call; gain: share of what an \
             omniscient client gains, and of what the best stack gains\n",
        );
        for stack in &self.stacks {
            if let Some(stopped) = &stack.stopped {
                let _ = writeln!(text, "{}: {stopped}", stack.name);
            }
            if stack.median.recovery == f64::INFINITY {
                let _ =
                    writeln!(text, "{}: metastable, it does not come back by itself", stack.name);
            }
        }
        for verdict in &self.promises {
            let sign = if verdict.kept { "kept  " } else { "BROKEN" };
            let _ = writeln!(text, "{sign}  {}: {}", verdict.stack, verdict.promise);
            for broken in &verdict.broken {
                let _ = writeln!(text, "        {broken}");
            }
        }
        text
    }

    pub(super) fn seeds_in_words(&self) -> String {
        match self.seeds.len() {
            1 => format!("seed {}; one run is one run", self.seeds[0]),
            count => {
                let (first, last) = (self.seeds[0], self.seeds[count - 1]);
                format!("medians of {count} seeds, {first} to {last}")
            }
        }
    }

    fn headline(&self) -> String {
        let seeds = self.seeds_in_words();
        let faults: Vec<_> = self
            .faults
            .iter()
            .map(|fault| format!("{} from {} s until {} s", fault.what, fault.from, fault.until))
            .collect();
        format!("{}: {}\n{seeds}\n\n", self.scenario, faults.join(", "))
    }
}

/// Columns of equal width; the first to the left, all others to the right.
pub(crate) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let length =
        |row: &Vec<String>, column: usize| row.get(column).map_or(0, |t| t.chars().count());
    let width = |column| rows.iter().map(|row| length(row, column)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[column] - cell.chars().count());
            if column == 0 {
                let _ = write!(text, "{cell}{pad}");
            } else {
                let _ = write!(text, "  {pad}{cell}");
            }
        }
        let trimmed = text.trim_end().len();
        text.truncate(trimmed);
        text.push('\n');
    }
    text
}
