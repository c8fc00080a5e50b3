//! The yardstick: what outages cost, with nothing, with the usual stacks, and with ours.
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
mod server;
mod stacks;
mod trigger;

use std::process::ExitCode;
use std::time::Duration;

use load::Cost;
use stacks::Stack;
use trigger::Trigger;

const USAGE: &str = "usage: yardstick [--seeds N] [--health SECONDS] [STACK]";

struct Options {
    seeds: u64,
    health: Duration,
    stack: String,
}

fn options() -> Option<Options> {
    let mut options = Options { seeds: 1, health: Duration::from_secs(30), stack: String::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seeds" => options.seeds = arguments.next()?.parse().ok().filter(|&n| n > 0)?,
            "--health" => {
                options.health = Duration::from_secs(arguments.next()?.parse().ok()?);
            }
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
    println!("Loss in seconds of load / back after s / requests per call\n");
    for (clients, triggers) in [(1, &trigger::ALL[..]), (10, &trigger::ALL[1..7])] {
        header(clients, triggers);
        for stack in stacks::ALL.iter().filter(|stack| stack.name.contains(&options.stack)) {
            row(stack, clients, triggers, &options);
        }
        println!();
    }
    ExitCode::SUCCESS
}

fn header(clients: usize, triggers: &[Trigger]) {
    print!("| {clients} client(s) | sum | lost in health | refused in, p99 |");
    for trigger in triggers {
        print!(" {} |", trigger.name);
    }
    println!("\n|---|{}", "---:|".repeat(triggers.len() + 3));
}

#[expect(clippy::cast_precision_loss, reason = "a few seeds")]
fn row(stack: &Stack, clients: usize, triggers: &[Trigger], options: &Options) {
    let mut costs: Vec<Vec<Cost>> = Vec::new();
    for seed in 1..=options.seeds {
        costs.push(runtime().block_on(measure(stack, clients, triggers, options.health, seed)));
    }
    let mean = |of: &dyn Fn(&Cost) -> f64, trigger: usize| {
        costs.iter().map(|costs| of(&costs[trigger])).sum::<f64>() / costs.len() as f64
    };
    let worst = |of: &dyn Fn(&Cost) -> f64| costs.iter().flatten().map(of).fold(0.0, f64::max);
    let sum: f64 = (0..triggers.len()).map(|trigger| mean(&|cost| cost.loss, trigger)).sum();
    print!(
        "| {} | {sum:.1} | {:.2} % | {:.2} ms |",
        stack.name,
        worst(&|cost| cost.lost_in_health) * 100.0,
        worst(&|cost| cost.refused_in),
    );
    for trigger in 0..triggers.len() {
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
