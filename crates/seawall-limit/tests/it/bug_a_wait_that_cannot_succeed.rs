//! A call that weighs more than what its priority may ever use is refused at once: it would wait
//! for what can't come, and those behind it with it.

use std::time::Duration;

use crate::support::by_hand;
use seawall_core::{Attempt, FromFn, Lazy, Policy, Reason, Rule};
use seawall_limit::{Bulkhead, Priority};

fn bulkhead() -> Bulkhead {
    let builder = Bulkhead::builder().limit(8).queue(9, Duration::MAX).by_priority();
    builder.priority_share(Priority::Low, 0.5).build().unwrap()
}

#[test]
fn what_weighs_more_than_its_priority_may_use_is_refused_at_once() {
    let bulkhead = bulkhead();
    let heavy = bulkhead.with_priority(Priority::Low).with_weight(5).unwrap();
    let refusal = by_hand(heavy.acquire()).ready().unwrap_err();
    assert_eq!(refusal.reason(), Reason::Full);
    assert_eq!(bulkhead.snapshot().queued, 0);
    // What just fits gets in.
    drop(by_hand(heavy.with_weight(4).unwrap().acquire()).ready().unwrap());
}

#[test]
fn a_lower_limit_turns_away_what_no_longer_fits_its_priority() {
    let bulkhead = bulkhead();
    let low = bulkhead.with_priority(Priority::Low);
    let held = low.with_weight(4).unwrap();
    let held = held.try_acquire().unwrap();
    let mut heavy = by_hand(low.with_weight(4).unwrap().acquire_owned());
    let mut light = by_hand(low.acquire());
    assert!(heavy.is_pending() && light.is_pending());
    bulkhead.set_limit(6).unwrap();
    assert_eq!(heavy.ready().unwrap_err().reason(), Reason::Full);
    assert!(light.is_pending());
    drop(held);
    drop(light.ready().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_has_passed_is_refused_with_what_is_in_flight_and_waits() {
    let bulkhead = bulkhead();
    let held: Vec<_> = (0..8).map(|_| bulkhead.try_acquire().unwrap()).collect();
    let mut waiting = by_hand(bulkhead.acquire());
    assert!(waiting.is_pending());
    let op = FromFn::new(|| std::future::ready(Ok::<_, ()>(())), &seawall_core::AllTransient);
    let late = Attempt::first().due_by(tokio::time::Instant::now());
    let error = Lazy::new(bulkhead.wrap(op)).with_attempt(late).await.unwrap_err();
    let refusal = error.rejection().unwrap();
    assert_eq!(refusal.reason(), Reason::DeadlineTooNear);
    let evidence = refusal.evidence().expect("says how many are in flight");
    assert_eq!((evidence.rule, evidence.observed), (Rule::InFlight, 8.0));
    assert_eq!((evidence.limit, evidence.samples), (8.0, 1));
    drop(held);
}
