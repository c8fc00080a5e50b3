//! How many series there can be.

use std::sync::Arc;

use seawall::{Breaker, Bulkhead, Pipeline};
use seawall_telemetry::instrument::{
    BREAKER_OPENINGS, BREAKER_STATE, CALLS, LIMIT, OVERFLOW, REFUSALS,
};
use seawall_telemetry::{Instrument, Metrics, Value};

fn count(metrics: &Metrics, instrument: &'static Instrument, labels: &[&str]) -> Option<u64> {
    match metrics.read().get(instrument, labels) {
        Some(Value::Count(total)) => Some(*total),
        _ => None,
    }
}

#[tokio::test]
async fn ten_thousand_pipelines_are_256_and_other() {
    let metrics = Metrics::default();
    for number in 0..10_000 {
        let name = format!("pipeline-{number}");
        let pipeline = Pipeline::builder(name.as_str()).layer(metrics.calls(name.as_str()));
        pipeline.build().unwrap().call(async || Ok::<_, ()>(())).await.unwrap();
    }
    let reading = metrics.read();
    let names = reading.series().filter(|it| it.instrument == &CALLS);
    let names: std::collections::BTreeSet<_> =
        names.map(|it| it.labels().next().unwrap().1.to_owned()).collect();
    assert_eq!(names.len(), Metrics::MAX_NAMES + 1);
    assert_eq!(count(&metrics, &CALLS, &["other", "success"]), Some(10_000 - 256));
    assert_eq!(count(&metrics, &CALLS, &["pipeline-255", "success"]), Some(1));
    assert_eq!(count(&metrics, &OVERFLOW, &["calls"]), Some(10_000 - 256));
}

fn forced_open(number: u32) -> Breaker {
    let breaker = Breaker::builder().name(format!("breaker-{number}")).build().unwrap();
    breaker.force_open();
    let _ = breaker.try_acquire();
    breaker
}

#[test]
fn what_was_summed_stays_when_its_policy_is_gone() {
    let metrics = Metrics::default();
    let pipelines: Vec<_> = (0..300)
        .map(|number| {
            let name = format!("pipeline-{number}");
            Pipeline::builder(name.as_str()).breaker(forced_open(number)).build().unwrap()
        })
        .collect();
    for pipeline in &pipelines {
        metrics.registry().register(pipeline).unwrap();
    }
    let refused =
        |metrics: &Metrics, name| count(metrics, &REFUSALS, &[name, "breaker", "forced_open"]);
    assert_eq!(refused(&metrics, "other"), Some(44));
    assert_eq!(refused(&metrics, "breaker-255"), Some(1));
    assert_eq!(refused(&metrics, "breaker-256"), None);
    let in_state = metrics.read().get(&BREAKER_STATE, &["other", "forced_open"]).cloned();
    assert_eq!(in_state, Some(Value::Gauge(44.0)), "how many of them are in it");

    // A place that becomes free goes to the next that comes, never to one that is summed.
    metrics.remove(&pipelines[0]);
    metrics.remove(&pipelines[299]);
    assert_eq!((refused(&metrics, "breaker-0"), refused(&metrics, "other")), (None, Some(44)));
    let late = Pipeline::builder("late").breaker(forced_open(1_000)).build().unwrap();
    metrics.registry().register(&late).unwrap();
    assert_eq!(
        (refused(&metrics, "breaker-1000"), refused(&metrics, "other")),
        (Some(1), Some(44))
    );
    assert_eq!(count(&metrics, &OVERFLOW, &["breaker"]), Some(44));
}

#[test]
fn a_breaker_in_three_pipelines_is_one_series() {
    let metrics = Metrics::default();
    let breaker = Breaker::builder().name("db").build().unwrap();
    let listeners = breaker.listeners().len();
    for name in ["reads", "writes", "reports"] {
        let pipeline = Pipeline::builder(name).breaker(breaker.clone()).build().unwrap();
        for _ in 0..2 {
            metrics.registry().register(&pipeline).unwrap();
        }
    }
    let reading = metrics.read();
    assert_eq!(reading.series().filter(|it| it.instrument == &BREAKER_OPENINGS).count(), 1);
    assert_eq!(breaker.listeners().len(), listeners);
}

#[test]
fn a_removed_pipeline_is_gone_at_the_next_scrape() {
    let metrics = Metrics::default();
    let stock = metrics.measure(Pipeline::standard("stock").build().unwrap()).unwrap();
    let orders = metrics.measure(Pipeline::standard("orders").build().unwrap()).unwrap();
    metrics.remove(&stock);
    let reading = metrics.read();
    let shows = |name: &str| reading.series().any(|it| it.labels().any(|(_, value)| value == name));
    assert!(!shows("stock") && shows("orders"));
    drop(orders);
}

#[test]
fn a_policy_named_other_is_summed_with_the_others() {
    let metrics = Metrics::default();
    let bulkhead = Bulkhead::builder().name("other").limit(7).build().unwrap();
    metrics.registry().register_policy(Arc::new(bulkhead)).unwrap();
    let limit = metrics.read().get(&LIMIT, &["other", "bulkhead"]).cloned();
    assert_eq!(limit, Some(Value::Gauge(7.0)));
}
