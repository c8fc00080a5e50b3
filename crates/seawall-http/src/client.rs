//! Clients that survive their servers: the standard pipeline for each authority, safe by default.
//!
//! ```
//! use seawall_http::ClientLayer;
//! use hyper_util::client::legacy::Client;
//! use hyper_util::rt::TokioExecutor;
//! use tower::Layer;
//! # type Body = http_body_util::Full<bytes::Bytes>;
//!
//! let http = Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http();
//! let client = ClientLayer::builder("shop").hedging().build()?.layer(http);
//! # fn check<S: tower::Service<http::Request<Body>>>(_: S) {}
//! # check(client);
//! # Ok::<_, seawall::ConfigError>(())
//! ```
//!
//! | you have | take | feature |
//! |---|---|---|
//! | reqwest | `Client`: it looks like reqwest's | `reqwest` |
//! | reqwest-middleware | `ClientBuilder::with(ClientLayer::new(..)?)` | `reqwest-middleware` |
//! | hyper-util | [`ClientLayer`] around its client | `hyper-util`, for what its errors mean |
//! | tonic | `GrpcLayer` around a `Channel` | `tonic` |
//! | any other service that takes requests of [`http`] | [`ClientLayer`] | |
//!
//! - **What is repeated** is read from the method: see [`RequestOptions`](crate::RequestOptions). A POST
//!   that was sent is not repeated, one that could not be sent is.
//! - **What is a failure** says [`HttpOutcomes`](crate::HttpOutcomes): an answer of 503 is counted,
//!   repeated where that is safe, and is the answer if nothing better comes.
//! - **Each authority** (host and port) has a pipeline of its own, so one server that is down does not
//!   keep requests from another. At most [`Builder::max_authorities`] are kept.
//! - **Bodies of requests** are kept up to 64 KiB, so that the next attempt can read them. A longer one
//!   streams, and is sent once.
//! - **Bodies of answers** hold a place of the limit to their end, and one that breaks is a failure more.
//!   No timeout of the pipeline cuts a body: they all end at the head.
//! - **Deadlines** go out with each attempt, if a [header](crate::RequestOptions::deadline_header) is
//!   named: that of the request, or of the incoming request that the caller works on.
//! - **Redirects** are not followed: the next server has another pipeline. reqwest's own retries are off.
//!
//! # Traps
//!
//! - A client of your own below a layer repeats by itself: say `retry(reqwest::retry::never())`, and
//!   `retry_canceled_requests(false)` for hyper-util's.
//! - [`Builder::wait_for_body`] is for answers that come as a whole. A stream of events that says nothing
//!   for a minute would be no answer for a minute.
//! - A body that nobody reads holds its place until it is dropped.

pub use body::ClientBody;
pub use builder::Builder;
#[cfg(feature = "tonic")]
pub use grpc::{Grpc, GrpcFuture, GrpcLayer, GrpcService};
pub use layer::{ClientFuture, ClientLayer, ClientService};
#[cfg(feature = "reqwest")]
pub use request_builder::RequestBuilder;
#[cfg(feature = "reqwest")]
pub use reqwest_client::Client;

mod authority;
mod body;
mod builder;
mod first_frame;
#[cfg(feature = "tonic")]
mod grpc;
#[cfg(feature = "json")]
mod json;
mod layer;
#[cfg(feature = "reqwest-middleware")]
mod middleware;
#[cfg(feature = "reqwest")]
mod request_builder;
#[cfg(feature = "reqwest")]
mod reqwest_client;
