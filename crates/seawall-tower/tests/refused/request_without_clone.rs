//! A retry needs a copy of the request.

use std::future::{Ready, ready};
use std::io;
use std::task::{Context, Poll};

use seawall::{Pipeline, Retry};
use seawall_tower::PipelineLayer;
use tower::{Layer, Service};

struct Upload;

#[derive(Clone)]
struct Server;

impl Service<Upload> for Server {
    type Response = ();
    type Error = io::Error;
    type Future = Ready<io::Result<()>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Upload) -> Self::Future {
        ready(Ok(()))
    }
}

fn serve(_: impl Service<Upload>) {}

fn main() {
    let retry = Retry::builder().idempotent();
    let pipeline = Pipeline::builder("uploads").retry(retry).build().unwrap();
    serve(PipelineLayer::new(pipeline).layer(Server));
}
