//! A service between its callers and another server: axum in front, `reqwest`
//! behind, a pipeline between.
//!
//! ```sh
//! cargo run --example http_service 127.0.0.1:8080
//! curl -i localhost:8080/prices/tea                                # the price, after a retry or two
//! curl -i localhost:8080/prices/none                               # 404: permanent, asked for once
//! for _ in 1 2 3 4 5 6; do curl -i localhost:8080/prices/tea; done # 429 and when to come back
//! curl -i -H 'grpc-timeout: 1m' localhost:8080/prices/slow         # 504: no more time than the caller has
//! curl localhost:8080/metrics                                      # what the policies did
//! ```
//!
//! The server behind it is a part of the program and fails often; `http_service ADDRESS URL` takes
//! another.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, serve};
use parking_lot::Mutex;
use reqwest::Response as Answer;
use seawall::RateLimit;
use seawall::guard::deadline;
use seawall::limit::KeyedRateLimit;
use seawall::shutdown::Signal;
use seawall::{
    ConfigError, Deadline, Error, Event, Listener, Pipeline, Random, Shutdown, StandardPipeline,
};
use seawall_http::{HttpOutcomes, Problem};
use tokio::net::TcpListener;

/// The longest that this service works on a request.
const AT_MOST: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let shutdown = Shutdown::builder().name("shop").signals(Signal::TERMINATION).build()?;
    let metrics = Metrics::default();
    let server = match args.next() {
        Some(url) => url,
        None => unreliable_server().await?,
    };
    let shop = Shop {
        prices: Prices::new(server, metrics.clone(), &shutdown)?,
        callers: KeyedRateLimit::new(
            RateLimit::builder().name("callers").per_second(2).burst(5),
            10_000,
        )?,
        metrics,
    };
    let routes = Router::new()
        .route("/prices/{item}", get(price))
        .route("/metrics", get(async |State(shop): State<Shop>| shop.metrics.to_string()))
        .with_state(shop);
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    shutdown.spawn_critical("http", |stop| async {
        serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await
    })?;
    let report = shutdown.run().await;
    println!("{report}");
    std::process::exit(report.exit_code().into())
}

/// The state of the handlers. Clones share the policies.
#[derive(Clone)]
struct Shop {
    prices: Prices,
    callers: KeyedRateLimit<String>,
    metrics: Metrics,
}

async fn price(
    State(shop): State<Shop>,
    Path(item): Path<String>,
    headers: HeaderMap,
) -> axum::response::Result<String> {
    let caller = headers.get("x-caller").and_then(|name| name.to_str().ok()).unwrap_or("anybody");
    let allowed = shop.callers.try_acquire(caller).map_err(Error::<Infallible>::from);
    allowed.map_err(|error| refused(&error))?;
    let deadline = match headers.get(deadline::HEADER) {
        Some(left) => Deadline::from_wire(left, AT_MOST).map_err(|_| StatusCode::BAD_REQUEST)?,
        None => Deadline::after(AT_MOST),
    };
    let answer = shop.prices.of(&item, deadline).await.map_err(|error| refused(&error))?;
    match answer.status() {
        StatusCode::NOT_FOUND => Err(StatusCode::NOT_FOUND.into()),
        status if status.is_success() => {
            Ok(answer.text().await.map_err(|_| StatusCode::BAD_GATEWAY)?)
        }
        _ => Err(StatusCode::BAD_GATEWAY.into()),
    }
}

// glue
/// The client of the server behind this one: everything that this program knows about it.
#[derive(Clone)]
struct Prices {
    http: reqwest::Client,
    server: Arc<str>,
    pipeline: StandardPipeline<HttpOutcomes>,
}

impl Prices {
    fn new(server: String, metrics: Metrics, shutdown: &Shutdown) -> Result<Self, ConfigError> {
        let pipeline = Pipeline::standard("prices")
            .idempotent()
            .classify(HttpOutcomes)
            .listener(metrics)
            .listener(|event: &Event| println!("{event}"))
            // Requests that are answered during the drain still make calls.
            .shutdown_token(shutdown.abort_token())
            .build()?;
        println!("{}", pipeline.describe());
        Ok(Self { http: reqwest::Client::new(), server: server.into(), pipeline })
    }

    async fn of(&self, item: &str, deadline: Deadline) -> Result<Answer, Error<reqwest::Error>> {
        let url = format!("{}/{item}", self.server);
        let call = self.pipeline.call_with(async |attempt| {
            let mut request = self.http.get(&url);
            if let Some(left) = Deadline::of(&attempt).to_wire() {
                request = request.header(deadline::HEADER, left);
            }
            request.send().await
        });
        call.deadline(deadline).await
    }
}

/// The answer to a caller that gets no price: whose fault it is, and when to come back.
fn refused<E>(error: &Error<E>) -> Response {
    let mut problem = Problem::of(error);
    if error.operation().is_some() {
        problem.status = StatusCode::BAD_GATEWAY;
    }
    problem.to_response(&Random::default())
}

/// Counts events by policy and kind, as Prometheus reads them.
#[derive(Clone, Default)]
struct Metrics(Arc<Mutex<BTreeMap<Labels, u64>>>);

type Labels = (String, &'static str, &'static str);

impl Listener for Metrics {
    fn on_event(&self, event: &Event) {
        let labels = (event.policy.to_string(), event.policy_kind.as_str(), event.kind.as_str());
        *self.0.lock().entry(labels).or_default() += 1;
    }
}

impl std::fmt::Display for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for ((name, kind, what), count) in &*self.0.lock() {
            writeln!(
                f,
                "seawall_events_total{{name={name:?},kind={kind:?},what={what:?}}} {count}"
            )?;
        }
        Ok(())
    }
}

// end of glue

/// Answers every third request; for the others it is overloaded or broken. Returns its address.
async fn unreliable_server() -> std::io::Result<String> {
    let requests = Arc::new(AtomicU32::new(0));
    let answer = async move |Path(item): Path<String>| {
        let failing = requests.fetch_add(1, Ordering::Relaxed) % 3;
        match (item.as_str(), failing) {
            ("none", _) => StatusCode::NOT_FOUND.into_response(),
            ("slow", _) => std::future::pending().await,
            (_, 0) => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "0")]).into_response(),
            (_, 1) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            _ => "1.20\n".into_response(),
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let routes = Router::new().route("/{item}", get(answer));
    tokio::spawn(async { serve(listener, routes).await });
    Ok(url)
}
