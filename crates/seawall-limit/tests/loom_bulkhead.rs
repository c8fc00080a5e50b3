//! Every interleaving of a few threads on one bulkhead.
#![cfg(seawall_loom)]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use loom::future::block_on;
use loom::thread;
use seawall_limit::{Bulkhead, Priority};

fn one() -> Bulkhead {
    Bulkhead::builder().limit(1).queue(4, Duration::MAX).build().unwrap()
}

#[test]
fn two_waiters_and_a_releaser_nobody_is_forgotten() {
    loom::model(|| {
        let builder = Bulkhead::builder().limit(1).queue(4, Duration::MAX);
        let bulkhead = builder.partition("gold", 0.5).build().unwrap();
        let gold = bulkhead.partition("gold").unwrap();
        let held = gold.try_acquire_owned().unwrap();
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let gold = gold.clone();
                thread::spawn(move || block_on(gold.acquire_owned()).map(drop).unwrap())
            })
            .collect();
        drop(held);
        for waiter in waiters {
            waiter.join().unwrap();
        }
        let rest = bulkhead.snapshot();
        assert_eq!((rest.in_flight, rest.queued), (0, 0));
        assert_eq!(rest.partitions[0].in_flight, 0);
    });
}

#[test]
fn a_grant_to_one_that_goes_away_reaches_the_next() {
    loom::model(|| {
        let bulkhead = one();
        let held = bulkhead.try_acquire_owned().unwrap();
        let goes = thread::spawn({
            let bulkhead = bulkhead.clone();
            move || {
                let mut wait = pin!(bulkhead.acquire());
                let mut cx = Context::from_waker(Waker::noop());
                // Granted or not: it goes away.
                let _ = wait.as_mut().poll(&mut cx);
            }
        });
        let stays = thread::spawn({
            let bulkhead = bulkhead.clone();
            move || block_on(bulkhead.acquire_owned()).map(drop).unwrap()
        });
        drop(held);
        goes.join().unwrap();
        stays.join().unwrap();
        let rest = bulkhead.snapshot();
        assert_eq!((rest.in_flight, rest.queued), (0, 0));
    });
}

#[test]
fn a_higher_limit_and_a_release_start_both_waiters() {
    loom::model(|| {
        let bulkhead = one();
        let held = bulkhead.try_acquire_owned().unwrap();
        let waiter = thread::spawn({
            let bulkhead = bulkhead.clone();
            move || block_on(bulkhead.acquire_owned()).unwrap()
        });
        let resizer = thread::spawn({
            let bulkhead = bulkhead.clone();
            move || bulkhead.set_limit(2).unwrap()
        });
        let permit = waiter.join().unwrap();
        resizer.join().unwrap();
        assert_eq!(bulkhead.snapshot().in_flight, 2);
        drop((held, permit));
        assert_eq!(bulkhead.snapshot().in_flight, 0);
    });
}

#[test]
fn a_lower_limit_is_never_missed_by_an_acquire() {
    loom::model(|| {
        let bulkhead = Bulkhead::builder().limit(2).build().unwrap();
        let _held = bulkhead.try_acquire_owned().unwrap();
        let resizer = thread::spawn({
            let bulkhead = bulkhead.clone();
            move || {
                bulkhead.set_limit(1).unwrap();
                // From here on no other may start.
                let before = bulkhead.snapshot().in_flight;
                let after = bulkhead.snapshot().in_flight;
                assert!(after <= before, "one started above the new limit");
            }
        });
        let permit = bulkhead.try_acquire_owned();
        resizer.join().unwrap();
        drop(permit);
        assert!(bulkhead.try_acquire().is_err());
    });
}

#[test]
fn closing_reaches_a_waiter_that_is_just_coming() {
    loom::model(|| {
        let bulkhead = one();
        let held = bulkhead.try_acquire_owned().unwrap();
        let waiter = thread::spawn({
            let bulkhead = bulkhead.clone();
            move || block_on(bulkhead.acquire_owned()).is_err()
        });
        bulkhead.close();
        assert!(waiter.join().unwrap());
        drop(held);
        let rest = bulkhead.snapshot();
        assert_eq!((rest.in_flight, rest.queued), (0, 0));
    });
}

#[test]
fn what_is_kept_free_of_one_that_waits_is_there_for_a_more_important_call() {
    loom::model(|| {
        let builder = Bulkhead::builder().limit(2).queue(4, Duration::MAX).by_priority();
        let bulkhead = builder.priority_share(Priority::Low, 0.5).build().unwrap();
        let low = bulkhead.with_priority(Priority::Low);
        let held = low.try_acquire_owned().unwrap();
        let waits = thread::spawn(move || block_on(low.acquire_owned()).map(drop).unwrap());
        // Neither has to wait for the permit that is held.
        drop(block_on(bulkhead.acquire_owned()).unwrap());
        drop(bulkhead.try_acquire().unwrap());
        drop(held);
        waits.join().unwrap();
        let rest = bulkhead.snapshot();
        assert_eq!((rest.in_flight, rest.queued), (0, 0));
    });
}

#[test]
fn a_call_that_comes_after_the_limit_was_raised_is_not_refused_by_the_older_one() {
    loom::model(|| {
        let bulkhead = Bulkhead::builder().limit(3).queue(4, Duration::MAX).build().unwrap();
        let _held = bulkhead.try_acquire_owned().unwrap();
        let mut first = pin!(bulkhead.with_weight(3).unwrap().acquire_owned());
        let mut cx = Context::from_waker(Waker::noop());
        // So that there is a waiter, and the lower limit looks at it.
        assert!(first.as_mut().poll(&mut cx).is_pending());
        let lower = thread::spawn({
            let bulkhead = bulkhead.clone();
            move || bulkhead.set_limit(2).unwrap()
        });
        bulkhead.set_limit(3).unwrap();
        let mut heavy = pin!(bulkhead.with_weight(3).unwrap().acquire_owned());
        let waits = heavy.as_mut().poll(&mut cx).is_pending();
        lower.join().unwrap();
        // Else the limit was lowered last, and it is.
        if bulkhead.snapshot().limit == 3 {
            assert!(waits && heavy.as_mut().poll(&mut cx).is_pending());
        }
    });
}
