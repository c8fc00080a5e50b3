//! Goodput over time, a picture for each scenario.

use std::path::Path;

use seawall_benches::plot::{Chart, Series};
use seawall_rehearse::{StackReport, Timeline};

/// The lines of a picture, the last above the others: more lines than these would hide each other.
const DRAWN: &[&str] = &[
    "none",
    "naive",
    "tower-resilience",
    "seatbelt",
    "recloser + backon, tuned, semaphore of 30",
    "Pipeline::standard",
];

/// When the outage of each scenario begins, in seconds.
const BEGIN: f64 = 10.0;

/// Writes a picture for each scenario into `folder`. `rows` has the reports of each stack, one for
/// each scenario.
///
/// # Errors
///
/// When it can't write there.
pub(crate) fn write(
    folder: &Path,
    scenarios: &[&str],
    rows: &[Vec<StackReport>],
) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (index, name) in scenarios.iter().enumerate() {
        let find = |drawn: &&str| rows.iter().find(|row| row[0].name == **drawn);
        let series: Vec<Series> = DRAWN
            .iter()
            .filter_map(find)
            .map(|row| Series { name: row[0].name.clone(), points: points(&row[index].timeline) })
            .collect();
        let chart = Chart {
            title: &name.replace('-', " "),
            x: "seconds since the outage began",
            y: "answered, % of calls",
            log_x: false,
            log_y: false,
            series: &series,
        };
        std::fs::write(folder.join(format!("{name}.svg")), chart.svg())?;
    }
    Ok(())
}

/// The middle of each slice since the outage began, and the percentage that was answered.
fn points(timeline: &Timeline) -> Vec<(f64, f64)> {
    let mut at = timeline.slice / 2.0 - BEGIN;
    let mut points = Vec::new();
    for (calls, answered) in timeline.calls.iter().zip(&timeline.answered) {
        if at > 0.0 && *calls > 0 {
            points.push((at, f64::from(*answered) / f64::from(*calls) * 100.0));
        }
        at += timeline.slice;
    }
    points
}
