//! The yardstick: the cost of outages without policies, with the usual stacks, and with seawall's.
//!
//! A computed server of 1,000 calls a second, 700 calls a second of open load, a deadline of 500 ms,
//! attempts of 100 ms, at most three of them. After a time of health something happens to the
//! server; what is lost from then until ten seconds after it is over is counted in seconds of load.
//!
//! ```sh
//! cargo run --release -p seawall-benches --bin yardstick                           # real time
//! cargo run --release -p seawall-benches --bin yardstick --features virtual-time   # in a minute
//! ```
//!
//! With the feature tokio's clock is paused and jumps from timer to timer: the same figures, as the
//! server is computed, except for how long a refusal takes.

mod load;
#[cfg(all(feature = "peers", not(feature = "virtual-time")))]
mod peers;
mod picture;
mod server;
mod stacks;
mod trigger;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use load::Cost;
use stacks::Stack;
use trigger::Trigger;

const USAGE: &str = "usage: yardstick [--seeds N] [--health SECONDS] [--pictures FOLDER] [STACK]";

struct Options {
    seeds: u64,
    health: Duration,
    pictures: Option<PathBuf>,
    stack: String,
}

fn options() -> Option<Options> {
    let mut options =
        Options { seeds: 1, health: Duration::from_secs(30), pictures: None, stack: String::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seeds" => options.seeds = arguments.next()?.parse().ok().filter(|&n| n > 0)?,
            "--health" => {
                options.health = Duration::from_secs(arguments.next()?.parse().ok()?);
            }
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
    let (one, ten) = std::thread::scope(|scope| {
        let one = scope.spawn(|| table(1, &trigger::ALL, &options));
        let ten = scope.spawn(|| table(10, &trigger::ALL[1..7], &options));
        (one.join().expect("a table"), ten.join().expect("a table"))
    });
    println!("Loss in seconds of load / back after s / requests per call\n");
    print(1, &trigger::ALL, &one);
    print(10, &trigger::ALL[1..7], &ten);
    let Some(folder) = &options.pictures else { return ExitCode::SUCCESS };
    let first: Vec<_> = one.into_iter().map(|(name, mut seeds)| (name, seeds.remove(0))).collect();
    match picture::write(folder, &trigger::ALL, &first) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// The costs of a stack: for each seed, for each trigger.
type Row = (&'static str, Vec<Vec<Cost>>);

/// Measures all stacks, one after the other.
fn table(clients: usize, triggers: &[Trigger], options: &Options) -> Vec<Row> {
    let mut rows = Vec::new();
    for stack in stacks().filter(|stack| stack.name.contains(&options.stack)) {
        eprintln!("{clients} client(s), {}", stack.name);
        let seed =
            |seed| runtime().block_on(measure(stack, clients, triggers, options.health, seed));
        rows.push((stack.name, (1..=options.seeds).map(seed).collect()));
    }
    rows
}

fn print(clients: usize, triggers: &[Trigger], rows: &[Row]) {
    header(clients, triggers);
    for (name, costs) in rows {
        row(name, costs, triggers.len());
    }
    println!();
}

fn stacks() -> impl Iterator<Item = &'static Stack> {
    #[cfg(not(all(feature = "peers", not(feature = "virtual-time"))))]
    let peers: &[Stack] = &[];
    #[cfg(all(feature = "peers", not(feature = "virtual-time")))]
    let peers = peers::ALL;
    stacks::ALL.iter().chain(peers)
}

fn header(clients: usize, triggers: &[Trigger]) {
    print!("| {clients} client(s) | sum | lost in health | refused in, p99 |");
    for trigger in triggers {
        print!(" {} |", trigger.name);
    }
    println!("\n|---|{}", "---:|".repeat(triggers.len() + 3));
}

#[expect(clippy::cast_precision_loss, reason = "a few seeds")]
fn row(name: &str, costs: &[Vec<Cost>], triggers: usize) {
    let mean = |of: &dyn Fn(&Cost) -> f64, trigger: usize| {
        costs.iter().map(|costs| of(&costs[trigger])).sum::<f64>() / costs.len() as f64
    };
    let worst = |of: &dyn Fn(&Cost) -> f64| costs.iter().flatten().map(of).fold(0.0, f64::max);
    let sum: f64 = (0..triggers).map(|trigger| mean(&|cost| cost.loss, trigger)).sum();
    print!(
        "| {name} | {sum:.1} | {:.2} % | {:.2} ms |",
        worst(&|cost| cost.lost_in_health) * 100.0,
        worst(&|cost| cost.refused_in),
    );
    for trigger in 0..triggers {
        print!(
            " {:.2} / {:.1} / {:.2} |",
            mean(&|cost| cost.loss, trigger),
            mean(&|cost| cost.back, trigger),
            mean(&|cost| cost.attempts, trigger),
        );
    }
    println!();
}

/// All triggers at once, each with a server and clients of its own.
async fn measure(
    stack: &Stack,
    clients: usize,
    triggers: &[Trigger],
    health: Duration,
    seed: u64,
) -> Vec<Cost> {
    let run = |(n, trigger): (usize, &Trigger)| {
        load::run(stack, clients, *trigger, health, seed * 1_000 + n as u64)
    };
    let runs = triggers.iter().enumerate().map(run);
    join_all(runs.collect()).await
}

async fn join_all<Fut: Future<Output = Cost>>(runs: Vec<Fut>) -> Vec<Cost> {
    let mut runs: Vec<_> = runs.into_iter().map(|run| (Box::pin(run), None)).collect();
    std::future::poll_fn(|cx| {
        let mut all = true;
        for (run, cost) in &mut runs {
            if cost.is_none()
                && let std::task::Poll::Ready(done) = run.as_mut().poll(cx)
            {
                *cost = Some(done);
            }
            all &= cost.is_some();
        }
        if all { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    runs.into_iter().filter_map(|(_, cost)| cost).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time();
    #[cfg(feature = "virtual-time")]
    builder.start_paused(true);
    builder.build().expect("a runtime")
}
