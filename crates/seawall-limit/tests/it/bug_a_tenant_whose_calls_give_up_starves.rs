//! In a fair queue each call that came counted as a turn of its tenant, served or not. So a tenant
//! whose calls gave up before it was their turn fell behind by one turn for each, and where all
//! were in want of places it was served no more at all. And among calls of one tenant the last was
//! not served first where the queue said so.

use std::time::Duration;

use crate::support::{Polled, by_hand};
use seawall_limit::bulkhead::OwnedPermit;
use seawall_limit::{Bulkhead, BulkheadBuilder};

fn fair() -> BulkheadBuilder {
    Bulkhead::builder().limit(1).queue(100, Duration::MAX).fair()
}

fn waiting(
    handle: &Bulkhead,
) -> Polled<impl Future<Output = Result<OwnedPermit, seawall_core::Rejection>> + use<>> {
    let mut wait = by_hand(handle.acquire_owned());
    assert!(wait.is_pending());
    wait
}

#[test]
fn a_tenant_that_asks_for_more_gets_as_much_as_one_that_asks_for_less() {
    let bulkhead = fair().build().unwrap();
    let (busy, quiet) = (bulkhead.for_tenant("busy"), bulkhead.for_tenant("quiet"));
    let mut held = Some(bulkhead.try_acquire_owned().unwrap());
    let (mut busy_waits, mut quiet_waits) = (Vec::new(), Vec::new());
    let mut busy_served = 0;
    for _ in 0..60 {
        // Ten and two of them wait, and ten and one more come for each place: so nine that came
        // first give up.
        busy_waits.extend((0..10).map(|_| waiting(&busy)));
        quiet_waits.extend((quiet_waits.len()..2).map(|_| waiting(&quiet)));
        busy_waits.drain(..busy_waits.len().saturating_sub(10));
        drop(held.take());
        if let Some(at) = busy_waits.iter().position(|wait| wait.woken() > 0) {
            held = Some(busy_waits.remove(at).ready().unwrap());
            busy_served += 1;
        } else {
            let at = quiet_waits.iter().position(|wait| wait.woken() > 0).expect("somebody");
            held = Some(quiet_waits.remove(at).ready().unwrap());
        }
    }
    assert!((29..=31).contains(&busy_served), "{busy_served} of 60");
}

#[test]
fn a_call_that_gives_up_leaves_its_turn_to_the_next_of_its_tenant() {
    let bulkhead = fair().build().unwrap();
    let (a, b) = (bulkhead.for_tenant("a"), bulkhead.for_tenant("b"));
    let held = bulkhead.try_acquire().unwrap();
    let mut a_waits = [0; 3].map(|_| Some(waiting(&a)));
    let b_waits = [0; 2].map(|_| waiting(&b));
    a_waits[0] = None;
    drop(held);
    assert_eq!(a_waits[1].as_ref().unwrap().woken(), 1, "a came first");
    a_waits[1] = None;
    assert_eq!(b_waits[0].woken(), 1, "then it is b's turn");
}

#[test]
fn of_one_tenant_the_last_is_served_first_where_the_queue_says_so() {
    let bulkhead = fair().lifo().build().unwrap();
    let (a, b) = (bulkhead.for_tenant("a"), bulkhead.for_tenant("b"));
    let mut held = Some(bulkhead.try_acquire_owned().unwrap());
    let mut waits = [&a, &a, &b, &b, &a].map(|handle| Some(waiting(handle)));
    let mut order = Vec::new();
    for _ in 0..waits.len() {
        drop(held.take());
        let woken = |wait: &Option<Polled<_>>| wait.as_ref().is_some_and(|wait| wait.woken() > 0);
        let next = waits.iter().position(woken).expect("somebody");
        held = Some(waits[next].take().unwrap().ready().unwrap());
        order.push(next);
    }
    assert_eq!(order, [4, 3, 2, 1, 0]);
}
