//! A permit that outlives the future of its call: the limit learns from the time to the head of the
//! answer, and the place is held to the end of its body.

use std::time::Duration;

use seawall_limit::AdaptiveLimit;

const MS: Duration = Duration::from_millis(1);

fn limit() -> AdaptiveLimit {
    AdaptiveLimit::builder().min(1).max(8).initial(8).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_place_is_held_after_the_sample_and_free_after_the_drop() {
    let limit = limit();
    let mut permit = limit.try_acquire_owned().unwrap();
    tokio::time::advance(10 * MS).await;
    permit.sampled();
    permit.sampled();
    assert_eq!(limit.snapshot().in_flight, 1);
    // The body takes longer than any head; that says nothing about the dependency.
    tokio::time::advance(Duration::from_mins(1)).await;
    drop(permit);
    let snapshot = limit.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.lingering), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn dropped_before_the_sample_the_call_was_given_up() {
    let limit = limit();
    let permit = limit.try_acquire_owned().unwrap();
    tokio::time::advance(10 * MS).await;
    drop(permit);
    assert_eq!(limit.snapshot().lingering, 1);
}

#[tokio::test(start_paused = true)]
async fn it_outlives_the_handle_and_counts_against_the_limit() {
    let limit = limit();
    let permits: Vec<_> = (0..8).map(|_| limit.clone().try_acquire_owned().unwrap()).collect();
    assert!(limit.try_acquire_owned().is_err());
    assert!(limit.try_acquire().is_err());
    drop(permits);
}

#[tokio::test(start_paused = true)]
async fn an_end_of_another_kind_frees_the_place_at_once() {
    let limit = limit();
    let permit = limit.try_acquire_owned().unwrap();
    tokio::time::advance(10 * MS).await;
    permit.ignore();
    assert_eq!(limit.snapshot().limit, 8);
    let mut sampled = limit.try_acquire_owned().unwrap();
    sampled.sampled();
    let before = limit.snapshot().limit;
    sampled.overloaded();
    assert_eq!(limit.snapshot().limit, before, "it was sampled already");
    limit.try_acquire_owned().unwrap().overloaded();
    let snapshot = limit.snapshot();
    assert!(snapshot.limit < before, "{snapshot:?}");
    assert_eq!((snapshot.in_flight, snapshot.lingering), (0, 0));
}
