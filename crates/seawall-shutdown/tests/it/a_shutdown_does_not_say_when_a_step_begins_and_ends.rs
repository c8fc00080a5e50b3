//! Listeners heard of phases only: which step a shutdown was busy with, and for how long, was known when it was over.

use std::future::pending;
use std::time::Duration;

use seawall_core::{EventKind, Listeners};
use seawall_shutdown::{Phase, Shutdown, Step};
use seawall_testkit::Recorder;
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

async fn said(steps: [Step; 3], force_after: Option<Duration>) -> Vec<String> {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let [first, second, third] = steps;
    let shutdown = Shutdown::builder()
        .listeners(&listeners)
        .phases([Phase::new("work").limit(3 * SECOND), Phase::new("flush")])
        .step("work", first)
        .step("work", second)
        .step("flush", third)
        .build()
        .unwrap();
    shutdown.trigger("test");
    tokio::join!(shutdown.run(), async {
        if let Some(after) = force_after {
            sleep(after).await;
            shutdown.force("again");
        }
    });
    recorder.pick(|kind| match kind {
        EventKind::Phase { .. } | EventKind::StepStarted { .. } | EventKind::StepEnded { .. } => {
            Some(kind.to_string())
        }
        _ => None,
    })
}

#[tokio::test(start_paused = true)]
async fn each_step_is_reported_when_it_begins_and_when_it_ends() {
    let steps = [
        Step::new("quick", || sleep(SECOND)),
        Step::new("hangs", pending::<()>),
        Step::new("fails", async || Err("disk full")),
    ];
    assert_eq!(
        said(steps, None).await,
        [
            "phase 'work'",
            "step 'quick' started",
            "step 'hangs' started",
            "step 'quick' ended: done in 1.000s",
            "step 'hangs' ended: timed_out in 3.000s",
            "phase 'flush'",
            "step 'fails' started",
            "step 'fails' ended: failed in 0.000ns",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn so_are_steps_that_are_aborted_or_skipped() {
    let steps = [
        Step::new("hangs", pending::<()>),
        Step::new("behind", async || {}).after("hangs"),
        Step::new("flush", async || {}),
    ];
    assert_eq!(
        said(steps, Some(SECOND)).await,
        [
            "phase 'work'",
            "step 'hangs' started",
            "step 'hangs' ended: aborted in 1.000s",
            "step 'behind' ended: skipped in 0.000ns",
            "step 'flush' ended: skipped in 0.000ns",
        ]
    );
}
