//! A partition that has not got its share of a limit is served before the others, whatever their
//! priority, but a call that tried instead of waiting got past its waiters for being more important.

use std::time::Duration;

use crate::support::by_hand;
use seawall_limit::{Bulkhead, Priority};

#[test]
fn it_gets_past_no_waiter_that_has_its_share_to_get() {
    let builder = Bulkhead::builder().limit(4).queue(9, Duration::MAX).by_priority();
    let bulkhead = builder.partition("gold", 0.5).partition("batch", 0.25).build().unwrap();
    let (gold, batch) = (bulkhead.partition("gold").unwrap(), bulkhead.partition("batch").unwrap());
    let urgent = batch.with_priority(Priority::Critical);
    let mut held: Vec<_> = (0..4).map(|_| batch.try_acquire().unwrap()).collect();
    let pair = gold.with_weight(2).unwrap();
    let mut pair_waits = by_hand(pair.acquire());
    assert!(pair_waits.is_pending());
    held.pop();
    assert!(urgent.try_acquire().is_err(), "one of the two that gold waits for is free");
    assert!(by_hand(urgent.acquire()).is_pending());
    held.pop();
    let permit = pair_waits.ready().unwrap();
    // Now gold has its share, so the most important goes first again.
    let mut pair_waits = by_hand(pair.acquire());
    assert!(pair_waits.is_pending());
    held.pop();
    drop(urgent.try_acquire().unwrap());
    drop((permit, pair_waits));
}

#[test]
fn a_call_below_its_share_is_not_held_up_by_one_that_has_it() {
    let builder = Bulkhead::builder().limit(4).queue(9, Duration::MAX).by_priority();
    let bulkhead = builder.partition("gold", 0.5).partition("batch", 0.25).build().unwrap();
    let (gold, batch) = (bulkhead.partition("gold").unwrap(), bulkhead.partition("batch").unwrap());
    let _held = [0; 3].map(|_| batch.try_acquire().unwrap());
    let urgent = batch.with_weight(2).unwrap().with_priority(Priority::Critical);
    let mut urgent_waits = by_hand(urgent.acquire());
    assert!(urgent_waits.is_pending());
    drop(gold.try_acquire().unwrap());
    assert!(urgent_waits.is_pending());
}
