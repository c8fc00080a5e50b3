//! Over HTTP (feature `http`): routes of axum for metrics and health, and layers of tower for the
//! context of requests.
//!
//! ```no_run
//! use axum::Router;
//! use seawall_telemetry::{Metrics, health::Health, http::{ContextLayer, routes}};
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let (metrics, health) = (Metrics::default(), Health::builder().build()?);
//! let app: Router = Router::new()
//!     .merge(routes(&metrics, &health))
//!     .layer(ContextLayer::new());
//! # drop(app);
//! # Ok(())
//! # }
//! ```
//!
//! | request | answers |
//! |---|---|
//! | `GET /metrics` | the text, in the format that `accept` asks for |
//! | `GET /health/live`, `/health/ready` | 200 or 503, and a word |
//! | `GET /health` | the report as JSON, with `authorization: Bearer` and the token; 401 without, 404 where there is no token |

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::health::Health;
use crate::{Format, Metrics};

pub use layer::{ContextLayer, ContextService, PropagateLayer, PropagateService};

mod layer;

/// The routes of metrics and health, to be merged into those of a service, or served on a port of
/// their own.
pub fn routes<S: Clone + Send + Sync + 'static>(metrics: &Metrics, health: &Health) -> Router<S> {
    let metrics = metrics.clone();
    let [live, ready, report] = [(); 3].map(|()| health.clone());
    Router::new()
        .route("/metrics", get(async move |headers: HeaderMap| text(&metrics, &headers)))
        .route("/health/live", get(async move || probe(live.is_live(), "live", "not live")))
        .route("/health/ready", get(async move || probe(ready.is_ready(), "ready", "not ready")))
        .route("/health", get(async move |headers: HeaderMap| whole(&report, &headers)))
}

fn text(metrics: &Metrics, headers: &HeaderMap) -> Response<Body> {
    let accept = headers.get(ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let format = Format::accepted(accept);
    answer(StatusCode::OK, format.content_type(), metrics.text(format))
}

fn probe(is: bool, yes: &str, no: &str) -> Response<Body> {
    let (status, word) =
        if is { (StatusCode::OK, yes) } else { (StatusCode::SERVICE_UNAVAILABLE, no) };
    answer(status, "text/plain; charset=utf-8", word.to_owned())
}

fn whole(health: &Health, headers: &HeaderMap) -> Response<Body> {
    let given = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok());
    let token = given.and_then(|it| it.strip_prefix("Bearer "));
    match health.admits(token) {
        None => answer(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", String::new()),
        Some(false) => {
            let mut refused =
                answer(StatusCode::UNAUTHORIZED, "text/plain; charset=utf-8", String::new());
            let scheme = HeaderValue::from_static("Bearer");
            refused.headers_mut().insert(WWW_AUTHENTICATE, scheme);
            refused
        }
        Some(true) => answer(StatusCode::OK, "application/json", health.report().to_string()),
    }
}

fn answer(status: StatusCode, kind: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
