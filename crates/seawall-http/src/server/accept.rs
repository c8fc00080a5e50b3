//! Where connections come from.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;
use tower_service::Service;

use super::Server;

/// How long accepting pauses after a failure that lasts, such as being out of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Where a [`Server`](super::Server) gets its connections. For TLS accept by yourself, and hand each
/// connection to [`connection`](super::Server::connection): a handshake must not hold up the others.
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Send + 'static;

    /// The next connection, and the address of the other side where it has one. Cancel safe.
    ///
    /// # Errors
    ///
    /// Where it can't be accepted. The server tries again.
    fn accept(&mut self)
    -> impl Future<Output = io::Result<(Self::Io, Option<SocketAddr>)>> + Send;
}

impl Listener for TcpListener {
    type Io = tokio::net::TcpStream;

    async fn accept(&mut self) -> io::Result<(Self::Io, Option<SocketAddr>)> {
        let (stream, peer) = Self::accept(self).await?;
        // Small answers go out at once. Where that can't be set, they go out later.
        drop(stream.set_nodelay(true));
        Ok((stream, Some(peer)))
    }
}

#[cfg(unix)]
impl Listener for tokio::net::UnixListener {
    type Io = tokio::net::UnixStream;

    async fn accept(&mut self) -> io::Result<(Self::Io, Option<SocketAddr>)> {
        Self::accept(self).await.map(|(stream, _)| (stream, None))
    }
}

/// Accepts connections until nothing is in flight after intake has stopped.
pub(super) async fn connections<S, B>(server: Server<S>, mut listener: impl Listener)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
    S: Send + Sync + 'static,
    S::Future: Send,
    B: Body<Data: From<String> + Send, Error: std::error::Error + Send + Sync> + Send + 'static,
{
    let shutdown = server.shutdown.clone();
    let intake = shutdown.intake_token();
    let mut drained = pin!(async {
        intake.cancelled().await;
        shutdown.in_flight().drained().await;
    });
    loop {
        let next = async {
            let place = place(&server).await;
            (place, accepted(&mut listener).await)
        };
        let (place, (io, peer)) = tokio::select! {
            () = &mut drained => return,
            next = next => next,
        };
        let answers = server.clone().connection(io, peer);
        let connection = async move {
            answers.await;
            drop(place);
        };
        // Refused only when the drain is over: then the connection is dropped.
        drop(shutdown.spawn("connection", |_| connection));
    }
}

async fn place<S>(server: &Server<S>) -> Option<OwnedSemaphorePermit> {
    let connections = Arc::clone(server.connections.as_ref()?);
    // It is never closed.
    connections.acquire_owned().await.ok()
}

async fn accepted<L: Listener>(listener: &mut L) -> (L::Io, Option<SocketAddr>) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    loop {
        match listener.accept().await {
            Ok(connection) => return connection,
            // That of one client, which has gone.
            Err(error)
                if matches!(
                    error.kind(),
                    ConnectionAborted | ConnectionRefused | ConnectionReset
                ) => {}
            Err(_) => sleep(PAUSE).await,
        }
    }
}
