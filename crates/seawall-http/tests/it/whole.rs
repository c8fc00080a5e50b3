//! A server with all of its layers, and what is behind them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, combinators::BoxBody};
use hyper::body::Incoming;
use seawall::{Bulkhead, Shutdown};
use seawall_http::server::Peer;
use seawall_http::{Problem, ServerLayer};
use seawall_testkit::Alive;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{Layer, Service, service_fn};

use crate::served::{Raw, Served, Settings, in_time, served};

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// A body without an end, which is read as fast as the client reads.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 16_384])))))
    }
}

fn full(text: &'static str) -> BoxBody<Bytes, Infallible> {
    Full::from(text).boxed()
}

/// What is behind the layers, by the path.
async fn handle(request: Request<Incoming>, alive: Alive) -> Answer {
    let _here = alive.token();
    match request.uri().path() {
        "/wait" => std::future::pending().await,
        "/endless" => Response::new(Endless.boxed()),
        "/upload" => match request.into_body().collect().await {
            Ok(body) => Response::new(Full::from(body.to_bytes().len().to_string()).boxed()),
            Err(_) => Response::builder().status(400).body(full("bad body")).unwrap(),
        },
        "/echo" => {
            let answer = Response::builder().header("trailer", "x-sum");
            // A body that breaks ends the answer, which has to be seen as broken.
            answer
                .body(request.into_body().map_err(|_| panic!("planned: it broke")).boxed())
                .unwrap()
        }
        "/panic" => panic!("planned"),
        "/full" => {
            let refusal = seawall::Rejection::new(
                "full".into(),
                seawall::PolicyKind::Bulkhead,
                seawall::Reason::Full,
            );
            let answer = Problem::of(&seawall::Error::<Infallible>::from(refusal));
            answer
                .to_response::<String>(&seawall::Random::default())
                .map(|text| Full::from(text).boxed())
        }
        "/early" => Response::builder().status(413).body(full("too large")).unwrap(),
        "/204" => Response::builder().status(204).body(full("no body goes out")).unwrap(),
        "/304" => Response::builder().status(304).body(full("no body goes out")).unwrap(),
        "/peer" => {
            let peer: &Peer = request.extensions().get().unwrap();
            Response::new(Full::from(peer.0.to_string()).boxed())
        }
        "/upgrade" => {
            tokio::spawn(async move {
                let upgraded = hyper::upgrade::on(request).await.unwrap();
                let mut io = hyper_util::rt::TokioIo::new(upgraded);
                let mut bytes = [0; 4];
                while io.read_exact(&mut bytes).await.is_ok() {
                    io.write_all(&bytes).await.unwrap();
                }
            });
            let answer = Response::builder().status(101).header("connection", "upgrade");
            answer.header("upgrade", "echo").body(Empty::new().boxed()).unwrap()
        }
        _ => Response::new(full("hello")),
    }
}

/// A server with all of its layers, and what shows that nothing is left behind.
pub(crate) struct Whole {
    pub(crate) server: Served,
    pub(crate) limit: Bulkhead,
    pub(crate) alive: Alive,
}

pub(crate) async fn whole(settings: Settings) -> Whole {
    let limit = Bulkhead::builder().limit(64).build().unwrap();
    let layer = ServerLayer::builder("shop").limit(limit.clone()).build().unwrap();
    let alive = Alive::default();
    let seen = alive.clone();
    let shutdown = Shutdown::builder().build().unwrap();
    let server = served(shutdown, settings, move |request| {
        let seen = seen.clone();
        let mut service = layer.layer(service_fn(move |request| {
            let answer = handle(request, seen.clone());
            async { Ok::<_, Infallible>(answer.await) }
        }));
        async move { service.call(request).await.unwrap() }
    });
    Whole { server: server.await, limit, alive }
}

impl Whole {
    pub(crate) const fn address(&self) -> SocketAddr {
        self.server.address
    }

    pub(crate) async fn connect(&self) -> Raw {
        self.server.connect().await
    }

    /// Nothing is left of those that came, and a new client is served.
    pub(crate) async fn is_well(&self) {
        in_time(async {
            while self.limit.snapshot().in_flight > 0
                || self.server.shutdown.in_flight().count() > 0
                || self.alive.now() > 0
            {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let mut client = self.connect().await;
        client.send("GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").await;
        assert!(client.rest().await.ends_with("hello"));
    }
}

/// A request after which the connection is kept.
pub(crate) const KEPT: &str = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";
