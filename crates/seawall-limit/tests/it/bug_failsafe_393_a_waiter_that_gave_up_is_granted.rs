//! failsafe (Java), issue 393: a waiter whose longest wait was over stayed in the queue, the next
//! permit was granted to it, and nobody ever gave that one back.
//!
//! Akin: resilience4j, issue 332, where cancelling a call did not give its permit back.

use std::time::Duration;

use crate::support::{Polled, by_hand};
use seawall_core::Reason;
use seawall_limit::Bulkhead;

const WAIT: Duration = Duration::from_millis(50);

#[tokio::test(start_paused = true)]
async fn permits_outlive_all_waiters_that_gave_up() {
    let bulkhead = Bulkhead::builder().limit(8).queue(8, WAIT).build().unwrap();
    for _ in 0..10 {
        let held: Vec<_> = (0..8).map(|_| bulkhead.try_acquire().unwrap()).collect();
        let mut waiters: Vec<_> = (0..8).map(|_| by_hand(bulkhead.acquire())).collect();
        assert!(waiters.iter_mut().all(Polled::is_pending));
        tokio::time::advance(WAIT * 2).await;
        for waiter in &mut waiters {
            assert_eq!(waiter.ready().unwrap_err().reason(), Reason::WaitedTooLong);
        }
        drop(held);
        let rest = bulkhead.snapshot();
        assert_eq!((rest.in_flight, rest.queued), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cancelled_gives_its_permit_back() {
    let bulkhead = Bulkhead::builder().limit(1).build().unwrap();
    let mut call = by_hand(bulkhead.call(std::future::pending::<Result<(), ()>>()));
    assert!(call.is_pending());
    assert_eq!(bulkhead.snapshot().in_flight, 1);
    drop(call);
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}
