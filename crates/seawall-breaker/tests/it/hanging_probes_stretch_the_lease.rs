//! A lease that doubled with each probe that hangs would keep callers out for as long again as the
//! dependency hung.

use std::task::Poll;
use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class};
use tokio::time::{Instant, advance, sleep};

const TICK: Duration = Duration::from_millis(10);

#[tokio::test(start_paused = true)]
async fn after_ten_minutes_of_hanging_probes_the_circuit_is_closed_within_seconds() {
    let breaker = Breaker::builder().build().unwrap();
    while breaker.state() == CircuitState::Closed {
        breaker.try_acquire().unwrap().failure(Class::Transient);
    }
    let mut hanging = Vec::new();
    for _ in 0..6_000 {
        hanging.extend(breaker.try_acquire());
        advance(10 * TICK).await;
    }
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    // It answers again. The calls that hang go on hanging.
    let back = Instant::now();
    while breaker.state() != CircuitState::Closed {
        let _ = breaker.try_acquire().map(seawall_breaker::Permit::success);
        advance(TICK).await;
    }
    assert!(back.elapsed() <= Duration::from_secs(2), "{:?}", back.elapsed());
    assert!(hanging.len() < 1_000, "{} calls hang", hanging.len());
}

/// Calls ten times a second, each answered after a minute.
async fn calls(breaker: &Breaker, answer: Result<(), ()>) {
    let calls = (0..1_500).map(|n| async move {
        sleep(10 * n * TICK).await;
        let call = async {
            sleep(Duration::from_mins(1)).await;
            answer
        };
        let _ = breaker.call(call).await;
    });
    let mut calls: Vec<_> = calls.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        calls.retain_mut(|call| call.as_mut().poll(cx).is_pending());
        if calls.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_dependency_that_takes_a_minute_and_is_well_has_its_verdict_after_two() {
    for (answer, state) in [(Ok(()), CircuitState::Closed), (Err(()), CircuitState::HalfOpen)] {
        let breaker = Breaker::builder().open_wait(10 * TICK).build().unwrap();
        while breaker.state() == CircuitState::Closed {
            breaker.try_acquire().unwrap().failure(Class::Transient);
        }
        let verdict = async {
            sleep(Duration::from_secs(125)).await;
            breaker.state()
        };
        let ((), seen) = tokio::join!(calls(&breaker, answer), verdict);
        assert_eq!(seen, state);
    }
}
