//! A pipeline calls a clone of the service; `Shared` makes any service one that can be cloned.

use seawall::Pipeline;
use seawall_tower::PipelineLayer;
use tower::util::BoxService;
use tower::{Layer, Service};

fn serve(_: impl Service<u32>) {}

fn around(once: BoxService<u32, (), std::io::Error>) {
    let pipeline = Pipeline::builder("inventory").build().unwrap();
    serve(PipelineLayer::new(pipeline).layer(once));
}

fn main() {}
