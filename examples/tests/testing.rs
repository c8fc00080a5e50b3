//! What `docs/testing.md` shows, run.

use std::time::Duration;

use seawall::{Pipeline, Retry};
use seawall_testkit::{Recorder, Script, Step, Switch, at_every_await};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_refuses_on_command() {
    let switch = Switch::default();
    let pipeline = Pipeline::builder("inventory").layer(switch.clone()).build().unwrap();
    let stock = Script::<u32, &str>::new([Step::ok(7)]);

    switch.open();
    assert!(pipeline.call(|| stock.run()).await.unwrap_err().rejection().is_some());
    switch.time_out(SECOND);
    assert!(pipeline.call(|| stock.run()).await.unwrap_err().timed_out().is_some());
    assert_eq!(stock.started(), 0);
    switch.pass();
    assert_eq!(pipeline.call(|| stock.run()).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn the_standard_pipeline_opened_by_hand() {
    let pipeline = Pipeline::standard("inventory").breaker(|breaker| breaker).build().unwrap();
    let breaker = pipeline.breaker().expect("it was added");
    breaker.force_open();
    let error = pipeline.call(|| async { Ok::<_, &str>(7) }).await.unwrap_err();
    assert!(error.rejection().is_some());
    breaker.release();
    assert_eq!(pipeline.call(|| async { Ok::<_, &str>(7) }).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_without_waiting_for_it() {
    let pipeline = Pipeline::builder("inventory").timeout(SECOND).build().unwrap();
    let hangs = Script::<u32, &str>::new([Step::never()]);
    let error = pipeline.call(|| hangs.run()).await.unwrap_err();
    assert_eq!(error.timed_out().unwrap().limit(), SECOND);
    assert_eq!(hangs.running(), 0, "it was dropped before the error came");
}

#[tokio::test(start_paused = true)]
async fn what_happened_in_order() {
    let recorder = Recorder::default();
    let pipeline = Pipeline::builder("inventory")
        .listener(recorder.clone())
        .retry(Retry::builder().idempotent())
        .build()
        .unwrap();
    let flaky = Script::new([Step::err("down"), Step::after(SECOND, Err("down")), Step::ok(7)]);
    assert_eq!(pipeline.call(|| flaky.run()).await.unwrap(), 7);
    recorder.assert_kinds(&["retrying", "retrying"]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_at_any_await() {
    let pipeline = Pipeline::standard("inventory").idempotent().build().unwrap();
    let stock = Script::<u32, &str>::new([Step::after(SECOND, Ok(7))]);
    let call = || pipeline.call(|| stock.run());
    at_every_await(call, |_| assert_eq!(stock.running(), 0)).await;
}

#[test]
fn the_page_shows_what_is_run_here() {
    let page = include_str!("../../docs/testing.md");
    let run: Vec<&str> = include_str!("testing.rs").lines().map(str::trim).collect();
    let blocks = page.split("```rust\n").skip(1).filter_map(|block| block.split("```").next());
    let shown = blocks.flat_map(str::lines).map(str::trim);
    let missing: Vec<&str> = shown.filter(|line| !run.contains(line)).collect();
    assert!(missing.is_empty(), "not run in this file:\n{}", missing.join("\n"));
}
