//! Runs an outage for three clients of one HTTP service and shows how many calls of each survive.
//!
//! `cargo run --release --example outage` takes less than a minute; `-- --help` lists the options.
//! `docs/outage.md` explains the picture.
//!
//! | file | holds |
//! |---|---|
//! | `scenario.rs` | what happens to the server, and when |
//! | `workshop.rs`, `server.rs` | a server of finite capacity that follows the script |
//! | `wire.rs` | one HTTP request, and how it can end |
//! | `client.rs` | the bare and the naive client |
//! | `pipeline.rs` | the client behind a seawall pipeline: **the part to copy** |
//! | `load.rs` | calls at a constant rate, whatever happens |
//! | `ledger.rs` | every call is counted exactly once |
//! | `diary.rs` | a listener to the pipeline's events |
//! | `progress.rs` | the live view |
//! | `measure.rs`, `report.rs` | the figures from the ledger |
//! | `table.rs`, `timeline_svg.rs` | the same as a table and as a picture |
//! | `options.rs`, `stage.rs`, `main.rs` | the command line, and how the parts fit together |

#![expect(unreachable_pub, reason = "a program has no outside")]
#![expect(clippy::cast_precision_loss, reason = "counts of calls, far below 2^52")]

mod client;
mod diary;
mod finale;
mod ledger;
mod load;
mod measure;
mod options;
mod pipeline;
mod progress;
mod report;
mod scenario;
mod server;
mod stage;
mod table;
mod timeline_svg;
mod wire;
mod workshop;

use std::process::ExitCode;
use std::sync::Arc;
use std::{env, fs};

use anyhow::Context as _;
use client::{Bare, Naive};
use diary::Diary;
use finale::{Finale, Written};
use options::{Options, Refusal};
use pipeline::Seawall;
use progress::{Progress, Screen};
use scenario::Scenario;
use seawall::Shutdown;
use seawall::shutdown::{Phase, ShutdownReason, Signal, Step};
use seawall_telemetry::Metrics;
use seawall_telemetry::health::Health;
use seawall_telemetry::http::routes;
use stage::Stage;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Bad options or a bad scenario.
const MISTAKE: u8 = 2;

fn main() -> ExitCode {
    let options = match Options::read(env::args_os()) {
        Ok(options) => options,
        Err(Refusal::Help(text)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(Refusal::Mistake(line)) => return complain(&line, MISTAKE),
    };
    let scenario = match scenario(&options) {
        Ok(scenario) => Arc::new(scenario),
        Err(line) => return complain(&line, MISTAKE),
    };
    if let Err(line) = finale::prepare(&options.out) {
        return complain(&line, MISTAKE);
    }
    match run(&options, scenario) {
        Ok(code) => code,
        Err(error) => complain(&format!("{error:#}"), 1),
    }
}

fn complain(line: &str, code: u8) -> ExitCode {
    eprintln!("error: {line}");
    code.into()
}

/// The scenario, or one line that says what is wrong with it.
fn scenario(options: &Options) -> Result<Scenario, String> {
    let (text, source) = match &options.scenario {
        None if options.quick => (Scenario::QUICK.to_owned(), "quick.toml".to_owned()),
        None => (Scenario::STANDARD.to_owned(), "scenario.toml".to_owned()),
        Some(path) => {
            let source = path.display().to_string();
            let read = fs::read_to_string(path);
            (read.map_err(|error| format!("--scenario {source}: {error}"))?, source)
        }
    };
    let scenario = Scenario::parse(&text).map_err(|mistake| format!("{source}: {mistake}"))?;
    Ok(match options.target {
        Some(_) => scenario.against_your_server(),
        None => scenario,
    })
}

fn run(options: &Options, scenario: Arc<Scenario>) -> anyhow::Result<ExitCode> {
    // Every call in flight has a socket at either end.
    #[cfg(unix)]
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(play(options, scenario))
}

/// Runs, drains, reports: the end of the script and a Ctrl-C end the program in the same way.
async fn play(options: &Options, scenario: Arc<Scenario>) -> anyhow::Result<ExitCode> {
    let shutdown = Shutdown::builder()
        .name("outage")
        .signals([Signal::Interrupt, Signal::Terminate])
        .build()?;
    let diary = Diary::default();
    let mut stage = Stage::new(Arc::clone(&scenario), options.seed, options.target.clone());
    let metrics = Metrics::default();
    let description = cast(&mut stage, &scenario, options.seed, &diary, &shutdown, &metrics)?;
    if let Some(address) = options.metrics {
        let listener = TcpListener::bind(address).await.context("--metrics")?;
        let routes = routes(&metrics, &Health::builder().readiness(shutdown.readiness()).build()?);
        tokio::spawn(async move { axum::serve(listener, routes).await });
    }

    let finale = Finale::new(options, &stage, diary.clone(), description);
    let (closer, writer) = (Arc::clone(&finale), Arc::clone(&finale));
    shutdown.on_shutdown(move |reason| closer.close(reason));
    shutdown.register(Phase::FLUSH, Step::blocking("report", move || writer.write()))?;
    let end_of_view = CancellationToken::new();
    let progress = Progress::new(Screen::choose(options.json), &stage, diary);
    let view = tokio::spawn(progress.watch(end_of_view.clone()));
    let playing = tokio::spawn(until_the_end(stage, shutdown.clone()));

    let ending = shutdown.run().await;
    end_of_view.cancel();
    let mut screen = view.await?;
    if let Some(written) = finale.written() {
        present(written, options.json, &mut screen)?;
    }
    if !ending.is_clean() {
        eprintln!("{ending}");
    }
    if playing.is_finished() {
        playing.await?.context("the built-in server could not go on")?;
    }
    Ok(ending.exit_code().into())
}

/// The three clients. Gives the pipeline's description of itself.
fn cast(
    stage: &mut Stage,
    scenario: &Scenario,
    seed: u64,
    diary: &Diary,
    shutdown: &Shutdown,
    metrics: &Metrics,
) -> anyhow::Result<Vec<String>> {
    let (call_timeout, attempt_timeout) = (scenario.call_timeout, scenario.attempt_timeout);
    let seawall = Seawall::new(scenario, seed, diary.clone(), shutdown, metrics)?;
    let description = seawall.description();
    stage.enter("bare", Bare { call_timeout }, shutdown)?;
    stage.enter("naive", Naive { call_timeout, attempt_timeout }, shutdown)?;
    stage.enter("seawall", seawall, shutdown)?;
    Ok(description)
}

async fn until_the_end(stage: Stage, shutdown: Shutdown) -> std::io::Result<()> {
    let played = stage.play().await;
    shutdown.trigger(match &played {
        Ok(()) => ShutdownReason::requested("the script is over"),
        Err(error) => ShutdownReason::requested(format!("the server failed: {error}")),
    });
    played
}

fn present(written: &Written, json: bool, screen: &mut Screen) -> anyhow::Result<()> {
    let Written { report, picture, json: file } = written;
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
        return Ok(());
    }
    let table = table::table(report);
    let files = format!("picture  {}\nreport   {}", picture.display(), file.display());
    screen.say(&format!("\n{table}\n{files}"));
    Ok(())
}
