//! Two revisions, counted: says which case needs more instructions in the second.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How much more a case may cost.
pub const TOLERANCE: f64 = 0.03;

/// The name of the work tree as it is, committed or not.
pub const WORK_TREE: &str = "worktree";

/// Counts seawall's cases at two revisions.
///
/// # Errors
///
/// The cases that need more than [`TOLERANCE`] more instructions in the second, or the reason why
/// they could not be counted.
pub fn compare(base: &str, head: &str) -> Result<(), String> {
    let (before, after) = (figures(base)?, figures(head)?);
    if before.is_empty() {
        return Err(format!("{base} has no cases"));
    }
    println!("{:<60} {base:>10.10} {head:>10.10}", "instructions per call");
    let mut dearer = Vec::new();
    for (name, now) in &after {
        let Some(then) = before.get(name) else {
            println!("{name:<60} {:>10} {now:>10.1}  new", "-");
            continue;
        };
        let change = (now - then) / then;
        let mark = if change > TOLERANCE { "  DEARER" } else { "" };
        println!("{name:<60} {then:>10.1} {now:>10.1} {:>+7.1} %{mark}", change * 100.0);
        if change > TOLERANCE {
            dearer.push(name.as_str());
        }
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        println!("{name:<60} is gone");
    }
    if dearer.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} of {} cases need more than {:.0} % more instructions than at {base}: {}",
        dearer.len(),
        after.len(),
        TOLERANCE * 100.0,
        dearer.join(", ")
    ))
}

/// The figures of seawall's cases at a revision, built by its own bench package.
fn figures(revision: &str) -> Result<BTreeMap<String, f64>, String> {
    let source = source(revision)?;
    eprintln!("building {revision} in {}", source.display());
    let output = Command::new("cargo")
        .args(["run", "--quiet", "--release", "--package", "seawall-benches", "--"])
        .args(["count", "--ours"])
        .current_dir(&source)
        // Each tree has its own: in one that they share, cargo takes the crates of one for the other's.
        .env("CARGO_TARGET_DIR", source.join("target").join("compare"))
        .output()
        .map_err(|e| format!("cargo did not start: {e}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{revision} can't be counted: {}\n{said}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(figure).collect())
}

/// A line of what `count` prints.
fn figure(line: &str) -> Option<(String, f64)> {
    let (name, instructions) = line.trim().rsplit_once(' ')?;
    Some((name.trim().to_string(), instructions.parse().ok()?))
}

/// The folder of a revision's sources. The repository itself is not touched.
fn source(revision: &str) -> Result<PathBuf, String> {
    let root = root();
    if revision == WORK_TREE {
        return Ok(root);
    }
    let commit = format!("{revision}^{{commit}}");
    let commit = output(Command::new("git").args(["rev-parse", "--verify", &commit]), &root)?;
    let folder = scratch()?.join(&commit);
    if !folder.join("Cargo.toml").exists() {
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let archive = folder.with_extension("tar");
        output(
            Command::new("git").args(["archive", "--output"]).arg(&archive).arg(&commit),
            &root,
        )?;
        output(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&folder), &root)?;
    }
    Ok(folder)
}

fn output(command: &mut Command, folder: &Path) -> Result<String, String> {
    let output = command
        .current_dir(folder)
        .output()
        .map_err(|e| format!("{}: {e}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_string());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_string())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn scratch() -> Result<PathBuf, String> {
    let folder = std::env::temp_dir().join("seawall-compare");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(folder)
}
