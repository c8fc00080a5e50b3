//! Another document for pipelines that run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use seawall::{AllTransient, CircuitState, Reason};
use seawall_config::{Config, Pipelines};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

type Failure = std::io::Error;

fn config(text: &str) -> Config {
    Config::from_toml(text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn built(text: &str) -> Pipelines {
    Pipelines::builder(&config(text)).build().unwrap()
}

fn down() -> Result<u32, Failure> {
    Err(Failure::other("down"))
}

const WITH_BREAKER: &str = r#"
[breakers.warehouse]
consecutive_failures = 2
open_wait = "10s"
[pipelines.inventory]
base = "standard"
breaker = "warehouse"
[pipelines.orders]
base = "standard"
breaker = "warehouse"
"#;

#[tokio::test(start_paused = true)]
async fn an_open_circuit_stays_open_with_the_time_it_has_left() {
    let pipelines = built(WITH_BREAKER);
    let inventory = pipelines.standard("inventory", AllTransient).unwrap();
    let orders = pipelines.standard("orders", AllTransient).unwrap();
    for _ in 0..2 {
        inventory.call(|| async { down() }).await.unwrap_err();
    }
    tokio::time::advance(4 * SECOND).await;
    let before = inventory.breaker().unwrap().snapshot();
    assert_eq!(before.state, CircuitState::Open);
    let next = WITH_BREAKER.replace("consecutive_failures = 2", "consecutive_failures = 5");
    let changes = pipelines.apply(&config(&next)).unwrap();
    let expected = "breakers.warehouse.consecutive_failures: 2 → 5 (kept: state, time left, window and \
                    totals)";
    assert_eq!(changes.to_string(), expected);
    // Two pipelines share it: changed once, for both.
    let after = orders.breaker().unwrap().snapshot();
    assert_eq!((after.state, after.generation), (before.state, before.generation));
    let refused = orders.call(|| async { Ok::<_, Failure>(1) }).await.unwrap_err();
    let left = refused.rejection().unwrap().retry_after().unwrap();
    assert!(left <= 6 * SECOND && left > 5 * SECOND, "{left:?}");
    assert!(pipelines.describe("orders").unwrap().to_string().contains("5 failures"));
    tokio::time::advance(7 * SECOND).await;
    assert_eq!(orders.call(|| async { Ok::<_, Failure>(1) }).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_was_given_out_has_the_new_settings() {
    let pipelines = built("[pipelines.inventory]\nbase = \"standard\"\ntimeout = \"2s\"");
    let inventory = pipelines.standard("inventory", AllTransient).unwrap();
    let call = || async {
        let started = Instant::now();
        let call = inventory.call(std::future::pending::<Result<u32, Failure>>);
        call.await.unwrap_err();
        started.elapsed()
    };
    assert_eq!(call().await, 2 * SECOND);
    let next = r#"
        [pipelines.inventory]
        base = "standard"
        timeout = "5s"
        idempotent = true
        breaker = { consecutive_failures = 3 }
        attempt_timeout = "1s"
        congestion_control = { max_attempts = 2 }
    "#;
    let changes = pipelines.apply(&config(next)).unwrap();
    assert_eq!(changes.iter().count(), 5, "{changes}");
    let by_hand = seawall::Pipeline::standard("inventory")
        .timeout(5 * SECOND)
        .idempotent()
        .breaker(|it| it.consecutive_failures(3))
        .attempt_timeout(SECOND)
        .congestion_control(|it| it.max_attempts(2))
        .build()
        .unwrap();
    assert_eq!(inventory.describe().layers().len(), by_hand.describe().layers().len());
    assert_eq!(inventory.describe(), by_hand.describe());
    // And back to what it was.
    pipelines.apply(&config("[pipelines.inventory]\nbase = \"standard\"\n")).unwrap();
    let by_hand = seawall::Pipeline::standard("inventory").build().unwrap();
    assert_eq!(inventory.describe(), by_hand.describe());
    assert!(inventory.breaker().is_none());
    assert_eq!(call().await, 10 * SECOND);
    assert!(pipelines.apply(&pipelines.config()).unwrap().is_empty());
}

#[test]
fn all_of_a_document_is_taken_or_nothing() {
    let text = |limits: [u32; 9]| {
        let layers = limits.map(|limit| format!("{{ bulkhead = {{ limit = {limit} }} }}"));
        format!("[pipelines.export]\nlayers = [{}]", layers.join(", "))
    };
    let pipelines = built(&text([1, 2, 3, 4, 5, 6, 7, 8, 9]));
    let before = pipelines.describe("export").unwrap();
    let bad = Config::from_toml(&text([11, 12, 13, 14, 15, 16, 0, 18, 19])).unwrap_err();
    assert_eq!(bad.iter().count(), 1);
    // What only a policy that runs refuses: the seventh of nine.
    let shared = |k: u32, tally: &str| {
        let breaker = |n| {
            let tally = if n == 7 { tally } else { "" };
            format!("[breakers.b{n}]\nconsecutive_failures = {k}\n{tally}\n")
        };
        let breakers = (1..=9).map(breaker).collect::<Vec<_>>().concat();
        let layers: Vec<_> = (1..=9).map(|n| format!("{{ breaker = \"b{n}\" }}")).collect();
        format!("{breakers}[pipelines.export]\nlayers = [{}]", layers.join(", "))
    };
    let pipelines_of_breakers = built(&shared(3, ""));
    let described = pipelines_of_breakers.describe("export").unwrap();
    let error = pipelines_of_breakers.apply(&config(&shared(4, "tally = true"))).unwrap_err();
    assert_eq!(error.iter().count(), 1, "{error}");
    let told = error.to_string();
    assert!(told.contains("breakers.b7.tally is changed to true"), "{told}");
    assert!(told.contains("needs a restart"), "{told}");
    assert_eq!(pipelines_of_breakers.describe("export").unwrap(), described);
    pipelines_of_breakers.apply(&config(&shared(4, ""))).unwrap();
    assert_ne!(pipelines_of_breakers.describe("export").unwrap(), described);
    assert_eq!(pipelines.describe("export").unwrap(), before);
}

#[tokio::test(start_paused = true)]
async fn calls_under_way_end_in_the_order_in_which_they_began() {
    let pipelines =
        built("[pipelines.export]\nlayers = [{ timeout = \"5s\" }, { bulkhead = { limit = 1 } }]");
    let export = pipelines.boxed::<u32, Failure, _>("export", AllTransient).unwrap();
    let slow = tokio::spawn({
        let export = export.clone();
        async move {
            export
                .call(|| async {
                    tokio::time::sleep(3 * SECOND).await;
                    Ok(1)
                })
                .await
                .unwrap()
        }
    });
    tokio::task::yield_now().await;
    let next = "[pipelines.export]\nlayers = [{ bulkhead = { limit = 1 } }, \"guard_panics\"]";
    let changes = pipelines.apply(&config(next)).unwrap().to_string();
    assert!(changes.contains("timeout, bulkhead → bulkhead, guard_panics"), "{changes}");
    assert_eq!(pipelines.ending("export").unwrap(), 1);
    // The bulkhead is the same: its one place is taken.
    let refused = export.call(|| async { Ok(2) }).await.unwrap_err();
    assert_eq!(refused.rejection().unwrap().reason(), Reason::Full);
    assert_eq!(slow.await.unwrap(), 1);
    assert_eq!(pipelines.ending("export").unwrap(), 0);
    assert_eq!(export.call(|| async { Ok(2) }).await.unwrap(), 2);
    assert!(export.call(|| async { panic!("no") }).await.is_err());
}

#[test]
fn another_form_needs_a_restart() {
    let pipelines = built("[pipelines.a]\nbase = \"standard\"");
    let error = pipelines.apply(&config("[pipelines.a]\nlayers = [\"guard_panics\"]")).unwrap_err();
    assert!(error.to_string().contains("needs a restart"), "{error}");
    let error = pipelines
        .apply(&config("[pipelines.a]\nbase = \"standard\"\nwithout_panic_guard = true"))
        .unwrap_err();
    assert!(error.to_string().contains("without_panic_guard is changed to true"), "{error}");
    let shared = "[breakers.b]\n[pipelines.a]\nbase = \"standard\"\nbreaker = \"b\"";
    let error = pipelines.apply(&config(shared)).unwrap_err();
    assert!(error.to_string().contains("needs a restart"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_is_no_longer_there_goes_on_and_a_new_one_comes() {
    let pipelines = built(WITH_BREAKER);
    let orders = pipelines.standard("orders", AllTransient).unwrap();
    let next = WITH_BREAKER.replace("pipelines.orders", "pipelines.returns");
    let changes = pipelines.apply(&config(&next)).unwrap().to_string();
    assert!(changes.contains("pipelines.orders"), "{changes}");
    assert!(changes.contains("those that have it go on"), "{changes}");
    assert!(pipelines.standard("orders", AllTransient).is_err());
    let returns = pipelines.standard("returns", AllTransient).unwrap();
    for _ in 0..2 {
        orders.call(|| async { down() }).await.unwrap_err();
    }
    // They share the breaker that was there before.
    assert_eq!(returns.breaker().unwrap().state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn budgets_keep_tokens_and_limits_their_permits() {
    let text = |reserve: u32, permits: u32, max: u32| {
        format!(
            r#"
            [budgets.all]
            reserve = {reserve}
            refill_per_second = 0
            deposit = 0
            [pipelines.a]
            layers = [
                {{ rate_limit = {{ rate = {{ permits = {permits}, period = "100s" }} }} }},
                {{ retry = {{ budget = "all", idempotent = true, backoff = "1ms" }} }},
                {{ adaptive_limit = {{ max = {max} }} }},
            ]
            "#
        )
    };
    let pipelines = built(&text(6, 10, 50));
    let a = pipelines.boxed::<u32, Failure, _>("a", AllTransient).unwrap();
    for _ in 0..2 {
        a.call(|| async { down() }).await.unwrap_err();
    }
    let changes = pipelines.apply(&config(&text(20, 3, 5))).unwrap().to_string();
    assert!(changes.contains("reserve: 6 → 20 (kept: tokens, as far as they fit)"), "{changes}");
    // Two of three permits are taken.
    let attempts = AtomicU32::new(0);
    let call = || {
        attempts.fetch_add(1, Ordering::Relaxed);
        async { down() }
    };
    a.call(call).await.unwrap_err();
    // Two tokens of the six were left.
    assert_eq!(attempts.load(Ordering::Relaxed), 3);
    let refused = a.call(|| async { down() }).await.unwrap_err();
    assert_eq!(refused.rejection().unwrap().reason(), Reason::RateLimited);
}

/// Threads that call while a thousand documents come and go.
#[test]
fn no_call_is_lost_or_refused_because_of_a_reload() {
    let text = |n: u32| {
        format!(
            r#"
            [breakers.all]
            consecutive_failures = {}
            [pipelines.standard]
            base = "standard"
            timeout = "{}s"
            breaker = "all"
            congestion_control = {{ max_attempts = {} }}
            [pipelines.layers]
            layers = [{}]
            "#,
            5 + n % 7,
            20 + n % 5,
            1 + n % 3,
            if n.is_multiple_of(2) {
                "{ timeout = \"30s\" }, { retry = { max_attempts = 2 } }, { bulkhead = { limit = 100 } }"
            } else {
                "{ bulkhead = { limit = 200 } }, { timeout = \"20s\" }, { retry = { max_attempts = 3 } }"
            },
        )
    };
    let pipelines = built(&text(0));
    let (ends, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let standard = pipelines.standard("standard", AllTransient).unwrap();
            let layers = pipelines.boxed::<u64, Failure, _>("layers", AllTransient).unwrap();
            let (ends, calls) = (Arc::clone(&ends), Arc::clone(&calls));
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
                runtime.unwrap().block_on(async {
                    let mut number = 0;
                    while !ends.load(Ordering::Relaxed) {
                        let of = |n: u64| async move {
                            tokio::task::yield_now().await;
                            Ok::<_, Failure>(n)
                        };
                        let answer = standard.call(|| of(number)).await;
                        assert_eq!(answer.unwrap(), number, "thread {thread}");
                        assert_eq!(layers.call(|| of(number)).await.unwrap(), number);
                        number += 1;
                    }
                    calls.fetch_add(number, Ordering::Relaxed);
                });
            })
        })
        .collect();
    for n in 1..=1_000 {
        let changes = pipelines.apply(&config(&text(n))).unwrap();
        assert!(!changes.is_empty());
    }
    ends.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(calls.load(Ordering::Relaxed) > 0);
    assert_eq!(pipelines.ending("layers").unwrap(), 0);
    let standard = pipelines.standard("standard", AllTransient).unwrap();
    assert_eq!(standard.congestion_control().unwrap().snapshot().in_flight, 0);
}
