//! Whole pipelines, put together by the facade.
#![expect(
    clippy::redundant_closure,
    reason = "operations are passed as callers write them, as closures; so in every case"
)]

use seawall::{Breaker, Pipeline, Retry};

use crate::operation::{ready, yielding};
use crate::{Case, in_runtime, poll, polled, polled_in_runtime};

// Macros, as the type of a pipeline is long to write.

/// Retry around a breaker.
macro_rules! retry_and_breaker {
    () => {
        Pipeline::builder("benches")
            .retry(Retry::builder().idempotent())
            .breaker(Breaker::builder().count_window(100))
            .build()
            .expect("a valid pipeline")
    };
}

/// Timeout, retry, breaker, attempt timeout, panic guard.
macro_rules! all_layers {
    () => {
        Pipeline::builder("benches")
            .timeout(std::time::Duration::from_secs(10))
            .retry(Retry::builder().idempotent())
            .breaker(Breaker::builder().count_window(100))
            .attempt_timeout(std::time::Duration::from_secs(1))
            .guard_panics()
            .build()
            .expect("a valid pipeline")
    };
}

pub(crate) use all_layers;

/// The pipelines' cases.
///
/// # Panics
///
/// When a case can't be prepared.
pub fn cases() -> Vec<Case> {
    vec![
        Case::ours("pipeline/retry+breaker/ready", || {
            let pipeline = retry_and_breaker!();
            polled(move |cx| poll(pipeline.call(|| ready()), cx), 1, Result::is_ok)
        }),
        Case::ours("pipeline/retry+breaker/yields", || {
            let pipeline = retry_and_breaker!();
            in_runtime(async move || pipeline.call(|| yielding()).await, 1, Result::is_ok)
        }),
        Case::ours("pipeline/full/ready", || {
            let pipeline = all_layers!();
            polled_in_runtime(move |cx| poll(pipeline.call(|| ready()), cx), 1, Result::is_ok)
        }),
        Case::variant("pipeline/full/ready", "standard", || {
            let pipeline = Pipeline::standard("benches").idempotent().build().expect("valid");
            polled_in_runtime(move |cx| poll(pipeline.call(|| ready()), cx), 1, Result::is_ok)
        }),
        Case::variant("pipeline/full/ready", "boxed", || {
            let pipeline = all_layers!().boxed();
            polled_in_runtime(move |cx| poll(pipeline.call(|| ready()), cx), 1, Result::is_ok)
        }),
        Case::ours("pipeline/full/yields", || {
            let pipeline = all_layers!();
            in_runtime(async move || pipeline.call(|| yielding()).await, 1, Result::is_ok)
        }),
    ]
}
