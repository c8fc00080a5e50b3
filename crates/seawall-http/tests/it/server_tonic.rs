//! A tonic service behind the layers, on a server of ours and on tonic's own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use futures_util::StreamExt as _;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use seawall::{Bulkhead, Shutdown};
use seawall_http::server_layer::ServerLayerBuilder;
use seawall_http::{Server, ServerLayer};
use seawall_testkit::Recorder;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, BoxStream};
use tonic::server::{Grpc, NamedService, ServerStreamingService, UnaryService};
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tower::Service;

/// Messages of bytes, as they are.
#[derive(Clone, Copy, Default)]
struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// Answers by the message: echoes it, panics, hangs, or streams and panics.
#[derive(Clone, Copy)]
struct Shop;

impl NamedService for Shop {
    const NAME: &'static str = "test.Shop";
}

impl UnaryService<Bytes> for Shop {
    type Response = Bytes;
    type Future = BoxFuture<tonic::Response<Bytes>, Status>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        Box::pin(async move {
            match request.get_ref().as_ref() {
                b"panic" => panic!("planned"),
                b"hang" => std::future::pending().await,
                b"mistake" => Err(Status::invalid_argument("no such item")),
                _ => Ok(tonic::Response::new(request.into_inner())),
            }
        })
    }
}

impl ServerStreamingService<Bytes> for Shop {
    type Response = Bytes;
    type ResponseStream = BoxStream<Bytes>;
    type Future = BoxFuture<tonic::Response<Self::ResponseStream>, Status>;

    fn call(&mut self, _: tonic::Request<Bytes>) -> Self::Future {
        let items = futures_util::stream::iter(0..2).map(|number| {
            assert!(number == 0, "planned: in the stream");
            Ok(Bytes::from_static(b"first"))
        });
        Box::pin(async { Ok(tonic::Response::new(Box::pin(items) as Self::ResponseStream)) })
    }
}

impl<B> Service<Request<B>> for Shop
where
    B: http_body::Body<Data = Bytes, Error: Into<tonic::codegen::StdError> + Send> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let streams = request.uri().path().ends_with("/Watch");
        Box::pin(async move {
            let mut grpc = Grpc::new(Plain);
            let answer = if streams {
                grpc.server_streaming(Self, request).await
            } else {
                grpc.unary(Self, request).await
            };
            Ok(answer)
        })
    }
}

#[derive(Clone, Copy, Debug)]
enum Behind {
    Ours,
    Tonics,
}

async fn serving<A, P>(behind: Behind, builder: ServerLayerBuilder<A, P>) -> SocketAddr
where
    A: seawall_http::hold::Acquire<Permit: Send, Wait: Send> + Clone + Send + Sync + 'static,
    P: seawall_http::ReadPriority<Request<hyper::body::Incoming>>
        + seawall_http::ReadPriority<Request<Body>>
        + Clone
        + Send
        + Sync
        + 'static,
{
    let layer: ServerLayer<A, P> = builder.build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    match behind {
        Behind::Ours => {
            let service = tower::Layer::layer(&layer, Routes::new(Shop));
            let shutdown = Shutdown::builder().build().unwrap();
            tokio::spawn(Server::new(service, &shutdown).serve(listener));
        }
        Behind::Tonics => {
            let server = tonic::transport::Server::builder().layer(layer).add_service(Shop);
            let incoming = tonic::transport::server::TcpIncoming::from(listener);
            tokio::spawn(server.serve_with_incoming(incoming));
        }
    }
    address
}

async fn call(channel: &Channel, message: &'static str) -> Result<Bytes, Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let request = tonic::Request::new(Bytes::from_static(message.as_bytes()));
    let path = http::uri::PathAndQuery::from_static("/test.Shop/Call");
    grpc.unary(request, path, Plain).await.map(tonic::Response::into_inner)
}

async fn channel(address: SocketAddr) -> Channel {
    let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

#[tokio::test]
async fn each_failure_is_a_status_of_grpc() {
    for behind in [Behind::Ours, Behind::Tonics] {
        let recorder = Recorder::default();
        let limit = Bulkhead::builder().limit(1).build().unwrap();
        let occupied = limit.clone();
        let builder = ServerLayer::builder("shop").limit(limit).listener(recorder.clone());
        let address = serving(behind, builder.at_most(Duration::from_millis(100))).await;
        let channel = channel(address).await;
        assert_eq!(call(&channel, "hello").await.unwrap(), "hello", "{behind:?}");
        for (message, code) in [
            ("mistake", Code::InvalidArgument),
            ("panic", Code::Internal),
            ("hang", Code::DeadlineExceeded),
        ] {
            let status = call(&channel, message).await.unwrap_err();
            assert_eq!(status.code(), code, "{behind:?}: {status:?}");
        }
        let held = occupied.try_acquire().unwrap();
        let status = call(&channel, "hello").await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Unavailable, "full"));
        assert!(status.metadata().contains_key("grpc-retry-pushback-ms"), "{status:?}");
        drop(held);
        assert_eq!(call(&channel, "again").await.unwrap(), "again", "the connection lives");
        let kinds = recorder.kinds();
        assert!(kinds.contains(&"panicked") && kinds.contains(&"timed_out"), "{kinds:?}");
    }
}

#[tokio::test]
async fn a_panic_in_a_stream_is_no_end_of_it() {
    for behind in [Behind::Ours, Behind::Tonics] {
        let address = serving(behind, ServerLayer::builder("shop")).await;
        let mut grpc = tonic::client::Grpc::new(channel(address).await);
        grpc.ready().await.unwrap();
        let path = http::uri::PathAndQuery::from_static("/test.Shop/Watch");
        let request = tonic::Request::new(Bytes::new());
        let answer = grpc.server_streaming(request, path, Plain).await;
        // The head may be lost with the stream.
        let Ok(answer) = answer else { continue };
        let mut stream = answer.into_inner();
        let ended = loop {
            match stream.message().await {
                Ok(Some(message)) => assert_eq!(message, "first"),
                ended => break ended,
            }
        };
        assert!(ended.is_err(), "{behind:?}: it ended as if it were whole");
    }
}

/// The client of tonic ends a call with `grpc-timeout` by itself, so this is one of hyper.
#[tokio::test]
async fn the_deadline_of_a_call_is_read_from_grpc_timeout() {
    for behind in [Behind::Ours, Behind::Tonics] {
        let address = serving(behind, ServerLayer::builder("shop")).await;
        let client: Client<_, Full<Bytes>> =
            Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        let url: Uri = format!("http://{address}/test.Shop/Call").parse().unwrap();
        for (timeout, status) in [("20m", "4"), ("soon", "3")] {
            let request = Request::post(url.clone())
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .header("grpc-timeout", timeout)
                .body(Full::from(Bytes::from_static(b"\0\0\0\0\x04hang")))
                .unwrap();
            let answer = client.request(request).await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["grpc-status"], status, "{behind:?}: {timeout}");
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "");
        }
    }
}
