//! What counting calls and attempts costs, on a pipeline without a policy and on the standard one.
#![expect(
    clippy::redundant_closure,
    reason = "operations are passed as callers write them, as closures; so in every case"
)]

use seawall::{Pipeline, StandardPipeline};
use seawall_telemetry::Metrics;

use crate::operation::ready;
use crate::{Case, poll, polled, polled_in_runtime};

fn standard() -> StandardPipeline {
    Pipeline::standard("benches").idempotent().build().expect("valid")
}

/// The cases of telemetry.
///
/// # Panics
///
/// When a case can't be prepared.
pub fn cases() -> Vec<Case> {
    vec![
        Case::variant("telemetry/nothing/ready", "bare", || {
            let pipeline = Pipeline::builder("benches").build().expect("valid");
            polled(move |cx| poll(pipeline.call(|| ready()), cx), 1, Result::is_ok)
        }),
        Case::variant("telemetry/nothing/ready", "calls", || {
            let calls = Metrics::default().calls("benches");
            let pipeline = Pipeline::builder("benches").layer(calls).build().expect("valid");
            polled(move |cx| poll(pipeline.call(|| ready()), cx), 1, Result::is_ok)
        }),
        Case::variant("telemetry/standard/ready", "bare", || {
            let pipeline = standard();
            polled_in_runtime(move |cx| poll(pipeline.call(|| ready()), cx), 1, Result::is_ok)
        }),
        Case::variant("telemetry/standard/ready", "registered", || {
            let metrics = Metrics::default();
            let pipeline = standard();
            metrics.registry().register(&pipeline).expect("room");
            let _ = metrics.read();
            polled_in_runtime(
                move |cx| {
                    let _ = &metrics;
                    poll(pipeline.call(|| ready()), cx)
                },
                1,
                Result::is_ok,
            )
        }),
        Case::variant("telemetry/standard/ready", "measured", || {
            let pipeline = Metrics::default().measure(standard()).expect("room");
            polled_in_runtime(move |cx| poll(pipeline.call(|| ready()), cx), 1, Result::is_ok)
        }),
    ]
}
