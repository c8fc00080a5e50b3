//! Readiness and liveness.

use std::time::Duration;

use seawall_shutdown::Shutdown;
use tokio::time::{Instant, advance, sleep};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_is_silent_for_longer_than_its_threshold_is_stalled_until_it_beats() {
    let shutdown = Shutdown::builder().build().unwrap();
    let liveness = shutdown.liveness();
    let heartbeat = shutdown.heartbeat("poller", SECOND);
    let steady = shutdown.heartbeat("steady", 60 * SECOND);
    advance(SECOND).await;
    assert!(liveness.is_alive(), "at the threshold it is not stalled yet");
    advance(Duration::from_millis(1)).await;
    let stalled = liveness.stalled();
    assert_eq!(stalled.len(), 1);
    assert_eq!(stalled[0].to_string(), "'poller' has been silent for 1.001s");
    heartbeat.beat();
    assert!(liveness.is_alive());
    advance(2 * SECOND).await;
    assert!(!liveness.is_alive());
    drop(heartbeat);
    assert!(liveness.is_alive(), "a heartbeat that is gone can't stall");
    drop(steady);
}

#[tokio::test(start_paused = true)]
async fn stalls_can_be_waited_for_before_there_is_a_heartbeat() {
    let shutdown = Shutdown::builder().build().unwrap();
    let liveness = shutdown.liveness();
    let waiting = tokio::spawn(async move { liveness.not_alive().await });
    tokio::task::yield_now().await;
    let heartbeat = shutdown.heartbeat("poller", SECOND);
    let began = Instant::now();
    for _ in 0..10 {
        sleep(SECOND / 2).await;
        heartbeat.beat();
    }
    assert!(!waiting.is_finished());
    let stalled = waiting.await.unwrap();
    assert_eq!(stalled[0].name, "poller");
    assert_eq!(began.elapsed().as_secs(), 6);
    let forever = shutdown.heartbeat("never", Duration::MAX);
    drop(forever);
}

#[tokio::test(start_paused = true)]
async fn readiness_flips_first() {
    let shutdown = Shutdown::builder().build().unwrap();
    let readiness = shutdown.readiness();
    let intake = shutdown.intake_token();
    tokio::spawn({
        let shutdown = shutdown.clone();
        async move { shutdown.run().await }
    });
    tokio::task::yield_now().await;
    shutdown.trigger("test");
    let mut watching = readiness.clone();
    watching.not_ready().await;
    assert!(!readiness.is_ready());
    assert!(!intake.is_cancelled());
    intake.cancelled().await;
}
