//! What is seen of a circuit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seawall::{Breaker, CircuitState, Pipeline};
use seawall_telemetry::instrument::{
    BREAKER_OPENINGS, BREAKER_STATE, BREAKER_STATE_SECONDS, BREAKER_TRANSITIONS,
    CONGESTION_OPENINGS, CONGESTION_STATE, CONGESTION_STATE_SECONDS, REFUSALS,
};
use seawall_telemetry::{Metrics, Reading, Value};
use tokio::time::{Instant, advance};

const STATES: [&str; 8] = [
    "closed",
    "open",
    "open_due",
    "half_open",
    "ramping",
    "forced_open",
    "forced_closed",
    "shadow",
];
const SECOND: Duration = Duration::from_secs(1);

fn watched() -> (Metrics, Breaker) {
    let metrics = Metrics::default();
    let breaker = Breaker::builder().name("db").consecutive_failures(1).open_wait(SECOND).build();
    let breaker = breaker.unwrap();
    metrics.registry().register_policy(Arc::new(breaker.clone())).unwrap();
    (metrics, breaker)
}

async fn fail(breaker: &Breaker) {
    let _ = breaker.call(async { Err::<(), _>(std::io::Error::other("down")) }).await;
}

fn is_in(reading: &Reading, state: &str) -> bool {
    reading.get(&BREAKER_STATE, &["db", state]) == Some(&Value::Gauge(1.0))
}

fn nanos(reading: &Reading, state: &str) -> u64 {
    match reading.get(&BREAKER_STATE_SECONDS, &["db", state]) {
        Some(Value::Nanos(nanos)) => *nanos,
        other => panic!("{state}: {other:?}"),
    }
}

#[test]
fn every_series_exists_before_the_first_call() {
    let (metrics, _breaker) = watched();
    let reading = metrics.read();
    for state in STATES {
        assert_eq!(is_in(&reading, state), state == "closed", "{state}");
        assert!(reading.get(&BREAKER_STATE_SECONDS, &["db", state]).is_some(), "{state}");
    }
    assert_eq!(reading.get(&BREAKER_OPENINGS, &["db"]), Some(&Value::Count(0)));
    for reason in ["open", "probes_in_flight", "ramping", "forced_open"] {
        assert_eq!(reading.get(&REFUSALS, &["db", "breaker", reason]), Some(&Value::Count(0)));
    }
    for (from, to) in [("closed", "open"), ("open", "half_open"), ("shadow", "closed")] {
        assert_eq!(reading.get(&BREAKER_TRANSITIONS, &["db", from, to]), Some(&Value::Count(0)));
    }
    // A change that can't happen has no series.
    assert_eq!(reading.get(&BREAKER_TRANSITIONS, &["db", "open", "ramping"]), None);
}

