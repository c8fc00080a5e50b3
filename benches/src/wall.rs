//! Wall time, by Criterion: the same cases in the same loops.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use criterion::Criterion;

use crate::Case;

/// Measures the cases; Criterion prints its results and stores them below `out`.
///
/// # Errors
///
/// A case that does not do its work, by name.
pub fn run(cases: &[Case], out: &Path) -> Result<(), String> {
    let mut criterion = Criterion::default()
        .output_directory(out)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400))
        .sample_size(20)
        .without_plots();
    for case in cases {
        let mut work = case.prepared()?;
        criterion.bench_function(&id(case), |bencher| {
            bencher.iter_custom(|iterations| {
                let began = Instant::now();
                work.run(iterations);
                began.elapsed()
            });
        });
    }
    Ok(())
}

/// The median of what the last run measured, in nanoseconds per call.
pub fn median(case: &Case, out: &Path) -> Option<f64> {
    let file: PathBuf = out.join(id(case)).join("new").join("estimates.json");
    let text = std::fs::read_to_string(file).ok()?;
    let (_, from_median) = text.split_once("\"median\":")?;
    let (_, from_value) = from_median.split_once("\"point_estimate\":")?;
    let end = from_value.find([',', '}'])?;
    #[expect(clippy::cast_precision_loss, reason = "units stay far below 2^52")]
    let units = case.units as f64;
    from_value[..end].trim().parse::<f64>().ok().map(|nanoseconds| nanoseconds / units)
}

/// Criterion makes a folder of the name.
fn id(case: &Case) -> String {
    case.name().replace('/', "--")
}
