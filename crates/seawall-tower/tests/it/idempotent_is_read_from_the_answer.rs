//! dotnet/extensions#6548, #6708: whether a call may be repeated was read from the answer, so that a
//! call without one, cut off by a timeout, was repeated whatever it was.

use std::time::Duration;

use seawall::{Attempt, Backoff, Pipeline, Retry};
use seawall_tower::PipelineLayer;
use tower::{Layer, Service};

use crate::probe::Probe;

#[tokio::test(start_paused = true)]
async fn it_is_read_from_the_request_and_a_timeout_changes_nothing() {
    for (method, attempts) in [("GET", 3), ("POST", 1)] {
        let pipeline = Pipeline::builder("probe")
            .retry(Retry::builder().max_attempts(3).backoff(Backoff::none()))
            .attempt_timeout(Duration::from_secs(1))
            .build()
            .unwrap();
        let layer = PipelineLayer::new(pipeline)
            .options(|request: &&str| Attempt::first().idempotent(*request == "GET"));
        let probe = Probe::default();
        probe.log().lock().is_stuck = true;
        let began = tokio::time::Instant::now();
        let error = layer.layer(probe).call(method).await.unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(began.elapsed(), attempts * Duration::from_secs(1), "{method}");
    }
}
