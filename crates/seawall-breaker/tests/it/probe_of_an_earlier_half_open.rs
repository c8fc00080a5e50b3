//! Seen in denoland/std (pull request 7306) and k8s-breakglass (issue 981): a probe outlives its
//! half-open state, ends in the next one, counts there, and frees a slot that it does not hold.

use std::time::Duration;

use seawall_breaker::{Breaker, Settlement};
use seawall_core::{CircuitState, Class, Reason};
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn a_probe_has_its_say_in_its_own_half_open_state_alone() {
    let wait = Duration::from_secs(1);
    for class in [Class::Success, Class::Transient, Class::Ignored] {
        let breaker = Breaker::builder()
            .consecutive_failures(1)
            .open_wait(wait)
            .probes(2)
            .lease(Duration::MAX)
            .build()
            .unwrap();
        breaker.try_acquire().unwrap().failure(Class::Transient);
        advance(wait).await;
        let early = breaker.try_acquire().unwrap();
        breaker.try_acquire().unwrap().failure(Class::Transient);
        advance(wait).await;
        let probes = [(); 2].map(|()| breaker.try_acquire().unwrap());
        let said = early.settle(class);
        assert!(matches!(said, Settlement::Stale | Settlement::Ignored), "{said:?}");
        assert_eq!(breaker.try_acquire().unwrap_err().reason(), Reason::ProbesInFlight);
        assert_eq!(breaker.snapshot().probes_in_flight, 2);
        for probe in probes {
            assert_eq!(breaker.state(), CircuitState::HalfOpen);
            probe.success();
        }
        assert_eq!(breaker.state(), CircuitState::Closed);
    }
}