#[test]
fn exactly_one_state_is_one_in_every_scrape() {
    let (metrics, breaker) = watched();
    let over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        for thread in 0..4 {
            let (breaker, over) = (&breaker, &over);
            threads.spawn(move || {
                for turn in (thread..).take_while(|_| !over.load(Ordering::Relaxed)) {
                    match turn % 5 {
                        0 => breaker.force_open(),
                        1 => breaker.release(),
                        2 => breaker.shadow(),
                        3 => breaker.force_closed(),
                        _ => breaker.reset(),
                    }
                }
            });
        }
        let mut before = 0;
        for _ in 0..10_000 {
            let reading = metrics.read();
            let (mut current, mut total) = (0.0, 0);
            for series in reading.series() {
                match series.value {
                    Value::Gauge(value) if series.instrument == &BREAKER_STATE => current += value,
                    Value::Nanos(nanos) => total += nanos,
                    _ => {}
                }
            }
            assert!((current - 1.0_f64).abs() < 1e-9, "{current} states are current");
            assert!(total >= before, "the time in all states fell from {before} to {total}");
            before = total;
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[tokio::test(start_paused = true)]
async fn the_time_in_all_states_is_the_uptime() {
    let began = Instant::now();
    let (metrics, breaker) = watched();
    for turn in 0..50_u32 {
        advance(Duration::from_nanos(u64::from(turn) * 12_345_679)).await;
        match turn % 7 {
            0 => breaker.force_open(),
            1 => breaker.release(),
            2 | 4 => fail(&breaker).await,
            3 => breaker.shadow(),
            5 => breaker.reset(),
            _ => breaker.force_closed(),
        }
        let reading = metrics.read();
        let total: u64 = STATES.iter().map(|state| nanos(&reading, state)).sum();
        assert_eq!(Duration::from_nanos(total), began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_nobody_calls_is_due_and_not_open() {
    let (metrics, breaker) = watched();
    fail(&breaker).await;
    advance(SECOND / 2).await;
    assert!(is_in(&metrics.read(), "open"));
    advance(SECOND * 10).await;
    let reading = metrics.read();
    assert!(is_in(&reading, "open_due") && !is_in(&reading, "open"));
    let open = Duration::from_nanos(nanos(&reading, "open"));
    assert!(open <= SECOND * 3 / 2, "the wait, with its jitter: {open:?}");
    // What was due stays counted as due, in the states that follow as well.
    let due = nanos(&reading, "open_due");
    breaker.reset();
    assert_eq!(breaker.state(), CircuitState::Closed);
    assert_eq!(nanos(&metrics.read(), "open_due"), due);
}

/// Scraped every 15 s, a gauge would see such a circuit in one of ten scrapes, or never.
#[tokio::test(start_paused = true)]
async fn a_circuit_that_is_open_a_tenth_of_the_time_shows_a_tenth() {
    let (metrics, breaker) = watched();
    let tenth = SECOND / 10;
    let mut scrapes = Vec::new();
    for second in 0..=120_u32 {
        if second % 15 == 0 {
            let reading = metrics.read();
            scrapes.push(nanos(&reading, "forced_open"));
        }
        advance(tenth * 4).await;
        breaker.force_open();
        advance(tenth).await;
        breaker.release();
        advance(tenth * 5).await;
    }
    // rate(..[1m]) over five scrapes.
    for minute in scrapes.windows(5) {
        let share = Duration::from_nanos(minute[4] - minute[0]).as_secs_f64() / 60.0;
        assert!((share - 0.1).abs() < 0.01, "{share}");
    }
}

#[tokio::test(start_paused = true)]
async fn orders_make_no_counter_fall() {
    let (metrics, breaker) = watched();
    let mut before: Vec<(String, Value)> = Vec::new();
    for turn in 0..40 {
        match turn % 8 {
            0 | 6 => fail(&breaker).await,
            1 => breaker.reset(),
            2 => breaker.force_open(),
            3 => breaker.release(),
            4 => breaker.reconfigure(Breaker::builder().consecutive_failures(2)).unwrap(),
            5 => breaker.shadow(),
            _ => breaker.force_closed(),
        }
        advance(SECOND / 3).await;
        let reading = metrics.read();
        let now: Vec<_> = reading
            .series()
            .filter(|it| !matches!(it.value, Value::Gauge(_)))
            .map(|it| {
                let labels: Vec<_> = it.labels().collect();
                (format!("{}{labels:?}", it.instrument.name), it.value.clone())
            })
            .collect();
        for (name, value) in &before {
            let later = &now.iter().find(|it| &it.0 == name).expect("a series stays").1;
            if let (
                Value::Count(value) | Value::Nanos(value),
                Value::Count(later) | Value::Nanos(later),
            ) = (value, later)
            {
                assert!(later >= value, "{name}");
            }
        }
        before = now;
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_a_congestion_control_is_seen() {
    let metrics = Metrics::default();
    let pipeline = Pipeline::standard("stock").timeout(SECOND).idempotent().build().unwrap();
    let pipeline = metrics.measure(pipeline).unwrap();
    let began = Instant::now();
    let state = |reading: &Reading, state| {
        reading.get(&CONGESTION_STATE, &["stock", state]) == Some(&Value::Gauge(1.0))
    };
    for _ in 0..50 {
        let _ = pipeline.call(async || Err::<(), _>("down")).await;
        advance(SECOND / 10).await;
    }
    let reading = metrics.read();
    assert!(state(&reading, "open") && !state(&reading, "closed"));
    assert_eq!(reading.get(&CONGESTION_OPENINGS, &["stock"]), Some(&Value::Count(1)));
    while !state(&metrics.read(), "closed") {
        let _ = pipeline.call(async || Ok::<_, &str>(())).await;
        advance(SECOND / 10).await;
        assert!(began.elapsed() < SECOND * 100, "it closes");
    }
    advance(SECOND).await;
    let reading = metrics.read();
    let time = |state| match reading.get(&CONGESTION_STATE_SECONDS, &["stock", state]) {
        Some(Value::Nanos(nanos)) => Duration::from_nanos(*nanos),
        other => panic!("{other:?}"),
    };
    assert_eq!(time("open") + time("closed"), began.elapsed());
    assert!(time("open") > SECOND && time("closed") > SECOND);
}
