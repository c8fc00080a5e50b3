//! Ctrl-c in a terminal waited out the drain delay, which is there for balancers to notice: a service that answers a readiness
//! probe took three of its 15 seconds to do nothing.

use std::time::Duration;

use seawall_shutdown::{Shutdown, ShutdownBuilder, ShutdownReason, Signal};

const SECOND: Duration = Duration::from_secs(1);

async fn delay(builder: ShutdownBuilder, reason: impl Into<ShutdownReason>) -> Duration {
    let shutdown = builder.grace_period(15 * SECOND).build().unwrap();
    let _probe = shutdown.readiness();
    shutdown.trigger(reason);
    let report = shutdown.run().await;
    assert!(report.is_clean(), "{report}");
    report.step("drain delay").unwrap().elapsed
}

#[tokio::test(start_paused = true)]
async fn the_default_delay_is_not_for_interrupts() {
    assert_eq!(delay(Shutdown::builder(), Signal::Interrupt).await, Duration::ZERO);
    assert_eq!(delay(Shutdown::builder(), Signal::Terminate).await, 3 * SECOND);
    assert_eq!(delay(Shutdown::builder(), "a call").await, 3 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_delay_that_is_given_is_kept_whatever_the_trigger() {
    let given = || Shutdown::builder().drain_delay(SECOND);
    assert_eq!(delay(given(), Signal::Interrupt).await, SECOND);
    assert_eq!(delay(given(), Signal::Terminate).await, SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_signal_may_have_a_delay_of_its_own() {
    let by_signal = || {
        Shutdown::builder()
            .drain_delay(4 * SECOND)
            .drain_delay_on(Signal::Interrupt, 2 * SECOND)
            .drain_delay_on(Signal::Quit, Duration::ZERO)
    };
    assert_eq!(delay(by_signal(), Signal::Interrupt).await, 2 * SECOND);
    assert_eq!(delay(by_signal(), Signal::Quit).await, Duration::ZERO);
    assert_eq!(delay(by_signal(), Signal::Terminate).await, 4 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_first_trigger_decides() {
    let shutdown = Shutdown::builder().grace_period(15 * SECOND).build().unwrap();
    let _probe = shutdown.readiness();
    shutdown.trigger("a call");
    shutdown.trigger(Signal::Interrupt);
    let report = shutdown.run().await;
    assert_eq!(report.step("drain delay").unwrap().elapsed, 3 * SECOND);
}
