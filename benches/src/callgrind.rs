//! Counts instructions: runs a case under callgrind with two numbers of calls and takes the
//! difference, so that starting up, preparing and checking cancel out.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use crate::Case;

/// The case whose count is subtracted from every other.
pub const EMPTY_LOOP: &str = "floor/empty-loop";

/// Instructions per call, the empty loop not yet subtracted.
pub fn per_call(case: &Case) -> Result<f64, String> {
    let once = total(&case.name(), case.calls, None)?;
    let twice = total(&case.name(), 2 * case.calls, None)?;
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    Ok((twice as f64 - once as f64) / (case.calls * case.units) as f64)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn units(case: &Case) -> f64 {
    case.units as f64
}

/// Writes the profile of `calls` calls, to be read with `callgrind_annotate`.
pub fn profile(case: &Case, calls: u64, out: &Path) -> Result<(), String> {
    total(&case.name(), calls, Some(out)).map(drop)
}

fn total(name: &str, calls: u64, out: Option<&Path>) -> Result<u64, String> {
    let driver = std::env::current_exe().map_err(|e| format!("where is this program? {e}"))?;
    let file = out.unwrap_or(Path::new("/dev/null"));
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(driver)
        .args(["drive", name, &calls.to_string()])
        // A case may panic, on purpose or by mistake, and printing the message would be counted.
        .env("RUST_BACKTRACE", "0")
        .output()
        .map_err(|e| format!("valgrind did not start: {e} (Debian: apt-get install valgrind)"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let own: Vec<&str> = said.lines().filter(|line| !line.starts_with("==")).collect();
        return Err(format!("{name} under valgrind: {}\n{}", output.status, own.join("\n")));
    }
    said.lines()
        .find_map(|line| line.split_once("Collected :"))
        .and_then(|(_, count)| count.trim().parse().ok())
        .ok_or_else(|| format!("valgrind named no count for {name}:\n{said}"))
}

/// Instructions per call of many cases, several at once, the empty loop subtracted.
///
/// `done` is called for each when it is known.
pub fn count(
    cases: &[Case],
    jobs: usize,
    done: impl Fn(&Case, &Result<f64, String>) + Sync,
) -> HashMap<String, Result<f64, String>> {
    let empty = crate::cases::all()
        .into_iter()
        .find(|case| case.name() == EMPTY_LOOP)
        .map_or(Ok(0.0), |case| per_call(&case));
    let next = std::sync::atomic::AtomicUsize::new(0);
    let counted = std::sync::Mutex::new(HashMap::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { break };
                    let figure = match &empty {
                        Ok(empty) => per_call(case).map(|all| all - empty / units(case)),
                        Err(reason) => Err(reason.clone()),
                    };
                    done(case, &figure);
                    if let Ok(mut counted) = counted.lock() {
                        counted.insert(case.name(), figure);
                    }
                }
            });
        }
    });
    counted.into_inner().unwrap_or_default()
}
