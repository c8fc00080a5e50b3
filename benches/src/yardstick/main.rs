//! The yardstick: the cost of outages with nothing, with the usual stacks, and with ours.
//!
//! Eight scenario files, `examples/rehearse/yardstick/`, played by `seawall-rehearse` with one client
//! and six of them with ten: a table of all of them at once, and a picture of each.
//!
//! ```sh
//! cargo run --release -p seawall-benches --bin yardstick --features yardstick
//! cargo run --release -p seawall-benches --bin yardstick --features yardstick,peers -- --real --seeds 1
//! ```
//!
//! `--real` goes by the real clock, as the breakers of other libraries do: the same figures, as the
//! servers are computed, except for how long a refusal takes.

#[cfg(feature = "peers")]
mod peers;
mod picture;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use seawall_rehearse::{Clock, Figures, Rehearsal, Scenario, Stack, StackReport};

const USAGE: &str = "usage: yardstick [--real] [--seeds N] [--pictures FOLDER] [STACK]";

/// The eight outages. Ten clients are measured with all but the first and the last.
const SCENARIOS: [&str; 8] =
    ["down", "black-hole", "freeze", "slow", "errors-5", "errors-15", "fewer-slots", "flapping"];

/// Goodput that never comes back is counted as back after this many seconds.
const WATCHED: f64 = 10.0;

struct Options {
    clock: Clock,
    seeds: Option<u32>,
    pictures: Option<PathBuf>,
    stack: String,
}

fn options() -> Option<Options> {
    let mut options =
        Options { clock: Clock::Virtual, seeds: None, pictures: None, stack: String::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--real" => options.clock = Clock::Real,
            "--seeds" => options.seeds = arguments.next()?.parse().ok().filter(|&n| n > 0),
            "--pictures" => options.pictures = Some(arguments.next()?.into()),
            flag if flag.starts_with('-') => return None,
            stack => stack.clone_into(&mut options.stack),
        }
    }
    Some(options)
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    println!("Loss in seconds of load / back after s / requests per call\n");
    let one = table(1, &SCENARIOS, options)?;
    table(10, &SCENARIOS[1..7], options)?;
    if let Some(folder) = &options.pictures {
        picture::write(folder, &SCENARIOS, &one)?;
    }
    Ok(())
}

fn scenario(name: &str) -> Result<Scenario, seawall_rehearse::Mistakes> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/rehearse/yardstick"));
    Scenario::read(&folder.join(name).with_extension("toml"))
}

/// Measures all stacks and prints them: for each, a report for each scenario.
fn table(
    clients: u32,
    names: &[&str],
    options: &Options,
) -> Result<Vec<Vec<StackReport>>, Box<dyn std::error::Error>> {
    let mut scenarios = Vec::new();
    for name in names {
        let scenario = scenario(name)?.with_clients(clients);
        let (seed, seeds) = (scenario.seed(), options.seeds.unwrap_or(scenario.seeds()));
        scenarios.push(scenario.with_seeds(seed, seeds));
    }
    print!("| {clients} client(s) | sum | lost in health | refused in, p99 |");
    for scenario in &scenarios {
        print!(" {} |", scenario.name());
    }
    println!("\n|---|{}", "---:|".repeat(scenarios.len() + 3));
    let mut rows = Vec::new();
    for stack in stacks(&scenarios[0], options) {
        let row = measure(&stack, &scenarios, options.clock)?;
        print(&row);
        rows.push(row);
    }
    println!();
    Ok(rows)
}

fn stacks(scenario: &Scenario, options: &Options) -> Vec<Stack> {
    let mut stacks = Rehearsal::new(scenario.clone()).stacks().to_vec();
    #[cfg(feature = "peers")]
    if options.clock == Clock::Real {
        stacks.extend(peers::stacks());
    }
    // It is always played in virtual time.
    stacks.retain(|stack| options.clock == Clock::Virtual || stack.name() != "omniscient");
    stacks.retain(|stack| stack.name().contains(&options.stack));
    stacks
}

/// All scenarios at once, each with servers and clients of its own.
fn measure(
    stack: &Stack,
    scenarios: &[Scenario],
    clock: Clock,
) -> Result<Vec<StackReport>, Box<dyn std::error::Error>> {
    let play = |scenario: &Scenario| {
        Rehearsal::of(scenario.clone(), vec![stack.clone()]).clock(clock).run()
    };
    let reports: Result<Vec<_>, _> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            scenarios.iter().map(|scenario| scope.spawn(move || play(scenario))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a report")).collect()
    });
    Ok(reports?.into_iter().flat_map(|report| report.stacks).collect())
}

fn print(row: &[StackReport]) {
    let worst =
        |of: fn(&Figures) -> f64| row.iter().map(|cell| of(&cell.worst)).fold(0.0, f64::max);
    let sum: f64 = row.iter().map(|cell| cell.median.loss).sum();
    print!(
        "| {} | {sum:.1} | {:.2} % | {:.2} ms |",
        row[0].name,
        worst(|figures| figures.lost_in_health) * 100.0,
        worst(|figures| figures.refused_p99) * 1e3,
    );
    for cell in row {
        let Figures { loss, recovery, amplification, .. } = &cell.median;
        print!(" {loss:.2} / {:.1} / {amplification:.2} |", recovery.min(WATCHED));
    }
    println!();
}
