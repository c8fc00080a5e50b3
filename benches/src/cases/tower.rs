//! A pipeline around a service of tower, and the closure form that its cost is compared with.
#![expect(
    clippy::redundant_closure,
    reason = "operations are passed as callers write them, as closures; so in every case"
)]

use std::future::Future;
use std::task::{Context, Poll};

use seawall::{Pipeline, StandardPipeline};
use seawall_tower::PipelineLayer;
use tower_layer::Layer;
use tower_service::Service;

use crate::operation::{Failure, ready};
use crate::{Case, poll, polled_in_runtime};

/// Answers at once, with the operation of the closure forms.
#[derive(Clone, Copy)]
struct Answers<F>(F);

impl<F, Fut> Service<u64> for Answers<F>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<u64, Failure>>,
{
    type Response = u64;
    type Error = Failure;
    type Future = Fut;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, _: u64) -> Fut {
        (self.0)()
    }
}

fn standard() -> StandardPipeline {
    Pipeline::standard("benches").idempotent().build().expect("valid")
}

/// The cases of tower.
///
/// # Panics
///
/// When a case can't be prepared.
pub fn cases() -> Vec<Case> {
    vec![
        Case::variant("tower/standard/ready", "closure", || {
            let pipeline = standard();
            polled_in_runtime(move |cx| poll(pipeline.call(|| ready()), cx), 1, Result::is_ok)
        }),
        Case::variant("tower/standard/ready", "leaked", || {
            let layer = PipelineLayer::new(standard()).leaked();
            let mut service = layer.layer(Answers(|| ready()));
            polled_in_runtime(move |cx| poll(service.call(1), cx), 1, Result::is_ok)
        }),
        Case::variant("tower/standard/ready", "boxed", || {
            let mut service = PipelineLayer::new(standard()).layer(Answers(|| ready()));
            polled_in_runtime(move |cx| poll(service.call(1), cx), 1, Result::is_ok)
        }),
    ]
}
