//! No call waits while a place is free that is its own by the order of the queue: a call that goes
//! before the waiters does not wait with them.

use std::time::Duration;

use crate::support::by_hand;
use seawall_core::Reason;
use seawall_limit::{Bulkhead, BulkheadBuilder, Priority};

fn of(limit: u32) -> BulkheadBuilder {
    Bulkhead::builder().limit(limit).queue(9, Duration::MAX)
}

/// Batch jobs have all the places that they may have, and one of them waits for another.
fn with_a_reserve() -> (Bulkhead, Bulkhead) {
    let builder = of(4).by_priority().priority_share(Priority::Low, 0.5);
    let bulkhead = builder.build().unwrap();
    let low = bulkhead.with_priority(Priority::Low);
    (bulkhead, low)
}

#[test]
fn what_is_kept_free_of_low_priorities_is_there_though_one_of_them_waits() {
    let (bulkhead, low) = with_a_reserve();
    let _held = [low.try_acquire().unwrap(), low.try_acquire().unwrap()];
    let mut low_waits = by_hand(low.acquire());
    assert!(low_waits.is_pending());
    let entered = by_hand(bulkhead.acquire()).ready().unwrap();
    let tried = bulkhead.try_acquire().unwrap();
    assert!(low_waits.is_pending());
    drop((entered, tried));
    assert!(low_waits.is_pending(), "the reserve is not for it");
    assert_eq!(bulkhead.snapshot().queued, 1);
}

#[test]
fn a_call_of_the_same_priority_gets_past_nobody() {
    let (bulkhead, low) = with_a_reserve();
    let _held = [low.try_acquire().unwrap(), low.try_acquire().unwrap()];
    let mut low_waits = by_hand(low.acquire());
    assert!(low_waits.is_pending());
    assert_eq!(low.try_acquire().unwrap_err().reason(), Reason::Full);
    assert!(by_hand(low.acquire()).is_pending());
    drop(bulkhead);
}

#[test]
fn nor_where_the_one_that_waits_is_too_heavy_for_what_is_free() {
    let bulkhead = of(3).by_priority().build().unwrap();
    let _held = [bulkhead.try_acquire().unwrap(), bulkhead.try_acquire().unwrap()];
    let triple = bulkhead.with_weight(3).unwrap();
    let mut heavy = by_hand(triple.acquire());
    assert!(heavy.is_pending());
    assert_eq!(bulkhead.try_acquire().unwrap_err().reason(), Reason::Full);
    assert!(by_hand(bulkhead.acquire()).is_pending());
}

#[test]
fn a_call_that_gets_past_waiters_counts_for_its_partition() {
    let builder = of(3).by_priority().partition("gold", 0.5);
    let bulkhead = builder.build().unwrap();
    let _held = [bulkhead.try_acquire().unwrap(), bulkhead.try_acquire().unwrap()];
    let triple = bulkhead.with_weight(3).unwrap();
    let mut heavy = by_hand(triple.acquire());
    assert!(heavy.is_pending());
    let gold = bulkhead.partition("gold").unwrap().with_priority(Priority::High);
    let permit = gold.try_acquire().unwrap();
    assert_eq!(bulkhead.snapshot().partitions[0].in_flight, 1);
    drop(permit);
    assert_eq!(bulkhead.snapshot().partitions[0].in_flight, 0);
}

#[test]
fn an_important_call_does_not_wait_behind_a_heavy_one_that_is_less_so() {
    let bulkhead = of(3).by_priority().build().unwrap();
    let _held = [bulkhead.try_acquire().unwrap(), bulkhead.try_acquire().unwrap()];
    let triple = bulkhead.with_weight(3).unwrap();
    let mut heavy = by_hand(triple.acquire());
    assert!(heavy.is_pending());
    let high = bulkhead.with_priority(Priority::High);
    drop(by_hand(high.acquire()).ready().unwrap());
    assert!(heavy.is_pending());
}

#[test]
fn the_latest_does_not_wait_behind_a_heavy_one_that_is_served_after_it() {
    let bulkhead = of(3).lifo().build().unwrap();
    let _held = [bulkhead.try_acquire().unwrap(), bulkhead.try_acquire().unwrap()];
    let mut heavy = by_hand(bulkhead.with_weight(3).unwrap().acquire_owned());
    assert!(heavy.is_pending());
    drop(by_hand(bulkhead.acquire()).ready().unwrap());
}

#[test]
fn a_call_below_its_share_does_not_wait_behind_a_heavy_one_of_another() {
    let builder = of(3).partition("gold", 0.5).partition("batch", 0.1);
    let bulkhead = builder.build().unwrap();
    let (gold, batch) = (bulkhead.partition("gold").unwrap(), bulkhead.partition("batch").unwrap());
    let _held = [batch.try_acquire().unwrap(), batch.try_acquire().unwrap()];
    let mut heavy = by_hand(batch.with_weight(3).unwrap().acquire_owned());
    assert!(heavy.is_pending());
    drop(by_hand(gold.acquire()).ready().unwrap());
}

#[test]
fn a_waiter_that_may_not_use_what_is_free_does_not_hold_up_one_that_may() {
    let builder = of(4).by_priority().priority_share(Priority::Low, 0.5);
    let bulkhead = builder.partition("gold", 0.5).partition("batch", 0.1).build().unwrap();
    let (gold, batch) = (bulkhead.partition("gold").unwrap(), bulkhead.partition("batch").unwrap());
    let high = batch.with_priority(Priority::High);
    let mut held: Vec<_> = (0..4).map(|_| batch.try_acquire().unwrap()).collect();
    // Gold has not got its share, so its waiter is the first in line; but it may use two places
    // at the most, and three stay taken.
    let mut low_gold = by_hand(gold.with_priority(Priority::Low).acquire_owned());
    assert!(low_gold.is_pending());
    held.pop();
    held.push(high.try_acquire().unwrap());
    let mut high_batch = by_hand(batch.with_priority(Priority::High).acquire_owned());
    assert!(low_gold.is_pending() && high_batch.is_pending());
    held.pop();
    assert_eq!(high_batch.woken(), 1);
    drop(high_batch.ready().unwrap());
}

#[test]
fn a_call_that_evicts_a_heavy_waiter_does_not_wait_in_its_stead() {
    let builder = Bulkhead::builder().limit(3).queue(1, Duration::MAX).by_priority();
    let bulkhead = builder.build().unwrap();
    let _held = [bulkhead.try_acquire().unwrap(), bulkhead.try_acquire().unwrap()];
    let mut heavy = by_hand(bulkhead.with_weight(3).unwrap().acquire_owned());
    assert!(heavy.is_pending());
    let high = bulkhead.with_priority(Priority::High);
    drop(by_hand(high.acquire()).ready().unwrap());
}
