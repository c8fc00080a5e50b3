//! Dropping a call at any point takes nothing away from the others.

use std::sync::Arc;
use std::time::Duration;

use crate::support::by_hand;
use seawall_limit::Bulkhead;
use seawall_testkit::at_every_await;

async fn boom() -> Result<(), ()> {
    tokio::task::yield_now().await;
    panic!("boom")
}

fn bulkhead() -> Bulkhead {
    Bulkhead::builder().limit(1).queue(9, Duration::from_secs(9)).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn dropped_at_any_await_the_permit_comes_back() {
    let bulkhead = bulkhead();
    let awaits = at_every_await(
        || {
            let held = bulkhead.try_acquire_owned().unwrap();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                drop(held);
            });
            bulkhead.call(async {
                tokio::task::yield_now().await;
                tokio::time::sleep(Duration::from_millis(1)).await;
                Ok::<_, ()>(())
            })
        },
        |output| {
            if let Some(output) = output {
                output.unwrap();
            }
            // The first is held by the spawned task until its timer; the call holds nothing.
            assert_eq!(bulkhead.snapshot().queued, 0);
            bulkhead.set_limit(bulkhead.snapshot().in_flight + 1).unwrap();
        },
    )
    .await;
    assert!(awaits >= 2, "{awaits}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_permit_granted_to_one_that_is_gone_goes_to_the_next() {
    let bulkhead = bulkhead();
    let held = bulkhead.try_acquire().unwrap();
    let mut first = by_hand(bulkhead.acquire());
    let mut second = by_hand(bulkhead.acquire());
    assert!(first.is_pending() && second.is_pending());
    drop(held);
    assert_eq!((first.woken(), second.woken()), (1, 0));
    drop(first);
    assert_eq!(second.woken(), 1);
    assert!(second.ready().is_ok());
}

#[tokio::test]
async fn a_panic_gives_the_permit_back() {
    let bulkhead = Arc::new(bulkhead());
    let task = tokio::spawn({
        let bulkhead = Arc::clone(&bulkhead);
        async move { bulkhead.call(boom()).await }
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}

#[tokio::test]
async fn an_operation_that_panics_while_it_is_made_gives_the_permit_back() {
    use seawall_core::{AllTransient, Attempt, FromFn, Operation, Policy};
    let bulkhead = bulkhead();
    let make = || -> std::future::Ready<Result<(), ()>> { panic!("boom") };
    let mut op = bulkhead.wrap(FromFn::new(make, &AllTransient));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        drop(op.attempt(Attempt::first()));
    }));
    assert!(outcome.is_err());
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}

#[test]
fn waiting_outside_a_runtime_panics_and_leaves_no_place_behind() {
    let bulkhead = bulkhead();
    let _held = bulkhead.try_acquire().unwrap();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        drop(by_hand(bulkhead.acquire()).poll());
    }));
    assert!(outcome.is_err());
    assert_eq!(bulkhead.snapshot().queued, 0);
}
