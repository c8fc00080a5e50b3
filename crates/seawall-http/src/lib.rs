//! What HTTP knows and a pipeline does not: which answers and errors are failures, what may be
//! repeated, when to come back, how long a body holds its place.
//!
//! A [`Pipeline`](seawall::Pipeline) takes an answer of 503 for a success and a POST for any other
//! call. With the parts of this crate it does not. [`client`] has them all around what sends requests,
//! safe by default:
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use seawall_http::ClientLayer;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = ServiceBuilder::new()
//!     .layer(ClientLayer::new("shop")?)
//!     // hyper-util's client, for instance.
//!     .service(service_fn(async |_: Request<_>| {
//!         Ok::<_, std::io::Error>(Response::new(Full::<Bytes>::from("seven")))
//!     }));
//! let request = Request::get("http://inventory.example/items/7").body(Full::<Bytes>::default())?;
//! assert_eq!(client.oneshot(request).await?.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! Behind a service, and around a pipeline of your own, each part goes alone, in `http` types:
//!
//! | question | answer |
//! |---|---|
//! | What do this answer and this error mean? | [`HttpOutcomes`], [`class`] |
//! | May the request be repeated? | [`RequestOptions`]: by its method, in three grades |
//! | When to come back, in and out? | [`retry_after`] |
//! | How long does the caller wait, in and out? | [`DeadlineReader`], [`DeadlineHeader`] |
//! | What is a caller answered when a policy refuses? | [`RespondLayer`], [`Problem`] |
//! | How long does a request hold its place? | [`HoldLayer`], [`body_guard`]: to the end of the body |
//! | Which requests are refused first? | [`HoldLayer::priority`], [`ReadPriority`] |
//! | Is there a whole server? | [`ServerLayer`]: all of these; `Server`: HTTP/1.1 and HTTP/2 that drain |
//! | Is there a whole client? | [`client`]: around reqwest, reqwest-middleware, hyper-util, tonic, and any other service |
//!
//! # Three grades
//!
//! | the request | a failure that may pass is repeated |
//! |---|---|
//! | is idempotent by its method, or the caller says so | always |
//! | is not, and nobody says anything | if it was certainly not carried out: no connection, given back unsent, 421, 425 |
//! | must not be repeated: `idempotent(false)` | never |
//!
//! An answer of 503 to a POST is in none of them: a proxy says so for a server that works on the request.
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `axum` | a [`Problem`] is an answer of a handler |
//! | `hyper` | what the errors of hyper and h2 mean: given back unsent, `REFUSED_STREAM`, `GOAWAY` |
//! | `hyper-util` | what the errors of hyper-util's client mean, and `hyper` |
//! | `json` | JSON for the requests and answers of `Client`, and `reqwest` |
//! | `reqwest` | what reqwest's errors mean, and `Client` |
//! | `server` | `Server`, over HTTP/1.1 and HTTP/2 |
//! | `reqwest-middleware` | [`ClientLayer`] as a middleware, and `reqwest` |
//! | `tonic` | what tonic's errors mean, and `client::GrpcLayer` around a channel |
//!
//! None is on unless it is asked for.
//!
//! # Traps
//!
//! - [`RespondLayer`] goes outermost, then [`HoldLayer`], then the pipeline, as in [`ServerLayer`]. An `Err`
//!   that reaches hyper closes the connection.
//! - reqwest repeats some requests itself. `Client` switches that off; with a client of your own say
//!   `retry(reqwest::retry::never())`, or attempts multiply.
//! - The class is that of the head. What a body shows later, such as a status of gRPC in its trailers, is
//!   in [`BodyEnd`].
//! - A request whose body is a stream is sent once, unless it is a
//!   [`ReplayBody`](seawall_tower::replay::ReplayBody).
//!
//! # When not to use it
//!
//! For a proxy: this crate changes no header but the deadline's, and chooses among no servers.

// The pages' code compiles and runs as it is written.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
#[cfg(all(doctest, feature = "reqwest", feature = "server"))]
#[doc = include_str!("../../../docs/http.md")]
struct Page;
#[cfg(all(doctest, feature = "tonic"))]
#[doc = include_str!("../../../docs/guides/tonic.md")]
struct Tonic;
#[cfg(doctest)]
#[doc = include_str!("../../../docs/http-priorities.md")]
struct Priorities;

pub mod body_guard;
pub mod class;
pub mod client;
pub mod health;
pub mod hold;
pub mod respond;
pub mod retry_after;
#[cfg(feature = "server")]
pub mod server;
pub mod server_layer;

mod answer;
#[cfg(feature = "axum")]
mod axum;
mod deadline;
mod options;
mod priority;
mod problem;

pub use answer::Answer;
pub use body_guard::{BodyEnd, BodyGuard, GuardedBody, Hold};
pub use class::HttpOutcomes;
#[cfg(feature = "reqwest")]
pub use client::Client;
pub use client::{ClientBody, ClientLayer};
pub use deadline::{DeadlineHeader, DeadlineReader};
pub use health::HealthLayer;
pub use hold::HoldLayer;
pub use options::{Idempotent, RequestHead, RequestOptions, is_idempotent};
pub use priority::{NoPriority, PriorityHeader, ReadPriority};
pub use problem::{CLIENT_CLOSED, Problem};
pub use respond::{AnswerBody, RespondLayer};
#[cfg(feature = "server")]
pub use server::Server;
pub use server_layer::ServerLayer;
