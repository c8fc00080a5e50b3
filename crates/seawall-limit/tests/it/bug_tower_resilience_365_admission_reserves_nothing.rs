//! tower-resilience, issue 365: the adaptive limit compared what is in flight with the limit, but
//! counted a call only later, so that many together got past it; and a call that was dropped was
//! counted without end.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::{Polled, by_hand};
use seawall_limit::AdaptiveLimit;

const LIMIT: u32 = 4;

fn limit() -> AdaptiveLimit {
    AdaptiveLimit::builder().min(LIMIT).max(LIMIT).build().unwrap()
}

#[test]
fn threads_together_never_have_more_in_flight_than_the_limit() {
    let (limit, in_flight) = (limit(), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    let Ok(permit) = limit.try_acquire() else { continue };
                    let now = in_flight.fetch_add(1, Ordering::SeqCst) + 1;
                    assert!(now <= LIMIT, "{now} in flight");
                    in_flight.fetch_sub(1, Ordering::SeqCst);
                    permit.success();
                }
            });
        }
    });
    assert_eq!(limit.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_dropped_come_back_once_they_have_lingered() {
    let limit = limit();
    for _ in 0..100 {
        let mut calls: Vec<_> = (0..LIMIT)
            .map(|_| by_hand(limit.call(std::future::pending::<Result<(), ()>>())))
            .collect();
        assert!(calls.iter_mut().all(Polled::is_pending));
        tokio::time::advance(std::time::Duration::from_millis(10)).await;
        drop(calls);
        // As long again as they ran.
        tokio::time::advance(std::time::Duration::from_millis(10)).await;
    }
    limit.try_acquire().unwrap().success();
    assert_eq!(limit.snapshot().in_flight, 0);
}
