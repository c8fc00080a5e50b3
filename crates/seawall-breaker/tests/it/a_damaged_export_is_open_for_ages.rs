//! An export whose open state has no end, or ends in centuries, was restored as it was, though no open
//! wait of the configuration is longer than seconds.
#![cfg(feature = "serde")]

use std::time::Duration;

use seawall_breaker::{Breaker, Export};
use seawall_core::{Backoff, CircuitState};
use tokio::time::advance;

const MAX_WAIT: Duration = Duration::from_secs(30);

fn restored(left: &str, wait: Backoff) -> Breaker {
    let fields = format!(r#"{{"version": 1, "state": "open", "openings": 99, "left": {left}}}"#);
    let export: Export = serde_json::from_str(&fields).unwrap();
    Breaker::builder().open_wait(wait).restore_after(export, Duration::ZERO).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn it_is_open_for_no_longer_than_the_configuration_allows() {
    let wait = Backoff::exponential(Duration::from_secs(1)).max(MAX_WAIT);
    for left in ["null", "9000000000000000000", "30000000001"] {
        let breaker = restored(left, wait.clone());
        assert_eq!(breaker.snapshot().retry_after, Some(MAX_WAIT), "{left}");
        advance(MAX_WAIT).await;
        assert!(breaker.try_acquire().is_ok(), "{left}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_within_the_configuration_is_kept() {
    let wait = Backoff::exponential(Duration::from_secs(1)).max(MAX_WAIT);
    let breaker = restored("29999999999", wait);
    assert_eq!(breaker.snapshot().retry_after, Some(Duration::from_nanos(29_999_999_999)));
    // Without an end, where the configuration has none.
    let breaker = restored("null", Backoff::constant(Duration::MAX));
    assert_eq!((breaker.snapshot().retry_after, breaker.state()), (None, CircuitState::Open));
}
