//! Criterion's view of the cases: `cargo bench -p seawall-benches --features criterion [-- PATTERN]`.

use std::path::Path;
use std::process::ExitCode;

use seawall_benches::{cases, wall};

fn main() -> ExitCode {
    let pattern = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    let mut cases = cases::all();
    cases.retain(|case| case.name().contains(&pattern));
    match wall::run(&cases, Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/criterion")))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}
