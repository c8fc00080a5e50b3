//! A whole process, run from outside its runtime.

use std::time::Duration;

use seawall_shutdown::{Phase, Report, Shutdown, ShutdownReason, Step, StepOutput};

fn supervise<Fut>(main: Fut) -> Report
where
    Fut: Future<Output: StepOutput> + Send + 'static,
{
    let shutdown = Shutdown::builder()
        .grace_period(Duration::from_secs(20))
        .step(Phase::FLUSH, Step::new("flush", async || {}))
        .build()
        .expect("valid");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    shutdown.supervise(runtime, main).expect("a thread")
}

#[test]
fn main_that_ends_finishes_the_process_cleanly() {
    let report = supervise(async {});
    assert_eq!(report.reason, ShutdownReason::Finished);
    assert_eq!(report.exit_code(), 0);
    assert!(report.step("flush").expect("it ran").outcome.is_done());
}

#[test]
fn main_that_fails_says_so_in_the_reason_and_the_exit_code() {
    let report = supervise(async { Err("no database") });
    assert_eq!(report.reason.to_string(), "critical task 'main' failed: no database");
    assert_eq!(report.exit_code(), 1);
}

#[expect(clippy::unused_async, reason = "main is a future")]
async fn panics() {
    panic!("unreachable after all")
}

#[test]
fn main_that_panics_says_so_too() {
    let report = supervise(panics());
    let why = "critical task 'main' failed: panicked: unreachable after all";
    assert_eq!(report.reason.to_string(), why);
}

#[test]
fn a_shutdown_that_is_over_is_reported_again_without_main() {
    let shutdown = Shutdown::builder().build().expect("valid");
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    shutdown.trigger("early");
    let first = shutdown.supervise(runtime().expect("a runtime"), async {});
    // Would say so if it ran.
    let again = shutdown.supervise(runtime().expect("a runtime"), panics());
    assert_eq!(first.expect("a thread"), again.expect("a thread"));
}
