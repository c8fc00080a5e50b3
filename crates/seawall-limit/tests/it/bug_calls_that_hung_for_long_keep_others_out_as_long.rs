//! The place of a call that was given up lingers for as long again as the call ran. Calls that hung
//! for half an hour took all places of an adaptive limit for another half hour.

use std::time::Duration;

use seawall_limit::AdaptiveLimit;
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn a_place_lingers_for_a_minute_at_most() {
    let limit = AdaptiveLimit::builder().min(10).max(10).build().unwrap();
    let hung: Vec<_> = (0..10).map(|_| limit.try_acquire().unwrap()).collect();
    advance(Duration::from_mins(30)).await;
    drop(hung);
    advance(Duration::from_secs(59)).await;
    assert!(limit.try_acquire().is_err(), "the dependency may still work on them");
    advance(Duration::from_secs(1)).await;
    limit.try_acquire().expect("after a minute").success();
    assert_eq!(limit.snapshot().lingering, 0);
}

#[tokio::test(start_paused = true)]
async fn a_short_call_lingers_as_long_as_it_ran() {
    let limit = AdaptiveLimit::builder().min(1).max(1).build().unwrap();
    let call = limit.try_acquire().unwrap();
    advance(Duration::from_secs(5)).await;
    drop(call);
    advance(Duration::from_millis(4_999)).await;
    assert!(limit.try_acquire().is_err());
    advance(Duration::from_millis(1)).await;
    limit.try_acquire().expect("after as long again").success();
}
