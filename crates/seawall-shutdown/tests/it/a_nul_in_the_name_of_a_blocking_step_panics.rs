//! The thread of a blocking step has the step's name, and no thread can have a name with a NUL in it: the shutdown panicked on
//! its way.

use seawall_shutdown::{Phase, Shutdown, Step};

#[tokio::test(start_paused = true)]
async fn a_step_may_have_any_name() {
    let shutdown = Shutdown::builder()
        .step(Phase::FLUSH, Step::blocking("a\0b", || ()))
        .step(Phase::CLOSE, Step::new("c\0d", async || {}))
        .build()
        .unwrap();
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert!(report.is_clean(), "{report}");
    assert!(report.step("a\0b").is_some());
}
