//! A service between its callers and two others: axum in front, `reqwest` behind, policies between.
//!
//! ```sh
//! cargo run --example http_service 127.0.0.1:8080
//! curl -i localhost:8080/prices/tea                                # the price, after a retry or two
//! curl -i localhost:8080/prices/none                               # 404: permanent, asked for once
//! for _ in 1 2 3 4 5 6; do curl -i localhost:8080/prices/tea; done # 429 and when to come back
//! curl -i -H 'grpc-timeout: 1m' localhost:8080/prices/slow         # 504: no more time than the caller has
//! curl -i -d tea localhost:8080/orders                             # 201: a POST is sent once
//! curl -i -d milk localhost:8080/orders                            # 503 and when to come back, as sent once
//! curl localhost:8080/metrics                                      # what the policies did
//! kill -TERM "$(pgrep -f examples/http_service)"                   # ends without a lost request
//! ```
//!
//! The two servers behind it are a part of the program and fail often; `http_service ADDRESS PRICES
//! ORDERS` takes others, as authorities: `prices.example:8080`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Router, serve};
use parking_lot::Mutex;
use seawall::limit::KeyedRateLimit;
use seawall::shutdown::Signal;
use seawall::{Bulkhead, Event, RateLimit, Shutdown};
use seawall_http::{Client, DeadlineHeader, Problem, RequestOptions, Server, ServerLayer};
use tokio::net::TcpListener;

/// The longest that this service works on a request.
const AT_MOST: Duration = Duration::from_secs(2);

/// The state of the handlers. Clones share the policies.
#[derive(Clone)]
struct Shop {
    client: Client,
    callers: KeyedRateLimit<String>,
    prices: String,
    orders: String,
}

/// A GET: repeated while the caller's deadline allows.
async fn price(
    State(shop): State<Shop>,
    Path(item): Path<String>,
    headers: HeaderMap,
) -> Result<String, Problem> {
    let caller = headers.get("x-caller").and_then(|name| name.to_str().ok()).unwrap_or("anybody");
    shop.callers.try_acquire(caller)?;
    let url = format!("http://{}/{item}", shop.prices);
    let answer = shop.client.get(url).send().await?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Err(Problem::new(StatusCode::NOT_FOUND, "no_such_item"));
    }
    Ok(Problem::unless_success(answer)?.text().await?)
}

/// A POST: sent again only where it certainly was not carried out.
async fn order(State(shop): State<Shop>, item: String) -> Result<(StatusCode, String), Problem> {
    let url = format!("http://{}/orders", shop.orders);
    let answer = shop.client.post(url).body(item).send().await?;
    let answer = Problem::unless_success(answer)?;
    Ok((answer.status(), answer.text().await?))
}

fn text_of(metrics: &BTreeMap<String, u64>) -> String {
    metrics.iter().map(|(line, count)| format!("{line} {count}\n")).collect::<Vec<_>>().concat()
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let prices = args.next().map_or_else(unreliable_prices, Ok)?;
    let orders = args.next().map_or_else(unreliable_orders, Ok)?;
    // glue
    let shutdown = Shutdown::builder().name("shop").signals(Signal::TERMINATION).build()?;
    let metrics = Arc::new(Mutex::new(BTreeMap::<String, u64>::new()));
    let (counts, stop) = (Arc::clone(&metrics), shutdown.abort_token());
    let count = move |event: &Event| {
        let (name, kind) = (event.policy.as_str(), event.policy_kind.as_str());
        let line =
            format!("events_total{{name={name:?},kind={kind:?},what={:?}}}", event.kind.as_str());
        *counts.lock().entry(line).or_default() += 1;
    };
    let client = Client::builder("upstreams")
        .pipeline(move |standard| {
            let standard = standard.timeout(AT_MOST).listener(|event: &Event| println!("{event}"));
            // Requests that are answered during the drain still make calls.
            standard.listener(count.clone()).shutdown_token(stop.clone())
        })
        .authority(&orders, |standard| standard.breaker(|breaker| breaker))
        .options(RequestOptions::new().deadline_header(DeadlineHeader::Grpc))
        .build()?;
    let callers = RateLimit::builder().name("callers").per_second(2).burst(5);
    let callers = KeyedRateLimit::new(callers, 10_000)?;
    let layer = ServerLayer::builder("shop")
        .at_most(AT_MOST)
        .limit(Bulkhead::builder().name("shop").limit(200).build()?)
        .shutdown(&shutdown)
        .build()?;
    // end of glue
    let routes = Router::new()
        .route("/prices/{item}", get(price))
        .route("/orders", post(order))
        .layer(layer)
        .route("/metrics", get(async move || text_of(&metrics.lock())))
        .with_state(Shop { client, callers, prices, orders });
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    // glue
    let server = Server::new(routes, &shutdown).serve(listener);
    shutdown.spawn_critical("http", |_| server)?;
    let report = shutdown.run().await;
    println!("{report}");
    std::process::exit(report.exit_code().into())
    // end of glue
}

/// Answers every third request; for the others it is overloaded or broken.
fn unreliable_prices() -> std::io::Result<String> {
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
    server(Router::new().route("/{item}", get(answer)))
}

/// Takes orders for everything but milk, and says which order of its life it was.
fn unreliable_orders() -> std::io::Result<String> {
    let requests = Arc::new(AtomicU32::new(0));
    let answer = async move |item: String| {
        let number = requests.fetch_add(1, Ordering::Relaxed) + 1;
        match item.as_str() {
            "milk" => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "7")]).into_response(),
            _ => (StatusCode::CREATED, format!("order {number}: {item}\n")).into_response(),
        }
    };
    server(Router::new().route("/orders", post(answer)))
}

/// Serves `routes` on a port of its own. Returns its authority.
fn server(routes: Router) -> std::io::Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let authority = listener.local_addr()?.to_string();
    let listener = TcpListener::from_std(listener)?;
    tokio::spawn(async { serve(listener, routes).await });
    Ok(authority)
}
