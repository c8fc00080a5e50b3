//! Seen in Hystrix (issues 1781 and 1853, after pull request 1621): a call of before the opening is
//! cancelled while another one probes, which moves the circuit from half-open to open without a
//! wait of its own; the probe's success is lost, and the circuit never closes.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class};
use tokio::time::{advance, timeout};

#[tokio::test(start_paused = true)]
async fn bystanders_that_are_cancelled_leave_the_probe_its_verdict() {
    let breaker = Breaker::builder().consecutive_failures(1).probes(1).build().unwrap();
    let bystander = || breaker.call(std::future::pending::<Result<(), ()>>());
    let mut early = Box::pin(bystander());
    assert!(timeout(Duration::from_millis(1), early.as_mut()).await.is_err());
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(Duration::from_secs(1)).await;
    let probe = breaker.try_acquire().unwrap();
    drop(early);
    assert!(timeout(Duration::from_millis(1), bystander()).await.unwrap().is_err());
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    probe.success();
    assert_eq!(breaker.state(), CircuitState::Closed);
}
