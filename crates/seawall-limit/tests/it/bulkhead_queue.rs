//! Which calls wait, which is served first, and when waiting ends.

use std::task::Poll;
use std::time::Duration;

use crate::support::by_hand;
use seawall_core::{AllTransient, Attempt, FromFn, Lazy, Operation, Policy, Reason, Rule, catch};
use seawall_limit::bulkhead::OwnedPermit;
use seawall_limit::{Bulkhead, BulkheadBuilder, Priority};
use tokio::time::{Instant, advance};
use tokio_util::sync::CancellationToken;

const SECOND: Duration = Duration::from_secs(1);

fn one() -> BulkheadBuilder {
    Bulkhead::builder().limit(1).queue(10, Duration::MAX)
}

/// Lets a call of each handle wait, then frees the only place again and again: the order in which
/// they are served.
fn served(bulkhead: &Bulkhead, handles: &[Bulkhead]) -> Vec<usize> {
    let mut held = Some(bulkhead.try_acquire_owned().unwrap());
    let mut waiting: Vec<_> =
        handles.iter().map(|handle| by_hand(handle.acquire_owned())).collect();
    assert!(waiting.iter_mut().all(crate::support::Polled::is_pending));
    let mut order = Vec::new();
    while order.len() < handles.len() {
        drop(held.take());
        let mut granted: Vec<(usize, OwnedPermit)> = Vec::new();
        for (index, wait) in waiting.iter_mut().enumerate() {
            if order.contains(&index) {
                continue;
            }
            let woken = wait.woken() > 0;
            if let Poll::Ready(permit) = wait.poll() {
                assert!(woken, "granted, but not woken");
                granted.push((index, permit.unwrap()));
            }
        }
        let (index, permit) = granted.pop().expect("a waiter sleeps though there is a permit");
        assert!(granted.is_empty(), "two were granted one place");
        order.push(index);
        held = Some(permit);
    }
    order
}

#[test]
fn first_come_first_served() {
    let bulkhead = one().build().unwrap();
    assert_eq!(served(&bulkhead, &vec![bulkhead.clone(); 4]), [0, 1, 2, 3]);
}

#[test]
fn last_come_first_served() {
    let bulkhead = one().lifo().build().unwrap();
    assert_eq!(served(&bulkhead, &vec![bulkhead.clone(); 4]), [3, 2, 1, 0]);
}

#[test]
fn the_most_important_first_and_among_equals_the_first() {
    use Priority::{Critical, High, Low, Normal};
    let bulkhead = one().by_priority().build().unwrap();
    let handles = [Low, Normal, Critical, Normal, High, Low].map(|p| bulkhead.with_priority(p));
    assert_eq!(served(&bulkhead, &handles), [2, 4, 1, 3, 0, 5]);
}

#[test]
fn tenants_take_turns() {
    let bulkhead = one().fair().build().unwrap();
    let handles = ["a", "a", "a", "a", "b", "c", "b"].map(|tenant| bulkhead.for_tenant(tenant));
    assert_eq!(served(&bulkhead, &handles), [0, 4, 5, 1, 6, 2, 3]);
}

#[test]
fn a_tenant_whose_calls_all_gave_up_begins_anew() {
    let bulkhead = one().fair().build().unwrap();
    let (a, b) = (bulkhead.for_tenant("a"), bulkhead.for_tenant("b"));
    let held = bulkhead.try_acquire().unwrap();
    let mut given_up = [0; 3].map(|_| by_hand(a.acquire()));
    assert!(given_up.iter_mut().all(crate::support::Polled::is_pending));
    drop((given_up, held));
    assert_eq!(served(&bulkhead, &[b.clone(), a, b]), [0, 1, 2]);
}

#[test]
fn a_tenant_that_comes_back_at_once_does_not_starve_the_others() {
    let bulkhead = one().fair().build().unwrap();
    let (a, b) = (bulkhead.for_tenant("a"), bulkhead.for_tenant("b"));
    let held = bulkhead.try_acquire().unwrap();
    let mut b_waits = [by_hand(b.acquire_owned()), by_hand(b.acquire_owned())];
    assert!(b_waits.iter_mut().all(crate::support::Polled::is_pending));
    let mut next = Some(held.into_owned());
    let mut b_served = 0;
    for _ in 0..4 {
        let mut again = by_hand(a.acquire_owned());
        assert!(again.is_pending());
        drop(next.take());
        next = match again.poll() {
            Poll::Ready(permit) => Some(permit.unwrap()),
            Poll::Pending => {
                let permit = b_waits[b_served].ready().unwrap();
                b_served += 1;
                Some(permit)
            }
        };
    }
    assert_eq!(b_served, 2);
}

