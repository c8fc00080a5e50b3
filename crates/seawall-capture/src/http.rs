//! Reading and taking over HTTP: a router for axum (feature `http`).
//!
//! | request | does | answers |
//! |---|---|---|
//! | `GET /groups` | lists; `since`, `kind`, `severity`, `source`, `text`, `order` (`last_seen`, `count`), `limit` (100 unless said, 1,000 at most) | groups |
//! | `GET /groups/{fingerprint}` | one group, with its details | a group |
//! | `GET /totals` | what was counted | [`Totals`](crate::store::Totals) |
//! | `POST /batches` | takes; `max` (100 unless said, 1,000 at most) | `id`, `groups`, `other` |
//! | `POST /batches/{id}/acknowledge` | the batch arrived | 204 |
//! | `POST /batches/{id}/put-back` | it did not | 204 |
//! | `POST /groups/{fingerprint}/resolve` | resolves; `version` | 204 |
//! | `POST /groups/{fingerprint}/mute` | mutes; `count` and `period` in seconds, both or neither | 204 |
//! | `POST /groups/{fingerprint}/unmute` | ends that | 204 |
//!
//! Parameters are in the query. `GET` never changes anything. What goes wrong is answered as
//! problem details (RFC 9457): 400 for a parameter that is wrong or unknown, 401 without a token or
//! with one that is unknown, 403 for what the token or the address does not allow, 404 for what is
//! not there, 503 when the store is unavailable.
//!
//! ```no_run
//! use std::net::SocketAddr;
//! use seawall_capture::{MemoryStore, http::{Access, router}};
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MemoryStore::default();
//! let app = router(store, Access::tokens("reading", "writing")?);
//! // axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Access
//!
//! With [`Access::tokens`], callers that have a token, as `Authorization: Bearer ...`; tokens are
//! compared in a time that does not depend on where they differ. With [`Access::loopback`],
//! callers on this machine that are no web page: that needs axum's
//! `ConnectInfo<SocketAddr>`, and where it is missing nobody may. A reverse proxy on this machine makes everybody come from it: use tokens
//! then.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Serialize;
use serde_json::json;

use crate::Fingerprint;
use crate::record::limits;
use crate::store::{BatchId, Filter, Mute, Order, Resolution, Store, StoreError};

pub use access::{Access, AccessError};
use access::{Sender, Verdict};

mod access;

/// How many groups are listed or taken unless said.
const LIMIT: usize = 100;
/// How many at most.
const MAX_LIMIT: usize = 1_000;

struct Shared {
    store: Arc<dyn Store>,
    access: Access,
}

type Parameters = HashMap<String, String>;
type Answer = Result<Response, Problem>;

/// A router over `store`, to be merged or nested into another, or served as it is.
pub fn router(store: impl Store, access: Access) -> Router {
    let shared = Arc::new(Shared { store: Arc::new(store), access });
    Router::new()
        .route("/groups", get(list))
        .route("/groups/{fingerprint}", get(group))
        .route("/groups/{fingerprint}/resolve", post(resolve))
        .route("/groups/{fingerprint}/mute", post(mute))
        .route("/groups/{fingerprint}/unmute", post(unmute))
        .route("/totals", get(totals))
        .route("/batches", post(take))
        .route("/batches/{id}/acknowledge", post(acknowledge))
        .route("/batches/{id}/put-back", post(put_back))
        .fallback(async || -> Answer { Err(Problem::not_found("no such resource")) })
        .method_not_allowed_fallback(async || -> Answer {
            Err(Problem(StatusCode::METHOD_NOT_ALLOWED, "not with this method".into()))
        })
        .layer(from_fn_with_state(Arc::clone(&shared), admit))
        .with_state(shared)
}

/// What went wrong.
struct Problem(StatusCode, String);

impl Problem {
    fn bad(detail: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, detail.into())
    }

    fn not_found(detail: &str) -> Self {
        Self(StatusCode::NOT_FOUND, detail.into())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        // The store's own error may name hosts, so it is left out.
        Self(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl axum::response::IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self(status, detail) = self;
        let problem = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "detail": detail,
        });
        let mut response = respond(status, "application/problem+json", problem.to_string());
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

fn respond(status: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn json_of(value: &impl Serialize) -> Answer {
    let body = serde_json::to_string(value).map_err(|error| {
        Problem(StatusCode::INTERNAL_SERVER_ERROR, format!("can't be written as JSON: {error}"))
    })?;
    Ok(respond(StatusCode::OK, "application/json", body))
}

fn done(done: bool, missing: &str) -> Answer {
    if !done {
        return Err(Problem::not_found(missing));
    }
    Ok(respond(StatusCode::NO_CONTENT, "application/json", String::new()))
}

async fn admit(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Answer {
    // In HTTP/2 the host is in the address.
    let host = request.uri().authority().map(Authority::as_str);
    let sender = Sender {
        authorization: text(&request, &header::AUTHORIZATION),
        peer: request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0),
        host: text(&request, &header::HOST).or(host),
        origin: text(&request, &header::ORIGIN),
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match shared.access.admits(&sender, reads) {
        Verdict::Admitted => Ok(next.run(request).await),
        Verdict::Unknown => {
            Err(Problem(StatusCode::UNAUTHORIZED, "a bearer token is needed".into()))
        }
        Verdict::Forbidden => Err(Problem(StatusCode::FORBIDDEN, "not allowed".into())),
    }
}

/// A header, if it is there; one that is no text is nobody's.
fn text<'r>(request: &'r Request, name: &HeaderName) -> Option<&'r str> {
    request.headers().get(name).map(|value| value.to_str().unwrap_or_default())
}

