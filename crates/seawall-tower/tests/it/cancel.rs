//! A call that is dropped at each of its awaits gives back what it held.

use std::time::Duration;

use seawall::{Backoff, Breaker, Bulkhead, Pipeline, Retry};
use seawall_testkit::{Script, Step, at_every_await};
use seawall_tower::{PipelineLayer, Shared};
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceExt, service_fn};

const MS: Duration = Duration::from_millis(1);

fn script() -> Script<u32, &'static str> {
    Script::new([
        Step::after(5 * MS, Err("first")),
        Step::after(200 * MS, Ok(1)),
        Step::after(5 * MS, Err("third")),
        Step::after(5 * MS, Ok(7)),
    ])
}

macro_rules! awaits {
    ($form:ident) => {{
        let breaker = Breaker::builder().tally().build().unwrap();
        let bulkhead = Bulkhead::builder().limit(4).build().unwrap();
        let retry = Retry::builder().idempotent().max_attempts(5).without_budget();
        let pipeline = Pipeline::builder("probe")
            .timeout(Duration::from_secs(5))
            .retry(retry.backoff(Backoff::constant(10 * MS)))
            .breaker(breaker.clone())
            .attempt_timeout(50 * MS)
            .layer(bulkhead.clone())
            .guard_panics()
            .build()
            .unwrap();
        let layer = PipelineLayer::new(pipeline).$form();
        let mut last = None;
        let awaits = at_every_await(
            || {
                let script = script();
                let running = script.clone();
                let inner = service_fn(move |_: &'static str| script.run());
                let limited = ConcurrencyLimit::new(inner, 1);
                let mut service = layer.layer(Shared::new(limited.clone()));
                last = Some((running, limited));
                async move { service.call("a").await.map_err(|error| error.to_string()) }
            },
            |outcome| {
                assert!(outcome.is_none_or(|outcome| outcome == Ok(7)));
                assert_eq!(breaker.snapshot().in_flight, Some(0));
                assert_eq!(bulkhead.snapshot().in_flight, 0);
            },
        )
        .await;
        let (script, mut limited) = last.unwrap();
        assert_eq!(script.running(), 0);
        limited.ready().await.unwrap();
        awaits
    }};
}

trait Boxed: Sized {
    fn boxed(self) -> Self {
        self
    }
}

impl<P, C, O, R> Boxed for PipelineLayer<P, C, O, R> {}

#[tokio::test(start_paused = true)]
async fn both_forms_give_everything_back_and_have_the_same_awaits() {
    assert_eq!(awaits!(boxed), awaits!(leaked));
}
