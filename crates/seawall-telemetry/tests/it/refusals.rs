//! Refusals by reason, and those that a listener hears.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use seawall::{Breaker, Bulkhead, Event, EventKind, Listeners, RateLimit};
use seawall_telemetry::instrument::{REFUSALS, WOULD_REFUSE};
use seawall_telemetry::{Metrics, Value};

#[derive(Clone, Default)]
struct Heard(Arc<[AtomicU64; 2]>);

impl Heard {
    fn listener(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let heard = self.clone();
        move |event: &Event| match event.kind {
            EventKind::Rejected(_) => drop(heard.0[0].fetch_add(1, Ordering::Relaxed)),
            EventKind::WouldReject(_) => drop(heard.0[1].fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
    }
}

fn sum(metrics: &Metrics, instrument: &'static seawall_telemetry::Instrument) -> u64 {
    let reading = metrics.read();
    let totals =
        reading.series().filter(|it| it.instrument == instrument).map(|it| match it.value {
            Value::Count(total) => *total,
            other => panic!("{other:?}"),
        });
    totals.sum()
}

#[test]
fn a_million_refusals_of_eight_threads_are_those_that_a_listener_heard() {
    let heard = Heard::default();
    let listeners = Listeners::default();
    listeners.add(heard.listener());
    let breaker = Breaker::builder().name("db").listeners(&listeners).build().unwrap();
    let bulkhead = Bulkhead::builder().name("db").limit(1).listeners(&listeners).build().unwrap();
    let rate = RateLimit::builder().name("db").per_second(1).listeners(&listeners).build().unwrap();
    let metrics = Metrics::default();
    metrics.registry().register_policy(Arc::new(breaker.clone())).unwrap();
    metrics.registry().register_policy(Arc::new(bulkhead.clone())).unwrap();
    metrics.registry().register_policy(Arc::new(rate.clone())).unwrap();
    let _place = bulkhead.try_acquire().unwrap();
    breaker.force_open();
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| {
                for turn in 0..125_000 {
                    match turn % 4 {
                        0 | 1 => drop(breaker.try_acquire()),
                        2 => drop(bulkhead.try_acquire()),
                        _ => drop(rate.try_acquire()),
                    }
                }
            });
        }
    });
    let total = heard.0[0].load(Ordering::Relaxed);
    assert!(total > 990_000, "{total}");
    assert_eq!(sum(&metrics, &REFUSALS), total);
    assert_eq!(sum(&metrics, &WOULD_REFUSE), 0);
}

#[tokio::test(start_paused = true)]
async fn in_shadow_a_refusal_is_one_that_would_have_been() {
    let heard = Heard::default();
    let listeners = Listeners::default();
    listeners.add(heard.listener());
    let breaker = Breaker::builder().name("db").consecutive_failures(1).listeners(&listeners);
    let breaker = breaker.build().unwrap();
    let metrics = Metrics::default();
    metrics.registry().register_policy(Arc::new(breaker.clone())).unwrap();
    breaker.shadow();
    for _ in 0..10 {
        let _ = breaker.call(async { Err::<(), _>("down") }).await;
    }
    let would = heard.0[1].load(Ordering::Relaxed);
    assert!(would > 0);
    assert_eq!((sum(&metrics, &REFUSALS), sum(&metrics, &WOULD_REFUSE)), (0, would));
}
