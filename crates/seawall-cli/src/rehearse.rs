//! `seawall rehearse`: 0 if all promises are kept, 1 if one is not, 2 at a mistake.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use seawall_rehearse::{
    Cell, Progress, RandomRehearsal, RandomReport, Rehearsal, Report, Scenario, Stack, Sweep,
    Worlds, find_load,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 all promises are kept, 1 one is not, 2 a mistake.")]
pub(crate) struct Arguments {
    /// The scenario, a TOML file
    #[arg(required_unless_present_any = ["random", "replay", "world"])]
    file: Option<PathBuf>,
    /// Print the report as JSON and nothing else
    #[arg(long)]
    json: bool,
    /// Write the report as one HTML page
    #[arg(long, value_name = "PAGE")]
    html: Option<PathBuf>,
    /// Write the picture alone
    #[arg(long, value_name = "PICTURE")]
    svg: Option<PathBuf>,
    /// Write the promises as `JUnit` has tests
    #[arg(long, value_name = "XML")]
    junit: Option<PathBuf>,
    /// Play again what this report was made of, and compare: 0 if it is the same to the byte, 1 if not
    #[arg(long, value_name = "REPORT", conflicts_with_all = ["file", "random", "seed", "seeds", "sweep", "find", "watch"])]
    replay: Option<PathBuf>,
    /// The first seed, in place of the file's
    #[arg(long)]
    seed: Option<u64>,
    /// How many seeds, in place of the file's
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    seeds: Option<u32>,
    /// Play this many random worlds in place of a file
    #[arg(long, value_name = "WORLDS", conflicts_with_all = ["file", "html", "junit", "seeds", "json"],
          value_parser = clap::value_parser!(u64).range(1..=100_000))]
    random: Option<u64>,
    /// Print this random world of the seed as a file, and play nothing
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["file", "random", "replay"])]
    world: Option<u64>,
    /// As many random worlds of each of this many seeds
    #[arg(long, requires = "random", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    sets: u32,
    /// Random worlds that are harder than most
    #[arg(long)]
    harder: bool,
    /// A stack that the random worlds are played against, by the word of scenario files; the last one is
    /// the one that is looked at
    #[arg(long, value_name = "STACK", requires = "random", default_values = ["standard"])]
    stack: Vec<String>,
    /// Keep what was played in random worlds here, and don't play again what is there already
    #[arg(long, value_name = "JSON", requires = "random")]
    cells: Option<PathBuf>,
    /// On how many threads; all processors by default
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    threads: Option<u16>,
    /// Where the worst ten random worlds are written
    #[arg(long, value_name = "FOLDER", requires = "random", default_value = "target/rehearse")]
    out: PathBuf,
    /// Play once for each value of a setting, such as `retry.max_attempts=1..5` or `load.rate=300,600`
    #[arg(long, value_name = "PATH=VALUES", conflicts_with_all = ["random", "find"])]
    sweep: Option<Sweep>,
    /// Find the load from which on each stack does not come back by itself
    #[arg(long, value_name = "WHAT", value_parser = ["load"], conflicts_with = "random")]
    find: Option<String>,
    /// Play again whenever the file is saved
    #[arg(long, conflicts_with = "random")]
    watch: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match &arguments.file {
        Some(file) if arguments.watch => watch(arguments, file),
        Some(file) => end(once(arguments, file)),
        None => match (&arguments.replay, arguments.world) {
            (Some(report), _) => end(replayed(arguments, report)),
            (None, Some(number)) => {
                print!("{}", worlds(arguments).file(arguments.seed.unwrap_or(1), number));
                ExitCode::SUCCESS
            }
            (None, None) => end(random(arguments)),
        },
    }
}

/// All promises are kept, or one is not, or a mistake in words.
fn end(result: Result<bool, String>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(mistakes) => {
            eprintln!("{mistakes}");
            ExitCode::from(2)
        }
    }
}

