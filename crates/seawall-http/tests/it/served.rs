//! A server of the crate on loopback, and a client of raw bytes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use seawall::Shutdown;
use seawall::shutdown::Report;
use seawall_http::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tower::service_fn;

/// A server and what ends it.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: Shutdown,
    running: JoinHandle<Report>,
}

/// Settings of a server that are not the defaults.
#[derive(Clone, Copy, Default)]
pub(crate) struct Settings {
    pub(crate) head_within: Option<Duration>,
    pub(crate) stalled_after: Option<Duration>,
    pub(crate) max_connections: Option<NonZeroU32>,
}

impl Settings {
    fn of<S>(self, mut server: Server<S>) -> Server<S> {
        if let Some(time) = self.head_within {
            server = server.head_within(time);
        }
        if let Some(time) = self.stalled_after {
            server = server.stalled_after(time);
        }
        match self.max_connections {
            Some(max) => server.max_connections(max),
            None => server,
        }
    }
}

/// Serves `handler`.
pub(crate) async fn served<F, Fut, B>(shutdown: Shutdown, settings: Settings, handler: F) -> Served
where
    F: Fn(Request<Incoming>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data: From<String> + Send, Error: std::error::Error + Send + Sync> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = service_fn(move |request| {
        let answer = handler(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let server = settings.of(Server::new(service, &shutdown));
    shutdown.spawn_critical("http", |_| server.serve(listener)).unwrap();
    let running = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { shutdown.run().await }
    });
    Served { address, shutdown, running }
}

impl Served {
    pub(crate) async fn connect(&self) -> Raw {
        Raw(TcpStream::connect(self.address).await.unwrap())
    }

    /// Begins the shutdown and waits until intake has stopped.
    pub(crate) async fn stop_intake(&self) {
        self.shutdown.trigger("a test");
        in_time(self.shutdown.intake_token().cancelled()).await;
    }

    /// The report at the end.
    pub(crate) async fn report(self) -> Report {
        in_time(self.running).await.unwrap()
    }
}

/// What a test waits for comes, or the test has failed.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("in time")
}

/// A client that sends whatever a test wants.
pub(crate) struct Raw(pub(crate) TcpStream);

impl Raw {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// What the server sends until it has sent `part`.
    pub(crate) async fn until(&mut self, part: &str) -> String {
        let mut text = String::new();
        while !text.contains(part) {
            let mut buffer = [0; 1024];
            let count = in_time(self.0.read(&mut buffer)).await.unwrap();
            assert_ne!(count, 0, "the connection ended after {text:?}, before {part:?}");
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        text
    }

    /// All that the server sends until it closes or resets the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        // A reset after the last byte is an end, too.
        drop(in_time(self.0.read_to_end(&mut bytes)).await);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
