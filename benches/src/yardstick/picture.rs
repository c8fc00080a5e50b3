//! Goodput over time, a picture for each trigger.

use std::path::Path;

use seawall_benches::plot::{Chart, Series};

use crate::load::Cost;
use crate::trigger::Trigger;

/// The stacks that are drawn, the last above the others: more lines would hide each other.
const DRAWN: &[&str] = &[
    "none",
    "naive retries",
    "tower-resilience",
    "seatbelt",
    "recloser + backon, tuned, semaphore of 30",
    "Pipeline::standard",
];

/// Writes a picture for each trigger into `folder`. `measured` has the costs of each stack, one for
/// each trigger.
///
/// # Errors
///
/// When it can't write there.
pub(crate) fn write(
    folder: &Path,
    triggers: &[Trigger],
    measured: &[(&str, Vec<Cost>)],
) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (index, trigger) in triggers.iter().enumerate() {
        let find = |drawn: &&str| measured.iter().find(|(name, _)| name == drawn);
        let series: Vec<Series> = DRAWN
            .iter()
            .filter_map(find)
            .map(|(name, costs)| Series {
                name: (*name).to_string(),
                points: costs[index].goodput.clone(),
            })
            .collect();
        let chart = Chart {
            title: trigger.name,
            x: "seconds since the trigger",
            y: "answered, % of calls",
            log_x: false,
            log_y: false,
            series: &series,
        };
        std::fs::write(folder.join(format!("{}.svg", trigger.file)), chart.svg())?;
    }
    Ok(())
}
