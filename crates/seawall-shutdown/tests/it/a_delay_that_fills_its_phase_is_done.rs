//! A step whose own limit ends in the very moment in which its phase does ended by its limit. For the
//! drain delay, which is there to last that long, that is an end like any other.

use std::time::Duration;

use seawall_shutdown::{Outcome, Phase, Shutdown, Step, StepReport};

const MS: Duration = Duration::from_millis(1);
const GRACE: Duration = Duration::from_secs(10);

async fn delay_of(delay: Duration) -> StepReport {
    let shutdown = Shutdown::builder()
        .grace_period(GRACE)
        .drain_delay(delay)
        .step(Phase::FLUSH, Step::new("flush", async || ()).reserve(GRACE / 2))
        .build()
        .unwrap();
    shutdown.trigger("test");
    shutdown.run().await.step("drain delay").unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn it_is_cut_off_only_if_it_is_longer() {
    let longest = delay_of(MS * 9_999).await;
    assert_eq!(longest.outcome, Outcome::TimedOut, "the reserve is kept");
    for (delay, outcome) in [
        (longest.elapsed.saturating_sub(MS), Outcome::Done),
        (longest.elapsed, Outcome::Done),
        (longest.elapsed + MS, Outcome::TimedOut),
    ] {
        assert_eq!(delay_of(delay).await.outcome, outcome, "{delay:?}");
    }
}
