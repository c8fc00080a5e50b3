//! `!` was no output of a step: `Step::blocking("spin", || loop {})` did not compile.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use seawall_shutdown::{Outcome, Phase, Shutdown, Step};

fn stuck() -> ! {
    loop {
        std::thread::park();
    }
}

async fn stuck_async() -> ! {
    loop {
        pending::<()>().await;
    }
}

#[tokio::test]
async fn steps_that_never_return_are_left_behind() {
    let shutdown = Shutdown::builder()
        .grace_period(Duration::from_millis(50))
        .step(Phase::DRAIN, Step::blocking("stuck", stuck))
        .step(Phase::DRAIN, Step::new("stuck, async", stuck_async))
        .step(Phase::DRAIN, Step::new("infallible", async || Ok::<(), Infallible>(())))
        .build()
        .unwrap();
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert_eq!(report.step("stuck").unwrap().outcome, Outcome::TimedOut);
    assert_eq!(report.step("stuck, async").unwrap().outcome, Outcome::TimedOut);
}
