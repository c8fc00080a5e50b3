//! Prometheus and promtool for the tests that need them: those on the path, those of the folder
//! `SEAWALL_PROMETHEUS`, or Debian's package, unpacked into the folder for temporary files of tests.
//! Where none is to be had a test says so loudly and passes.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// The folder of both programs.
pub(crate) fn programs() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let found = given().or_else(installed).or_else(unpacked);
        if found.is_none() {
            println!("!!! SKIPPED: no promtool and no prometheus, and apt-get has none to give");
            eprintln!("!!! SKIPPED: no promtool and no prometheus, and apt-get has none to give");
        }
        found
    });
    found.as_deref()
}

fn given() -> Option<PathBuf> {
    std::env::var_os("SEAWALL_PROMETHEUS").map(PathBuf::from).filter(|it| has_both(it))
}

fn installed() -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).find(|it| has_both(it))
}

fn has_both(folder: &Path) -> bool {
    ["promtool", "prometheus"].iter().all(|it| folder.join(it).is_file())
}

/// Several test binaries may come here at once, so each unpacks into a folder of its own and one of
/// them puts it in its place.
fn unpacked() -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prometheus");
    let programs = place.join("usr/bin");
    if has_both(&programs) {
        return Some(programs);
    }
    let scratch = place.with_extension(std::process::id().to_string());
    fs::create_dir_all(&scratch).ok()?;
    let download =
        || run(Command::new("apt-get").args(["download", "prometheus"]).current_dir(&scratch));
    if download().is_none() {
        run(Command::new("apt-get").arg("update"))?;
        download()?;
    }
    let mut files = fs::read_dir(&scratch).ok()?.flatten().map(|it| it.path());
    let package = files.find(|it| it.extension().is_some_and(|it| it == "deb"))?;
    run(Command::new("dpkg").arg("-x").arg(&package).arg(&scratch))?;
    let _ = fs::remove_file(package);
    if fs::rename(&scratch, &place).is_err() {
        let _ = fs::remove_dir_all(&scratch);
    }
    has_both(&programs).then_some(programs)
}

fn run(command: &mut Command) -> Option<()> {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().ok().filter(std::process::ExitStatus::success).map(drop)
}

/// The output of promtool with `arguments`, which reads `input`. `None` where there is none.
pub(crate) fn promtool(arguments: &[&str], input: &str) -> Option<Output> {
    let mut child = Command::new(programs()?.join("promtool"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("promtool ends");
    writer.join().expect("it is written");
    Some(output)
}

/// Holds `text` to `promtool check metrics`: no error and no complaint.
pub(crate) fn assert_well_formed(text: &str) {
    let Some(output) = promtool(&["check", "metrics"], text) else { return };
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.trim().is_empty(), "{said}\n{text}");
}
