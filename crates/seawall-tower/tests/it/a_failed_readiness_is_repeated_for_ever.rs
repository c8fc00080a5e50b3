//! A service whose `poll_ready` fails is dead, by tower's contract: what that means is for the
//! classifier to say.

use std::io;

use seawall::{Backoff, Class, Pipeline, Retry};
use seawall_tower::PipelineLayer;
use tower::{Layer, Service};

use crate::probe::Probe;

#[tokio::test(start_paused = true)]
async fn the_class_of_the_error_decides() {
    for (class, attempts) in [(Class::Permanent, 1), (Class::Transient, 3)] {
        let retry = Retry::builder().idempotent().max_attempts(3).backoff(Backoff::none());
        let pipeline = Pipeline::builder("probe")
            .retry(retry)
            .classify(move |error: &io::Error| {
                assert_eq!(error.to_string(), "dead");
                class
            })
            .build()
            .unwrap();
        let probe = Probe::default();
        let log = probe.log();
        log.lock().is_dead = true;
        let error = PipelineLayer::new(pipeline).layer(probe).call("a").await.unwrap_err();
        assert_eq!(error.class(), class);
        assert_eq!(error.gave_up().map_or(1, |gave_up| gave_up.attempts), attempts);
        assert_eq!(log.lock().called, 0);
    }
}
