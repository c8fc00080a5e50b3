//! The report listed the phases that had been entered. When the end was forced, the steps of all later phases, the flush among
//! them, were skipped and in no list.

use std::future::pending;
use std::time::Duration;

use seawall_shutdown::{Outcome, Phase, Shutdown, Step};

#[tokio::test(start_paused = true)]
async fn what_a_forced_end_skips_is_in_the_report() {
    let shutdown = Shutdown::builder()
        .step(Phase::INTAKE, Step::new("listener", pending::<()>))
        .step(Phase::FLUSH, Step::new("flush", async || {}))
        .step(Phase::FLUSH, Step::new("index", async || {}).after("flush"))
        .build()
        .unwrap();
    shutdown.trigger("test");
    let report = tokio::join!(shutdown.run(), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        shutdown.force("again");
    })
    .0;
    for step in ["requests", "tasks", "flush", "index"] {
        assert_eq!(report.step(step).map(|step| &step.outcome), Some(&Outcome::Skipped), "{step}");
    }
    let entered: Vec<_> =
        report.phases.iter().filter(|phase| phase.entered).map(|phase| &*phase.name).collect();
    assert_eq!(entered, ["readiness", "drain delay", "stop intake"]);
    let said = report.to_string();
    assert!(said.contains("\n  phase 'flush' not entered\n    flush: skipped"), "{said}");
    assert!(!said.contains("phase 'close'"), "it had nothing to do: {said}");
}

#[tokio::test(start_paused = true)]
async fn so_is_what_is_skipped_when_it_is_forced_before_it_runs() {
    let shutdown =
        Shutdown::builder().step(Phase::FLUSH, Step::new("flush", async || {})).build().unwrap();
    shutdown.force("at once");
    let report = shutdown.run().await;
    assert_eq!(report.step("flush").map(|step| &step.outcome), Some(&Outcome::Skipped));
    assert_eq!(report.exit_code(), 5);
}
