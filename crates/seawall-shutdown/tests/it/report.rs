//! What the report says, in words and serialised.

use std::future::pending;
use std::time::Duration;

use seawall_shutdown::{LeftBehindKind, Phase, Report, Shutdown, Step};

async fn report() -> Report {
    let shutdown = Shutdown::builder()
        .name("api")
        .grace_period(Duration::from_secs(10))
        .phases([Phase::new("work").drains(), Phase::new("flush").reserve(Duration::from_secs(2))])
        .step("work", Step::new("hang", pending::<()>))
        .step("work", Step::new("bad", async || Err("disk full")))
        .step("flush", Step::new("log", async || {}))
        .build()
        .unwrap();
    drop(shutdown.spawn("deaf", |_| pending::<()>()).unwrap());
    shutdown.trigger("an operator asked");
    shutdown.run().await
}

#[tokio::test(start_paused = true)]
async fn display_sums_up_and_lists_phases_steps_and_what_was_left() {
    assert_eq!(
        report().await.to_string(),
        "shutdown of 'api' (an operator asked): not clean in 8.000s
  phase 'work' in 8.000s
    requests: done in 0.000ns
    tasks: timed out in 8.000s
    hang: timed out in 8.000s
    bad: failed: disk full in 0.000ns
  phase 'flush' in 0.000ns
    log: done in 0.000ns
  left behind: task 'deaf'
  left behind: step 'hang'"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_left_is_listed_up_to_a_bound_and_counted_beyond() {
    let shutdown = Shutdown::builder().grace_period(Duration::from_secs(1)).build().unwrap();
    for number in 0..1_000 {
        drop(shutdown.spawn(format!("task {number}"), |_| pending::<()>()).unwrap());
    }
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert_eq!(report.left_behind.len(), Report::MAX_LISTED);
    assert_eq!(report.left_behind_unlisted, 900);
    assert!(report.left_behind.iter().all(|left| left.kind == LeftBehindKind::Task));
    assert!(report.to_string().ends_with("left behind: 900 more"));
}

#[cfg(feature = "serde")]
#[tokio::test(start_paused = true)]
async fn serialised_it_has_times_in_seconds_and_outcomes_by_name() {
    let json = serde_json::to_value(report().await).unwrap();
    assert_eq!(json["name"], "api");
    assert_eq!(json["reason"]["requested"], "an operator asked");
    assert_eq!(json["total"], 8.0);
    assert_eq!(json["forced"], serde_json::Value::Null);
    let steps = &json["phases"][0]["steps"];
    assert_eq!(steps[2]["name"], "hang");
    assert_eq!(steps[2]["outcome"], "timed_out");
    assert_eq!(steps[3]["outcome"]["failed"], "disk full");
    assert_eq!(json["left_behind"][0]["kind"], "task");
    assert_eq!(json["tasks"]["started"], 1);
}
