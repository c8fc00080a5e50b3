//! The share of a phase was decided when the shutdown was built: a phase without a step had none. A flush step that
//! was registered afterwards found all of the grace period used up by a task that hung, and was skipped; the same step
//! given to the builder was done.

use std::future::pending;
use std::time::Duration;

use seawall_shutdown::{Outcome, Phase, RegisterError, Shutdown, Step};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

fn new() -> Shutdown {
    Shutdown::builder().grace_period(10 * SECOND).build().unwrap()
}

fn flush() -> Step {
    Step::new("flush", || sleep(SECOND))
}

#[tokio::test(start_paused = true)]
async fn a_step_registered_before_the_trigger_is_done_though_a_task_hangs() {
    let shutdown = new();
    drop(shutdown.spawn("hangs", |_| pending::<()>()).unwrap());
    shutdown.register(Phase::FLUSH, flush()).unwrap();
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert_eq!(report.step("flush").unwrap().outcome, Outcome::Done, "{report}");
    let given = Shutdown::builder().grace_period(10 * SECOND).step(Phase::FLUSH, flush());
    let given = given.build().unwrap();
    drop(given.spawn("hangs", |_| pending::<()>()).unwrap());
    given.trigger("test");
    let given = given.run().await;
    assert_eq!(report.phases, given.phases, "as if it had been given to the builder");
}

#[tokio::test(start_paused = true)]
async fn a_step_registered_during_the_drain_gets_a_share_of_what_is_left() {
    let shutdown = new();
    drop(shutdown.spawn("hangs", |_| pending::<()>()).unwrap());
    let running = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { shutdown.run().await }
    });
    tokio::task::yield_now().await;
    shutdown.trigger("test");
    sleep(4 * SECOND).await;
    shutdown.register(Phase::FLUSH, flush()).unwrap();
    let report = running.await.unwrap();
    assert_eq!(report.step("flush").unwrap().outcome, Outcome::Done, "{report}");
    // A fifth of six seconds is kept for it.
    assert_eq!(report.step("tasks").unwrap().elapsed, Duration::from_millis(8_800));
}

#[tokio::test(start_paused = true)]
async fn a_reserve_that_build_accepts_is_accepted_by_register() {
    let greedy = || flush().reserve(8 * SECOND);
    let built = Shutdown::builder().grace_period(10 * SECOND).step(Phase::FLUSH, greedy());
    assert!(built.build().is_ok());
    let shutdown = new();
    drop(shutdown.spawn("hangs", |_| pending::<()>()).unwrap());
    shutdown.register(Phase::FLUSH, greedy()).unwrap();
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert_eq!(report.step("flush").unwrap().outcome, Outcome::Done, "{report}");
    assert_eq!(report.step("tasks").unwrap().elapsed, 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_reserve_that_is_refused_changes_no_other() {
    let shutdown = new();
    drop(shutdown.spawn("hangs", |_| pending::<()>()).unwrap());
    shutdown.register(Phase::FLUSH, flush()).unwrap();
    let refused =
        shutdown.register(Phase::CLOSE, Step::new("close", || sleep(SECOND)).reserve(11 * SECOND));
    assert!(matches!(refused, Err(RegisterError::ReserveTooLong { .. })));
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert!(report.step("close").is_none());
    assert_eq!(report.step("tasks").unwrap().elapsed, 8 * SECOND);
}
