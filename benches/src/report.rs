//! The whole table: measures everything and writes `docs/benchmarks.md` with its pictures.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::plot::{Chart, Series};
use crate::{Case, Subject, callgrind, cases, growth, machine, sizes, throughput};

mod page;

/// The results of one case.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Instructions per call, the empty loop subtracted.
    pub instructions: Option<f64>,
    /// Median wall time per call in nanoseconds.
    pub nanoseconds: Option<f64>,
    /// Allocations per call, and their bytes.
    pub allocated: Option<(f64, f64)>,
}

/// Everything that was measured.
#[derive(Debug)]
pub struct Measured {
    cases: Vec<(Case, Figures)>,
    /// Bytes of one instance: what, whose, bytes.
    instances: Vec<(String, String, u64)>,
    futures: Vec<sizes::FutureSize>,
    /// Million calls per second for each number of threads.
    threads: Vec<(throughput::Shared, Vec<f64>)>,
}

/// Measures everything, prints the page and writes it.
///
/// # Errors
///
/// Names what could not be measured or written. A single case that does not do its work is no error
/// here: it is named on standard error and has "–" in the table.
pub fn report() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let pictures = root.join("docs").join("benchmarks");
    std::fs::create_dir_all(&pictures).map_err(|e| format!("{}: {e}", pictures.display()))?;
    let measured = Measured {
        cases: cases()?,
        instances: allocations().1,
        futures: sizes::futures(),
        threads: threads(),
    };
    for (file, svg) in charts(&measured) {
        write(&pictures.join(file), &svg)?;
    }
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    let page = page::page(&measured, &lock);
    print!("{page}");
    write(&root.join("docs").join("benchmarks.md"), &page)
}

fn write(file: &PathBuf, text: &str) -> Result<(), String> {
    std::fs::write(file, text).map_err(|e| format!("{}: {e}", file.display()))
}

fn cases() -> Result<Vec<(Case, Figures)>, String> {
    let all = cases::all();
    eprintln!("instructions of {} cases", all.len());
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let counted = callgrind::count(&all, jobs, |case, figure| {
        if let Err(reason) = figure {
            eprintln!("{}: {reason}", case.name());
        }
    });
    if counted.values().all(Result::is_err) {
        return Err("nothing could be counted".into());
    }
    let allocated = allocations().0;
    let mut measured = Vec::new();
    for case in all {
        let name = case.name();
        let figures = Figures {
            instructions: counted.get(&name).and_then(|figure| figure.clone().ok()),
            nanoseconds: nanoseconds(&case),
            allocated: allocated.get(&name).copied(),
        };
        measured.push((case, figures));
    }
    Ok(measured)
}

/// Measured by Criterion, where it was compiled in.
#[cfg(feature = "criterion")]
fn nanoseconds(case: &Case) -> Option<f64> {
    let out = std::env::temp_dir().join("seawall-criterion");
    if let Err(reason) = crate::wall::run(std::slice::from_ref(case), &out) {
        eprintln!("{reason}");
        return None;
    }
    crate::wall::median(case, &out)
}

#[cfg(not(feature = "criterion"))]
fn nanoseconds(_: &Case) -> Option<f64> {
    None
}

type Allocations = (HashMap<String, (f64, f64)>, Vec<(String, String, u64)>);

/// The counts of the other program: callgrind would count its allocator in this one.
fn allocations() -> Allocations {
    let mut command = Command::new("cargo");
    command
        .args(["run", "--quiet", "--release", "--package", "seawall-benches"])
        .args(["--bin", "allocations"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let features: &[&str] = &[
        #[cfg(feature = "criterion")]
        "criterion",
        #[cfg(feature = "peers")]
        "peers",
    ];
    if !features.is_empty() {
        command.arg("--features").arg(features.join(","));
    }
    let said = match command.output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(error) => {
            eprintln!("allocations were not counted: {error}");
            String::new()
        }
    };
    let (mut calls, mut instances) = (HashMap::new(), Vec::new());
    for line in said.lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["call", name, count, bytes] => {
                if let (Ok(count), Ok(bytes)) = (count.parse(), bytes.parse()) {
                    calls.insert(name.to_string(), (count, bytes));
                }
            }
            ["instance", what, subject, bytes] => {
                if let Ok(bytes) = bytes.parse() {
                    instances.push((what.to_string(), subject.to_string(), bytes));
                }
            }
            _ => eprintln!("allocations said: {line}"),
        }
    }
    (calls, instances)
}

fn threads() -> Vec<(throughput::Shared, Vec<f64>)> {
    throughput::all()
        .into_iter()
        .map(|shared| {
            eprintln!("threads: {}, {}", shared.group, shared.subject);
            let rates = throughput::THREADS.map(|threads| throughput::measure(&shared, threads));
            (shared, rates.to_vec())
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "few threads")]
fn charts(measured: &Measured) -> Vec<(&'static str, String)> {
    eprintln!("growth");
    let over_threads: Vec<Series> = measured
        .threads
        .iter()
        .filter(|(shared, _)| shared.group == "breaker, healthy")
        .map(|(shared, rates)| Series {
            name: shared.subject.into(),
            points: throughput::THREADS
                .iter()
                .map(|&n| n as f64)
                .zip(rates.iter().copied())
                .collect(),
        })
        .collect();
    let chart = |title, x, y, log_x, log_y, series: &[Series]| {
        Chart { title, x, y, log_x, log_y, series }.svg()
    };
    vec![
        (
            "window.svg",
            chart(
                "A call against the calls in a time window",
                "calls in the window",
                "ns per call",
                true,
                true,
                &growth::with_window(),
            ),
        ),
        (
            "breakers.svg",
            chart(
                "A call against the number of breakers that calls go to at random",
                "breakers",
                "ns per call",
                true,
                false,
                &growth::with_breakers(),
            ),
        ),
        (
            "layers.svg",
            chart(
                "A call against the number of layers",
                "layers",
                "ns per call",
                false,
                false,
                &growth::with_layers(),
            ),
        ),
        (
            "threads.svg",
            chart(
                "One healthy breaker, called from many threads",
                "threads",
                "million calls per second, all threads together",
                true,
                true,
                &over_threads,
            ),
        ),
    ]
}

/// Adds a line to a page.
fn line(page: &mut String, text: impl AsRef<str>) {
    // Writing to a string can't fail.
    let _ = writeln!(page, "{}", text.as_ref());
}

/// The library without variant and remark: a column of the overview.
fn library(subject: Subject) -> &'static str {
    match subject {
        Subject::Ours(_) => "seawall",
        Subject::Peer(name) | Subject::Floor(name) => {
            name.split([' ', ',', ':']).next().unwrap_or(name)
        }
    }
}
