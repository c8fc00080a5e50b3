//! Transitions happen when a call asks, so a breaker that nobody calls reads "open" long after its
//! wait is over. A snapshot shows that a probe is due.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn a_snapshot_shows_that_a_probe_is_due() {
    let wait = Duration::from_secs(1);
    let breaker = Breaker::builder().consecutive_failures(1).open_wait(wait).build().unwrap();
    let due = || (breaker.state(), breaker.snapshot().due);
    assert_eq!(due(), (CircuitState::Closed, false));
    breaker.try_acquire().unwrap().failure(Class::Transient);
    assert_eq!(due(), (CircuitState::Open, false));
    advance(wait).await;
    assert_eq!(due(), (CircuitState::Open, true));
    let _probe = breaker.try_acquire().unwrap();
    assert_eq!(due(), (CircuitState::HalfOpen, false));
    breaker.force_open();
    assert_eq!(due(), (CircuitState::ForcedOpen, false));
}
