//! A server and a client of tonic, with a codec of plain bytes in place of generated code.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes};
use futures_util::stream::{self, BoxStream, StreamExt};
use http::uri::PathAndQuery;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};
use tower::Service;

pub(crate) const READ: &str = "/shop.Inventory/Find";
pub(crate) const WRITE: &str = "/shop.Inventory/Order";

#[derive(Clone, Copy, Debug, Default)]
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

    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(item);
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

/// Messages, and then perhaps a status.
pub(crate) type Messages = BoxStream<'static, Result<Bytes, Status>>;

/// What a call is answered: a status at once, or messages.
pub(crate) type Answer = Result<Messages, Status>;

pub(crate) fn messages(items: Vec<Result<Bytes, Status>>) -> Messages {
    stream::iter(items).boxed()
}

pub(crate) fn hello() -> Messages {
    messages(vec![Ok(Bytes::from_static(b"hello"))])
}

type Handler = dyn Fn(usize) -> Answer + Send + Sync;

/// The server, and what it has seen of each call.
#[derive(Clone)]
pub(crate) struct Shop {
    handler: Arc<Handler>,
    seen: Arc<Mutex<Vec<(MetadataMap, Bytes)>>>,
}

impl Shop {
    /// How many calls came.
    pub(crate) fn calls(&self) -> usize {
        self.seen.lock().len()
    }

    /// This field of each call.
    pub(crate) fn field(&self, name: &str) -> Vec<String> {
        let text = |(map, _): &(MetadataMap, Bytes)| Some(map.get(name)?.to_str().ok()?.to_owned());
        self.seen.lock().iter().filter_map(text).collect()
    }

    /// The message of each call.
    pub(crate) fn messages(&self) -> Vec<Bytes> {
        self.seen.lock().iter().map(|(_, message)| message.clone()).collect()
    }
}

impl Service<Request<Bytes>> for Shop {
    type Response = Response<Messages>;
    type Error = Status;
    type Future = std::future::Ready<Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let (metadata, _, message) = request.into_parts();
        let number = {
            let mut seen = self.seen.lock();
            seen.push((metadata, message));
            seen.len() - 1
        };
        std::future::ready((self.handler)(number).map(Response::new))
    }
}

/// Serves calls of any method by the number in which they come.
pub(crate) async fn serving(
    handler: impl Fn(usize) -> Answer + Send + Sync + 'static,
) -> (SocketAddr, Shop) {
    let shop = Shop { handler: Arc::new(handler), seen: Arc::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = Http(shop.clone());
    tokio::spawn(Server::builder().serve_with_incoming(service, TcpIncoming::from(listener)));
    (address, shop)
}

#[derive(Clone)]
struct Http(Shop);

impl Service<http::Request<Body>> for Http {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let shop = self.0.clone();
        Box::pin(async move {
            Ok(tonic::server::Grpc::new(Plain).server_streaming(shop, request).await)
        })
    }
}

pub(crate) fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}

/// Calls a method, and gives the stream of messages.
pub(crate) async fn stream_of<S>(
    channel: S,
    path: &'static str,
    request: Request<Bytes>,
) -> Result<Streaming<Bytes>, Status>
where
    S: GrpcService<Body, ResponseBody: Send + 'static>,
    <S::ResponseBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::ResponseBody: http_body::Body<Data = Bytes>,
{
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(|error| Status::from_error(error.into()))?;
    let path = PathAndQuery::from_static(path);
    Ok(client.server_streaming(request, path, Plain).await?.into_inner())
}

/// Calls a method, and gives its one message.
pub(crate) async fn call<S>(
    channel: S,
    path: &'static str,
    request: Request<Bytes>,
) -> Result<Bytes, Status>
where
    S: GrpcService<Body, ResponseBody: Send + 'static>,
    <S::ResponseBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::ResponseBody: http_body::Body<Data = Bytes>,
{
    let mut stream = stream_of(channel, path, request).await?;
    let message = stream.message().await?;
    // To the trailers.
    while stream.message().await?.is_some() {}
    Ok(message.unwrap_or_default())
}