/// The parameters of a request, each taken out once.
struct Asked(Parameters);

impl Asked {
    fn take<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, Problem>
    where
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.0.remove(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|error| Problem::bad(format!("{name}: {error}")))
    }

    /// Refuses what nobody took: a misspelt filter would let everything through.
    fn finish(self) -> Result<(), Problem> {
        match self.0.keys().min() {
            Some(name) => Err(Problem::bad(format!("{name}: no such parameter"))),
            None => Ok(()),
        }
    }

    fn limit(&mut self, name: &str) -> Result<usize, Problem> {
        let limit = self.take(name)?.unwrap_or(LIMIT);
        if (1..=MAX_LIMIT).contains(&limit) {
            return Ok(limit);
        }
        Err(Problem::bad(format!("{name}: not between 1 and {MAX_LIMIT}")))
    }
}

type Asking = Result<Query<Parameters>, QueryRejection>;

fn asked(query: Asking) -> Result<Asked, Problem> {
    let Query(parameters) = query.map_err(|error| Problem::bad(error.to_string()))?;
    Ok(Asked(parameters))
}

fn nothing_asked(query: Asking) -> Result<(), Problem> {
    asked(query)?.finish()
}

type Named = Result<Path<String>, PathRejection>;

/// The part of the path that names something, read as what it names.
fn named<T: std::str::FromStr>(what: &str, path: Named) -> Result<T, Problem>
where
    T::Err: std::fmt::Display,
{
    let Path(text) = path.map_err(|error| Problem::bad(format!("{what}: {error}")))?;
    text.parse().map_err(|error| Problem::bad(format!("{what}: {error}")))
}

fn fingerprint(path: Named) -> Result<Fingerprint, Problem> {
    named("fingerprint", path)
}

fn batch(path: Named) -> Result<BatchId, Problem> {
    named("id", path).map(BatchId)
}

async fn list(State(shared): State<Arc<Shared>>, query: Asking) -> Answer {
    let mut asked = asked(query)?;
    let order = match asked.take::<String>("order")?.as_deref() {
        None | Some("last_seen") => Order::LastSeen,
        Some("count") => Order::Count,
        Some(_) => return Err(Problem::bad("order: not one of last_seen, count")),
    };
    let filter = Filter {
        since: asked.take("since")?,
        kind: asked.take("kind")?,
        severity: asked.take("severity")?,
        source: asked.take("source")?,
        text: asked.take("text")?,
        limit: asked.limit("limit")?,
        order,
    };
    asked.finish()?;
    json_of(&shared.store.list(&filter).await?)
}

async fn group(State(shared): State<Arc<Shared>>, name: Named, query: Asking) -> Answer {
    nothing_asked(query)?;
    let group = shared.store.group(fingerprint(name)?).await?;
    json_of(&group.ok_or_else(|| Problem::not_found(NO_GROUP))?)
}

const NO_GROUP: &str = "no such group";
const NO_BATCH: &str = "no such batch";

async fn totals(State(shared): State<Arc<Shared>>, query: Asking) -> Answer {
    nothing_asked(query)?;
    json_of(&shared.store.totals().await?)
}

async fn take(State(shared): State<Arc<Shared>>, query: Asking) -> Answer {
    let mut asked = asked(query)?;
    let max = asked.limit("max")?;
    asked.finish()?;
    let batch = shared.store.take(max).await?;
    let groups: Vec<_> = batch.groups.iter().map(|group| &**group).collect();
    json_of(&json!({ "id": batch.id, "groups": groups, "other": batch.other }))
}

async fn acknowledge(State(shared): State<Arc<Shared>>, id: Named, query: Asking) -> Answer {
    nothing_asked(query)?;
    done(shared.store.acknowledge(batch(id)?).await?, NO_BATCH)
}

async fn put_back(State(shared): State<Arc<Shared>>, id: Named, query: Asking) -> Answer {
    nothing_asked(query)?;
    done(shared.store.put_back(batch(id)?).await?, NO_BATCH)
}

async fn resolve(State(shared): State<Arc<Shared>>, name: Named, query: Asking) -> Answer {
    let mut asked = asked(query)?;
    let version = asked.take::<String>("version")?;
    asked.finish()?;
    if version.as_ref().is_some_and(|version| version.len() > limits::NAME) {
        return Err(Problem::bad(format!("version: longer than {} bytes", limits::NAME)));
    }
    let resolution = version.map_or(Resolution::NOW, Resolution::in_version);
    done(shared.store.resolve(fingerprint(name)?, resolution).await?, NO_GROUP)
}

async fn mute(State(shared): State<Arc<Shared>>, name: Named, query: Asking) -> Answer {
    let mut asked = asked(query)?;
    let (count, period) = (asked.take::<u64>("count")?, asked.take::<u64>("period")?);
    asked.finish()?;
    let mute = match (count, period) {
        (None, None) => Mute::FOREVER,
        (Some(count @ 1..), Some(period @ 1..)) => Mute::until(count, Duration::from_secs(period)),
        _ => return Err(Problem::bad("count and period: both at least 1, or neither")),
    };
    done(shared.store.mute(fingerprint(name)?, Some(mute)).await?, NO_GROUP)
}

async fn unmute(State(shared): State<Arc<Shared>>, name: Named, query: Asking) -> Answer {
    nothing_asked(query)?;
    done(shared.store.mute(fingerprint(name)?, None).await?, NO_GROUP)
}
