//! Seen in smallrye-fault-tolerance (issue 320): while the circuit is half-open every error counts
//! as a failure, whatever the configuration says of it. And in resilience4j (issue 544) and Polly
//! (issue 1979): one that counts for nothing takes the last place, and the circuit stays half-open.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class, FromFn, Lazy, Policy};
use tokio::time::advance;

async fn answer(breaker: &Breaker, code: u32) {
    let classify = |code: &u32| match *code {
        404 => Class::Permanent,
        499 => Class::Ignored,
        _ => Class::Transient,
    };
    let answer = FromFn::new(|| async move { Err::<(), _>(code) }, &classify);
    let _ = Lazy::new(breaker.wrap(answer)).await;
}

#[tokio::test(start_paused = true)]
async fn a_probe_is_judged_as_any_other_call() {
    let verdicts =
        [(404, CircuitState::Closed), (499, CircuitState::HalfOpen), (503, CircuitState::Open)];
    for (code, state) in verdicts {
        let breaker = Breaker::builder().consecutive_failures(1).probes(1).build().unwrap();
        answer(&breaker, 503).await;
        advance(Duration::from_secs(1)).await;
        answer(&breaker, code).await;
        assert_eq!(breaker.state(), state, "{code}");
        assert_eq!(breaker.snapshot().probes_in_flight, 0, "{code}");
    }
}