#[test]
fn a_full_queue_refuses_at_once_and_says_so() {
    let bulkhead = Bulkhead::builder().limit(1).queue(1, SECOND * 9).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _guard = runtime.enter();
    let _held = bulkhead.try_acquire().unwrap();
    let mut waiting = by_hand(bulkhead.acquire());
    assert!(waiting.is_pending());
    let refusal = by_hand(bulkhead.acquire()).ready().unwrap_err();
    assert_eq!(refusal.reason(), Reason::QueueFull);
    let evidence = refusal.evidence().unwrap();
    assert_eq!((evidence.rule, evidence.observed, evidence.samples), (Rule::Queued, 1.0, 1));
    assert_eq!(bulkhead.try_acquire().unwrap_err().evidence().unwrap().samples, 1);
}

#[test]
fn an_important_call_takes_the_place_of_the_least_important_waiter() {
    let bulkhead =
        Bulkhead::builder().limit(1).queue(2, Duration::MAX).by_priority().build().unwrap();
    let low = bulkhead.with_priority(Priority::Low);
    let high = bulkhead.with_priority(Priority::High);
    let held = bulkhead.try_acquire().unwrap();
    let mut normal_waits = by_hand(bulkhead.acquire());
    let mut low_waits = by_hand(low.acquire());
    assert!(normal_waits.is_pending() && low_waits.is_pending());
    assert_eq!(by_hand(low.acquire()).ready().unwrap_err().reason(), Reason::QueueFull);
    let mut high_waits = by_hand(high.acquire());
    assert!(high_waits.is_pending());
    assert_eq!(low_waits.woken(), 1);
    assert_eq!(low_waits.ready().unwrap_err().reason(), Reason::Shed);
    drop(held);
    drop(high_waits.ready().unwrap());
    drop(normal_waits.ready().unwrap());
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_longer_than_the_longest_wait() {
    let bulkhead = Bulkhead::builder().limit(1).queue(9, SECOND).build().unwrap();
    let _held = bulkhead.try_acquire().unwrap();
    let start = Instant::now();
    let refusal = bulkhead.acquire().await.unwrap_err();
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(refusal.reason(), Reason::WaitedTooLong);
    assert_eq!(refusal.since(), Some(SECOND));
    assert_eq!(bulkhead.snapshot().queued, 0);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_past_the_deadline_of_the_call() {
    let bulkhead = Bulkhead::builder().limit(1).queue(9, SECOND).build().unwrap();
    let _held = bulkhead.try_acquire().unwrap();
    let start = Instant::now();
    let op = || FromFn::new(|| std::future::ready(Ok::<_, ()>(())), &AllTransient);
    let soon = Attempt::first().due_by(start + SECOND / 2);
    let error = Lazy::new(bulkhead.wrap(op())).with_attempt(soon).await.unwrap_err();
    assert_eq!(error.rejection().unwrap().reason(), Reason::DeadlineTooNear);
    assert_eq!(start.elapsed(), SECOND / 2);
    let error = Lazy::new(bulkhead.wrap(op())).with_attempt(soon).await.unwrap_err();
    assert_eq!(error.rejection().unwrap().reason(), Reason::DeadlineTooNear);
    assert_eq!(start.elapsed(), SECOND / 2, "refused at once: the deadline has passed");
    assert_eq!(error.rejection().unwrap().since(), None, "it did not wait at all");
}

#[tokio::test(start_paused = true)]
async fn nor_for_longer_than_the_longest_wait_where_the_deadline_is_later() {
    let bulkhead = Bulkhead::builder().limit(1).queue(9, SECOND).build().unwrap();
    let _held = bulkhead.try_acquire().unwrap();
    assert_eq!(bulkhead.try_acquire().unwrap_err().evidence().unwrap().samples, 0, "none waits");
    let start = Instant::now();
    let op = FromFn::new(|| std::future::ready(Ok::<_, ()>(())), &AllTransient);
    let late = Attempt::first().due_by(start + SECOND * 2);
    let error = Lazy::new(bulkhead.wrap(op)).with_attempt(late).await.unwrap_err();
    assert_eq!(error.rejection().unwrap().reason(), Reason::WaitedTooLong);
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_longest_wait_without_limit_ends_at_the_deadline_all_the_same() {
    let bulkhead = one().build().unwrap();
    let _held = bulkhead.try_acquire().unwrap();
    let start = Instant::now();
    let op = FromFn::new(|| std::future::ready(Ok::<_, ()>(())), &AllTransient);
    let soon = Attempt::first().due_by(start + SECOND);
    let call = Lazy::new(bulkhead.wrap(op)).with_attempt(soon);
    let error = tokio::time::timeout(2 * SECOND, call).await.expect("in time").unwrap_err();
    assert_eq!(error.rejection().unwrap().reason(), Reason::DeadlineTooNear);
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(bulkhead.snapshot().queued, 0);
}

#[test]
fn waiters_that_give_up_leave_the_order_of_the_others_as_it_was() {
    let bulkhead = one().build().unwrap();
    let mut held = Some(bulkhead.try_acquire_owned().unwrap());
    let mut waiting: Vec<_> = (0..5).map(|_| by_hand(bulkhead.acquire_owned())).collect();
    assert!(waiting.iter_mut().all(crate::support::Polled::is_pending));
    for gone in [3, 0] {
        drop(waiting.remove(gone));
    }
    for mut next in waiting {
        drop(held.take());
        assert_eq!(next.woken(), 1);
        held = Some(next.ready().unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_goes_off_late_evicts_nobody_else() {
    let bulkhead = Bulkhead::builder().limit(1).queue(9, SECOND).build().unwrap();
    let held = bulkhead.try_acquire().unwrap();
    let mut first = by_hand(bulkhead.acquire());
    assert!(first.is_pending());
    drop(held);
    // Granted, but not polled until long after its timer.
    advance(SECOND * 2).await;
    let mut second = by_hand(bulkhead.acquire());
    assert!(second.is_pending());
    let permit = first.ready().expect("the permit was there before the time was up");
    assert!(second.is_pending(), "the first one's timer is not the second one's");
    drop(permit);
    drop(second.ready().unwrap());
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}

#[test]
fn closing_releases_all_waiters() {
    let bulkhead = one().build().unwrap();
    let held = bulkhead.try_acquire().unwrap();
    let mut waiting = [by_hand(bulkhead.acquire()), by_hand(bulkhead.acquire())];
    assert!(waiting.iter_mut().all(crate::support::Polled::is_pending));
    bulkhead.close();
    for wait in &mut waiting {
        assert_eq!(wait.woken(), 1);
        assert_eq!(wait.ready().unwrap_err().reason(), Reason::ShuttingDown);
    }
    drop(held);
    assert_eq!((bulkhead.snapshot().in_flight, bulkhead.snapshot().queued), (0, 0));
    assert_eq!(by_hand(bulkhead.acquire()).ready().unwrap_err().reason(), Reason::ShuttingDown);
}

#[test]
fn a_shutdown_releases_all_waiters() {
    let token = CancellationToken::new();
    let bulkhead = one().shutdown(token.clone()).build().unwrap();
    let _held = bulkhead.try_acquire().unwrap();
    let mut waiting = by_hand(bulkhead.acquire());
    assert!(waiting.is_pending());
    let mut others = [0; 9].map(|_| by_hand(bulkhead.acquire()));
    assert!(others.iter_mut().all(crate::support::Polled::is_pending));
    token.cancel();
    let late = by_hand(bulkhead.acquire()).ready().unwrap_err();
    assert_eq!(late.reason(), Reason::ShuttingDown, "and not that the queue is full");
    drop(others);
    assert_eq!(waiting.woken(), 1);
    assert_eq!(waiting.ready().unwrap_err().reason(), Reason::ShuttingDown);
    assert_eq!(by_hand(bulkhead.acquire()).ready().unwrap_err().reason(), Reason::ShuttingDown);
}

#[test]
fn a_wait_that_is_over_is_not_begun_anew() {
    let bulkhead = one().build().unwrap();
    let held = bulkhead.try_acquire().unwrap();
    let mut wait = by_hand(bulkhead.acquire());
    assert!(wait.is_pending());
    drop(held);
    drop(wait.ready().unwrap());
    assert!(catch(|| wait.is_pending()).is_err());
    assert_eq!((bulkhead.snapshot().in_flight, bulkhead.snapshot().queued), (0, 0));
}

#[test]
fn no_call_overtakes_the_waiters() {
    let bulkhead = Bulkhead::builder().limit(2).queue(9, Duration::MAX).build().unwrap();
    let pair = bulkhead.with_weight(2).unwrap();
    let held = bulkhead.try_acquire().unwrap();
    let mut heavy = by_hand(pair.acquire());
    assert!(heavy.is_pending());
    assert!(bulkhead.try_acquire().is_err(), "there is room for one, but two are waited for");
    drop(held);
    assert_eq!(heavy.ready().unwrap().weight(), 2);
}

#[test]
fn when_a_heavy_waiter_goes_the_lighter_ones_behind_it_start() {
    let bulkhead = Bulkhead::builder().limit(2).queue(9, Duration::MAX).build().unwrap();
    let pair = bulkhead.with_weight(2).unwrap();
    let _held = bulkhead.try_acquire().unwrap();
    let mut heavy = by_hand(pair.acquire());
    let mut light = by_hand(bulkhead.acquire());
    assert!(heavy.is_pending() && light.is_pending());
    drop(heavy);
    assert_eq!(light.woken(), 1);
    assert!(light.ready().is_ok());
}

#[test]
fn a_higher_limit_starts_as_many_as_fit_and_a_lower_one_turns_away_what_never_fits() {
    let bulkhead = Bulkhead::builder().limit(3).queue(9, Duration::MAX).build().unwrap();
    let triple = bulkhead.with_weight(3).unwrap();
    let held = triple.try_acquire().unwrap();
    let mut heavy = by_hand(triple.acquire());
    let mut light = [by_hand(bulkhead.acquire()), by_hand(bulkhead.acquire())];
    assert!(heavy.is_pending() && light.iter_mut().all(crate::support::Polled::is_pending));
    bulkhead.set_limit(2).unwrap();
    assert_eq!(heavy.ready().unwrap_err().reason(), Reason::Full);
    assert_eq!(by_hand(triple.acquire()).ready().unwrap_err().reason(), Reason::Full);
    bulkhead.set_limit(5).unwrap();
    let _started = light.map(|mut wait| wait.ready().unwrap().weight());
    drop(held);
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}

#[test]
fn what_a_partition_does_not_use_is_borrowed_and_comes_back_to_it_first() {
    let bulkhead = Bulkhead::builder()
        .limit(4)
        .queue(9, Duration::MAX)
        .partition("gold", 0.5)
        .partition("batch", 0.25)
        .build()
        .unwrap();
    assert!(bulkhead.partition("silver").is_none());
    let (gold, batch) = (bulkhead.partition("gold").unwrap(), bulkhead.partition("batch").unwrap());
    let mut borrowed: Vec<_> = (0..4).map(|_| batch.try_acquire().unwrap()).collect();
    let mut batch_waits = by_hand(batch.acquire());
    let mut gold_waits = [0, 1, 2].map(|_| by_hand(gold.acquire_owned()));
    assert!(
        batch_waits.is_pending() && gold_waits.iter_mut().all(crate::support::Polled::is_pending)
    );
    borrowed.pop();
    let first = gold_waits[0].ready().unwrap();
    borrowed.pop();
    let second = gold_waits[1].ready().unwrap();
    assert_eq!(bulkhead.snapshot().partitions[0].in_flight, 2);
    // Gold has its share now, batch still has more than its own: first come, first served.
    borrowed.pop();
    assert!(gold_waits[2].is_pending());
    drop(batch_waits.ready().unwrap());
    drop((gold_waits, first, second, borrowed));
    let rest = bulkhead.snapshot();
    assert_eq!((rest.in_flight, rest.queued), (0, 0));
    assert!(rest.partitions.iter().all(|partition| partition.in_flight == 0));
}

#[test]
fn a_call_of_no_partition_has_no_share() {
    let builder = Bulkhead::builder().limit(4).queue(9, Duration::MAX);
    let builder = builder.partition("gold", 0.5).partition("batch", 0.25);
    let bulkhead = builder.build().unwrap();
    let batch = bulkhead.partition("batch").unwrap();
    let mut held = [0; 4].map(|_| Some(batch.try_acquire().unwrap()));
    let mut batch_waits = by_hand(batch.acquire());
    let mut waits = by_hand(bulkhead.acquire());
    assert!(batch_waits.is_pending() && waits.is_pending());
    drop(held[0].take());
    assert_eq!((batch_waits.woken(), waits.woken()), (1, 0), "first come, first served");
}

#[test]
fn partitions_that_have_their_share_are_served_in_the_order_of_all() {
    let builder = Bulkhead::builder().limit(3).queue(9, Duration::MAX);
    let bulkhead = builder.partition("gold", 0.3).partition("batch", 0.3).build().unwrap();
    let (gold, batch) = (bulkhead.partition("gold").unwrap(), bulkhead.partition("batch").unwrap());
    let _shares = [gold.try_acquire().unwrap(), batch.try_acquire().unwrap()];
    let handles = [&gold, &gold, &batch, &gold, &batch].map(Bulkhead::clone);
    assert_eq!(served(&bulkhead, &handles), [0, 1, 2, 3, 4]);
}

#[test]
fn a_partition_that_has_exactly_its_share_has_its_share() {
    let builder = Bulkhead::builder().limit(4).queue(9, Duration::MAX);
    let bulkhead = builder.partition("gold", 0.5).build().unwrap();
    let gold = bulkhead.partition("gold").unwrap();
    let _gold = [gold.try_acquire().unwrap(), gold.try_acquire().unwrap()];
    let _other = bulkhead.try_acquire().unwrap();
    assert_eq!(served(&bulkhead, &[bulkhead.clone(), gold.clone()]), [0, 1]);
}

#[test]
fn a_tenant_that_comes_has_its_turn_in_the_round_after_this_one() {
    let bulkhead = one().fair().build().unwrap();
    let (a, b) = (bulkhead.for_tenant("a"), bulkhead.for_tenant("b"));
    let held = bulkhead.try_acquire().unwrap();
    let mut a_waits = [0; 3].map(|_| by_hand(a.acquire()));
    assert!(a_waits.iter_mut().all(crate::support::Polled::is_pending));
    drop(held);
    let first = a_waits[0].ready().unwrap();
    let mut b_waits = by_hand(b.acquire());
    assert!(b_waits.is_pending());
    drop(first);
    drop(a_waits[1].ready().expect("it came first"));
    drop(b_waits.ready().expect("it has not had its turn in this round"));
    assert!(a_waits[2].ready().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_was_empty_once_is_no_standing_one() {
    let (target, interval) = (Duration::from_millis(5), Duration::from_millis(100));
    let bulkhead = one().codel(target, interval).build().unwrap();
    let held = bulkhead.try_acquire().unwrap();
    let mut first = by_hand(bulkhead.acquire());
    assert!(first.is_pending());
    drop(held);
    let held = first.ready().unwrap();
    advance(interval).await;
    let mut second = by_hand(bulkhead.acquire());
    assert!(second.is_pending());
    advance(interval).await;
    drop(held);
    assert!(second.ready().is_ok(), "for exactly the interval is not for longer");
}

#[tokio::test(start_paused = true)]
async fn in_a_standing_queue_a_call_that_has_waited_for_exactly_the_target_is_served() {
    let (target, interval) = (Duration::from_millis(5), Duration::from_millis(100));
    let bulkhead = one().codel(target, interval).build().unwrap();
    let held = bulkhead.try_acquire().unwrap();
    let mut oldest = by_hand(bulkhead.acquire());
    assert!(oldest.is_pending());
    advance(interval).await;
    let mut newest = by_hand(bulkhead.acquire());
    assert!(newest.is_pending());
    advance(target).await;
    drop(held);
    assert_eq!(oldest.ready().unwrap_err().reason(), Reason::Shed);
    assert!(newest.ready().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_standing_queue_drops_calls_that_have_waited_too_long_and_a_burst_does_not() {
    let (target, interval) = (Duration::from_millis(5), Duration::from_millis(100));
    let bulkhead = one().codel(target, interval).build().unwrap();
    let mut held = Some(bulkhead.try_acquire_owned().unwrap());
    let mut burst = [0, 1].map(|_| by_hand(bulkhead.acquire_owned()));
    assert!(burst.iter_mut().all(crate::support::Polled::is_pending));
    advance(interval / 2).await;
    drop(held.take());
    held = Some(burst[0].ready().expect("waited for ten times the target, but in a burst"));
    advance(interval).await;
    let mut newest = by_hand(bulkhead.acquire_owned());
    assert!(newest.is_pending());
    drop(held.take());
    assert_eq!(burst[1].woken(), 1);
    assert_eq!(burst[1].ready().unwrap_err().reason(), Reason::Shed);
    assert!(newest.ready().is_ok(), "it has waited for no time at all");
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_waits_can_be_started_again_meanwhile() {
    let bulkhead = one().build().unwrap();
    let mut runs = 0;
    // Neither `Clone` nor `Copy`: it borrows the count.
    let make = || {
        runs += 1;
        std::future::ready(Ok::<_, ()>(runs))
    };
    let mut op = bulkhead.wrap(FromFn::new(make, &AllTransient));
    assert_eq!(op.attempt(Attempt::first()).await.unwrap(), 1);
    let held = bulkhead.try_acquire().unwrap();
    let mut waiting = by_hand(op.attempt(Attempt::first()));
    let mut second = by_hand(op.attempt(Attempt::first()));
    assert!(waiting.is_pending() && second.is_pending());
    drop(held);
    assert_eq!(waiting.ready().unwrap(), 2);
    assert_eq!(second.ready().unwrap(), 3);
    assert_eq!(op.attempt(Attempt::first()).await.unwrap(), 4);
}