fn watch(arguments: &Arguments, file: &Path) -> ExitCode {
    let mut played = None;
    loop {
        let text = std::fs::read(file).ok();
        if text.is_some() && text != played {
            played = text;
            // Clears the screen.
            print!("\x1b[2J\x1b[H");
            end(once(arguments, file));
        }
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn once(arguments: &Arguments, file: &Path) -> Result<bool, String> {
    let mistakes = |mistakes: seawall_rehearse::Mistakes| {
        let lines = mistakes.lines().iter().map(|line| format!("{}: {line}", file.display()));
        lines.collect::<Vec<_>>().join("\n")
    };
    if let Some(sweep) = &arguments.sweep {
        let reports = sweep.play(file).map_err(mistakes)?;
        print!("{}", sweep.table(&reports));
        return Ok(reports.iter().all(|(_, report)| report.is_kept()));
    }
    let mut scenario = Scenario::read(file).map_err(mistakes)?;
    let seed = arguments.seed.unwrap_or(scenario.seed());
    let seeds = arguments.seeds.unwrap_or(scenario.seeds());
    scenario = scenario.with_seeds(seed, seeds);
    let mut rehearsal = Rehearsal::new(scenario.clone());
    if let Some(threads) = arguments.threads {
        rehearsal = rehearsal.threads(threads.into());
    }
    if arguments.find.is_some() {
        return thresholds(&scenario, rehearsal.stacks());
    }
    let progress = Line::new(arguments.json);
    let report = rehearsal.run_with(|now| progress.show(now)).map_err(|error| error.to_string())?;
    progress.clear();
    write(arguments, &report)?;
    if arguments.json {
        print!("{}", report.json());
    } else {
        print!("{}", report.table());
    }
    Ok(report.is_kept())
}

fn replayed(arguments: &Arguments, file: &Path) -> Result<bool, String> {
    let mistakes = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let json = std::fs::read_to_string(file).map_err(|error| mistakes(&error))?;
    let replayed = seawall_rehearse::replay(&json).map_err(|error| mistakes(&error))?;
    write(arguments, &replayed.report)?;
    if arguments.json {
        print!("{}", replayed.report.json());
    } else {
        print!("{}", replayed.report.table());
    }
    match &replayed.difference {
        None => eprintln!("{}: the same to the byte", file.display()),
        Some((line, old, new)) => eprintln!("{}:{line}: {old} is now {new}", file.display()),
    }
    Ok(replayed.difference.is_none())
}

fn write(arguments: &Arguments, report: &Report) -> Result<(), String> {
    let files = [
        (&arguments.html, Report::html as fn(&Report) -> String),
        (&arguments.svg, Report::svg),
        (&arguments.junit, Report::junit),
    ];
    for (file, make) in files {
        if let Some(file) = file {
            let written = std::fs::write(file, make(report));
            written.map_err(|error| format!("{}: {error}", file.display()))?;
        }
    }
    Ok(())
}

fn thresholds(scenario: &Scenario, stacks: &[Stack]) -> Result<bool, String> {
    let found = find_load(scenario, stacks).map_err(|error| error.to_string())?;
    for threshold in found {
        match threshold.load {
            Some(load) => println!(
                "{}: does not come back by itself from {:.0} % of the servers' capacity on ({:.0} calls a second)",
                threshold.stack,
                load * 100.0,
                load * scenario.capacity(),
            ),
            None => {
                println!("{}: comes back by itself up to 95 % of the capacity", threshold.stack);
            }
        }
    }
    Ok(true)
}

fn worlds(arguments: &Arguments) -> Worlds {
    if arguments.harder { Worlds::Harder } else { Worlds::Usual }
}

fn random(arguments: &Arguments) -> Result<bool, String> {
    let count = arguments.random.unwrap_or(1);
    let worlds = worlds(arguments);
    let first = arguments.seed.unwrap_or(1);
    let seeds: Vec<_> = (0..u64::from(arguments.sets)).map(|n| first.wrapping_add(n)).collect();
    let mut stacks = Vec::new();
    for name in &arguments.stack {
        let unknown = || format!("--stack {name}: no stack of scenario files has this name");
        stacks.push(Stack::preset(name).ok_or_else(unknown)?);
    }
    let mut rehearsal = RandomRehearsal::new(worlds, seeds.clone(), count).stacks(stacks);
    if let Some(threads) = arguments.threads {
        rehearsal = rehearsal.threads(threads.into());
    }
    let known = match arguments.cells.as_ref().filter(|file| file.exists()) {
        Some(file) => read_cells(file)?,
        None => Vec::new(),
    };
    rehearsal = rehearsal.known(known.clone());
    let shown = std::io::stderr().is_terminal();
    let failed = std::cell::RefCell::new(None);
    let report = rehearsal.run_with(|report| {
        if shown {
            eprint!("\rworld {} of {}", report.len(), count * u64::from(arguments.sets));
        }
        // In between, so that a run that is broken off can be taken up again.
        if let Some(file) = &arguments.cells
            && report.len() % 10 == 0
        {
            *failed.borrow_mut() = write_cells(file, &known, report).err();
        }
    });
    let report = report.map_err(|error| error.to_string())?;
    if shown {
        eprint!("\r\x1b[K");
    }
    if let Some(error) = failed.into_inner() {
        return Err(error);
    }
    if let Some(file) = &arguments.cells {
        write_cells(file, &known, &report)?;
    }
    if let Some(file) = &arguments.svg {
        let written = std::fs::write(file, report.svg());
        written.map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if seeds.len() > 1 {
        for seed in seeds {
            println!("{}", report.set(seed).table());
        }
    }
    print!("{}", report.table());
    let name = arguments.stack.last().map_or("standard", String::as_str);
    print!("\n{}", report.table_by_kind(name));
    worst(&report, worlds, name, &arguments.out)?;
    Ok(true)
}

/// Writes the worst worlds of a stack as files that can be played.
fn worst(report: &RandomReport, worlds: Worlds, name: &str, out: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", out.display());
    std::fs::create_dir_all(out).map_err(failed)?;
    println!("\nthe worst worlds of {name:?}, against what could be had:");
    for (seed, world) in report.worst(name, 10) {
        let word = if worlds == Worlds::Harder { "harder" } else { "world" };
        let file = out.join(format!("{word}-{seed}-{world}.toml"));
        let text = worlds.file(seed, world) + &format!("\n[[stack]]\npipeline = \"{name}\"\n");
        std::fs::write(&file, text).map_err(failed)?;
        println!("  {}", file.display());
    }
    Ok(())
}

fn read_cells(file: &Path) -> Result<Vec<Cell>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string());
    let cells = text.and_then(|text| serde_json::from_str(&text).map_err(|e| e.to_string()));
    cells.map_err(|error| format!("{}: {error}", file.display()))
}

/// The cells that were played, now and before; replaces the file at once, so that it is never half a file.
fn write_cells(file: &Path, known: &[Cell], report: &RandomReport) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let place = |cell: &Cell| (cell.seed, cell.world, cell.stack.clone());
    let cells: BTreeMap<_, _> =
        known.iter().chain(report.cells()).map(|cell| (place(cell), cell)).collect();
    let cells: Vec<_> = cells.into_values().collect();
    let text = serde_json::to_vec(&cells).map_err(|error| failed(error.into()))?;
    let new = file.with_extension("new");
    std::fs::write(&new, text).map_err(failed)?;
    std::fs::rename(&new, file).map_err(failed)
}

/// One line that says how far it is, where somebody looks.
struct Line {
    shown: bool,
}

impl Line {
    fn new(quiet: bool) -> Self {
        Self { shown: !quiet && std::io::stderr().is_terminal() }
    }

    fn show(&self, now: Progress<'_>) {
        if self.shown {
            let mut out = std::io::stderr().lock();
            let _ = write!(out, "\r\x1b[K{} of {}: {}", now.over, now.total, now.stack);
        }
    }

    fn clear(&self) {
        if self.shown {
            eprint!("\r\x1b[K");
        }
    }
}
