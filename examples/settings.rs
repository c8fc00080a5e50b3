//! A service whose settings are in a file, and change while it runs.
//!
//! ```console
//! $ cp examples/settings/inventory.toml /tmp/settings.toml
//! $ cargo run -p seawall-examples --example settings -- /tmp/settings.toml
//! $ curl -i http://127.0.0.1:8077/stock      # a dependency that takes three seconds: 504 after two
//! $ sed -i 's/timeout = "2s"/timeout = "5s"/' /tmp/settings.toml
//! $ curl -i http://127.0.0.1:8077/stock      # 200
//! $ curl http://127.0.0.1:8077/pipeline      # what is in force
//! ```

use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use clap::Parser;
use seawall::{AllTransient, StandardPipeline};
use seawall_config::{Config, Pipelines};
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
struct Arguments {
    /// The settings
    #[arg(default_value = "examples/settings/inventory.toml")]
    file: PathBuf,
    /// Where it listens
    #[arg(long, default_value = "127.0.0.1:8077")]
    address: String,
    /// How often the file is read, in milliseconds
    #[arg(long, default_value_t = 1_000)]
    every: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let config = Config::from_file(&arguments.file)?;
    for finding in config.lint() {
        eprintln!("{finding}");
    }
    let pipelines = Pipelines::builder(&config).build()?;
    let inventory = pipelines.standard("inventory", AllTransient)?;

    let stop = CancellationToken::new();
    let watch = pipelines.watch(&arguments.file).every(Duration::from_millis(arguments.every));
    let watch = watch.on_hangup().report(|reload| println!("{reload}"));
    tokio::spawn(watch.run(stop.clone()));

    let app = Router::new()
        .route("/stock", get(stock))
        .route(
            "/pipeline",
            get(async |State(it): State<StandardPipeline>| it.describe().to_string()),
        )
        .with_state(inventory);
    let listener = tokio::net::TcpListener::bind(&arguments.address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    stop.cancel();
    Ok(())
}

async fn stock(State(inventory): State<StandardPipeline>) -> (StatusCode, String) {
    match inventory.call(ask_the_warehouse).await {
        Ok(pieces) => (StatusCode::OK, format!("{pieces} pieces\n")),
        Err(error) if error.is_timeout() => (StatusCode::GATEWAY_TIMEOUT, format!("{error}\n")),
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error}\n")),
    }
}

/// A dependency that is slow today.
async fn ask_the_warehouse() -> Result<u32, std::io::Error> {
    tokio::time::sleep(Duration::from_secs(3)).await;
    Ok(7)
}
