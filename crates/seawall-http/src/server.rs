//! A server over HTTP/1.1 and HTTP/2 that drains: no request is lost when the process stops.
//!
//! ```no_run
//! use axum::Router;
//! use axum::routing::get;
//! use seawall::Shutdown;
//! use seawall::shutdown::Signal;
//! use seawall_http::{Server, ServerLayer};
//! use tokio::net::TcpListener;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let shutdown = Shutdown::builder().name("shop").signals(Signal::TERMINATION).build()?;
//! let layer = ServerLayer::builder("shop").shutdown(&shutdown).build()?;
//! let routes = Router::new().route("/", get(async || "hello")).layer(layer);
//! let listener = TcpListener::bind("127.0.0.1:8080").await?;
//! shutdown.spawn_critical("http", |_| Server::new(routes, &shutdown).serve(listener))?;
//! let report = shutdown.run().await;
//! println!("{report}");
//! std::process::exit(report.exit_code().into())
//! # }
//! ```
//!
//! # How it drains
//!
//! | phase | new connections | requests on connections | answers |
//! |---|---|---|---|
//! | the shutdown has begun: readiness is off, balancers have not noticed | served | served | HTTP/1.1: `Connection: close` |
//! | intake has stopped | 503, `Retry-After`, then closed | served, where the connection is older | idle ones of HTTP/1.1 close; HTTP/2: `GOAWAY`, and once more after a round trip |
//! | nothing is in flight | refused: the listener is closed | | |
//! | the time for draining is over | | cut, without an end that looks whole | the report counts them |
//!
//! A request that was on its way when intake stopped is served, as its client could not know. The
//! [drain](seawall::shutdown::Phase::DRAIN) waits for each connection to have written its last answer,
//! and for what is in flight to the end of its body.
//!
//! # Defaults
//!
//! | setter | default | why |
//! |---|---|---|
//! | [`head_within`](Server::head_within) | 10 s | a slow head holds nothing for long |
//! | [`idle_for`](Server::idle_for) | 75 s | the client closes first, so that no request meets a connection that closes |
//! | [`stalled_after`](Server::stalled_after) | 60 s | a client that reads nothing for a minute has gone |
//! | [`max_connections`](Server::max_connections) | none | the process's limit of descriptors; accepting pauses there |
//! | requests at once on a connection of HTTP/2 | 100 | RFC 9113 asks for that many at least |
//! | ping on a silent connection of HTTP/2 | after 30 s, 30 s to answer | a dead link is found within a minute |
//!
//! # Traps
//!
//! - **A stream without an end** (events, a watch) holds up the drain for as long as it may take. End it
//!   when intake stops: `shutdown.intake_token()`.
//! - **A connection that was upgraded** is its handler's: spawn its task on the shutdown.
//! - **The service has to be faultless** (`Error = Infallible`): put a [`ServerLayer`](crate::ServerLayer)
//!   or a [`RespondLayer`](crate::RespondLayer) around one that is not.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use seawall::Shutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tower_service::Service;

mod accept;
mod connection;
pub mod defaults;
mod service;
mod streams;
mod watched;

pub use accept::Listener;

/// The address of the client, in the extensions of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(pub SocketAddr);

/// A server that drains. See [the chapter](crate::server).
#[derive(Clone, Debug)]
#[must_use = "a server does nothing before it serves"]
pub struct Server<S> {
    service: S,
    shutdown: Shutdown,
    limits: Limits,
    /// Absent where there is no limit.
    connections: Option<Arc<Semaphore>>,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    head_within: Duration,
    idle_for: Duration,
    stalled_after: Duration,
}

impl<S> Server<S> {
    /// Serves `service` until `shutdown` ends it.
    ///
    /// Each request has a clone of the service, and what the clones share.
    pub fn new(service: S, shutdown: &Shutdown) -> Self {
        let limits = Limits {
            head_within: defaults::HEAD_WITHIN,
            idle_for: defaults::IDLE_FOR,
            stalled_after: defaults::STALLED_AFTER,
        };
        Self { service, shutdown: shutdown.clone(), limits, connections: None }
    }

    /// How long a client may take for the head of a request, from its first byte, and for the first byte
    /// of a new connection. Then the connection ends. Default: 10 s.
    pub const fn head_within(mut self, head_within: Duration) -> Self {
        self.limits.head_within = head_within;
        self
    }

    /// How long a connection of HTTP/1.1 may be idle between two requests. Default: 75 s.
    pub const fn idle_for(mut self, idle_for: Duration) -> Self {
        self.limits.idle_for = idle_for;
        self
    }

    /// How long an answer may make no progress, because the client reads nothing or leaves the window of a
    /// stream shut. Then the connection or the stream ends, and what the request held is free. However long
    /// a download takes, it is not cut while it moves. Default: 60 s.
    pub const fn stalled_after(mut self, stalled_after: Duration) -> Self {
        self.limits.stalled_after = stalled_after;
        self
    }

    /// How many connections there may be at once. The next waits in the listener's queue. Default: no limit.
    pub fn max_connections(mut self, max: NonZeroU32) -> Self {
        // More than a semaphore can count are more than there can be.
        let max = usize::try_from(max.get()).unwrap_or(usize::MAX);
        self.connections = Some(Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS))));
        self
    }
}

impl<S, B> Server<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
    S: Send + Sync + 'static,
    S::Future: Send,
    B: Body<Data: From<String> + Send, Error: std::error::Error + Send + Sync> + Send + 'static,
{
    /// Accepts connections until intake has stopped and nothing is in flight any more, and serves each in
    /// a task that the shutdown waits for. Ends then, and never with an error: what can't be accepted is
    /// tried again.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it accepts no more; connections go on.
    pub async fn serve(self, listener: impl Listener) -> io::Result<()> {
        accept::connections(self, listener).await;
        Ok(())
    }

    /// Serves one connection: for TLS, and for whatever is no [`Listener`]. Spawn it
    /// [on the shutdown](Shutdown::spawn), so that the drain waits for it.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it cuts the connection.
    pub async fn connection<Io>(self, io: Io, peer: Option<SocketAddr>)
    where
        Io: AsyncRead + AsyncWrite + Send + 'static,
    {
        connection::serve(self, io, peer).await;
    }
}
