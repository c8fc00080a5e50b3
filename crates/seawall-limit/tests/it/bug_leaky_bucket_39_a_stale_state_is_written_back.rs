//! leaky-bucket, issue 39: a fast path without the lock wrote what it had read long ago over what
//! the lock's holder had changed since. Permits were lost, and in the end none ever came again.
//!
//! Here the fast path may lose to the lock, but never overwrites what it did.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use seawall_limit::RateLimit;

const BURST: u64 = 20_000;

#[test]
fn takers_and_reservations_together_take_each_permit_once() {
    let hour = Duration::from_hours(1);
    let builder = RateLimit::builder().rate(1, hour).burst(BURST).queue(64, hour);
    let limit = builder.build().unwrap();
    let taken = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (limit, taken) = (&limit, &taken);
            scope.spawn(move || {
                for n in 0..BURST {
                    let came = match (thread, n % 4) {
                        // Closes the fast path, and opens it again.
                        (0, 0) => limit.reserve(1).is_ok_and(|place| place.claim().is_ok()),
                        (1, 0) => limit.reserve(1).is_ok_and(|place| {
                            place.cancel();
                            false
                        }),
                        _ => limit.try_acquire().is_ok(),
                    };
                    taken.fetch_add(u64::from(came), Ordering::Relaxed);
                }
            });
        }
    });
    while limit.try_acquire().is_ok() {
        taken.fetch_add(1, Ordering::Relaxed);
    }
    assert_eq!(taken.into_inner(), BURST);
    assert_eq!(limit.snapshot().queued, 0);
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_was_shut_fills_again() {
    let limit = RateLimit::builder().per_second(10).burst(1).queue(4, Duration::from_secs(1));
    let limit = limit.build().unwrap();
    for _ in 0..100 {
        limit.try_acquire().unwrap();
        drop(limit.reserve(1));
        limit.try_acquire().unwrap_err();
        tokio::time::advance(Duration::from_millis(100)).await;
    }
}
