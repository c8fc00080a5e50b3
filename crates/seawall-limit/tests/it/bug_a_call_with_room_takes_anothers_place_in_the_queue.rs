//! An important call that found the queue full took the place of the least important waiter, even
//! where it had no need of one: there was room for it that the waiters had to leave free.

use std::time::Duration;

use crate::support::by_hand;
use seawall_limit::{Bulkhead, Priority};

#[test]
fn nobody_gives_way_to_a_call_that_does_not_wait() {
    let builder = Bulkhead::builder().limit(4).queue(1, Duration::MAX).by_priority();
    let bulkhead = builder.priority_share(Priority::Low, 0.5).build().unwrap();
    let low = bulkhead.with_priority(Priority::Low);
    let held = [low.try_acquire().unwrap(), low.try_acquire().unwrap()];
    let mut low_waits = by_hand(low.acquire());
    assert!(low_waits.is_pending());
    let permit = by_hand(bulkhead.acquire()).ready().unwrap();
    assert!(low_waits.is_pending(), "there was room for both");
    drop((permit, held));
    assert!(low_waits.ready().is_ok());
}

#[test]
fn nor_does_a_heavy_one() {
    let builder = Bulkhead::builder().limit(3).queue(1, Duration::MAX).by_priority();
    let bulkhead = builder.build().unwrap();
    let held = [bulkhead.try_acquire().unwrap(), bulkhead.try_acquire().unwrap()];
    let triple = bulkhead.with_weight(3).unwrap();
    let mut heavy = by_hand(triple.acquire());
    assert!(heavy.is_pending());
    drop(by_hand(bulkhead.with_priority(Priority::High).acquire()).ready().unwrap());
    assert!(heavy.is_pending());
    drop(held);
    assert!(heavy.ready().is_ok());
}
