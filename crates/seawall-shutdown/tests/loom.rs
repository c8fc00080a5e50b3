//! The two shared words in every interleaving of up to three preemptions.
//!
//! `RUSTFLAGS="--cfg seawall_loom" LOOM_MAX_PREEMPTIONS=3 cargo test -p seawall-shutdown --release
//! --test loom`
#![cfg(seawall_loom)]
// The words are private to the crate; here they are looked at from inside, a part at a time.
#![allow(dead_code, unreachable_pub, missing_docs)]

#[path = "../src/closable_count.rs"]
mod closable_count;
#[path = "../src/trigger.rs"]
mod trigger;

use std::future::{Future, poll_fn};

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use seawall_core::WakerSlot;

use closable_count::ClosableCount;
use trigger::Trigger;

/// Waits as long as it takes: a lost wake is a deadlock, which loom reports.
fn drain(count: &ClosableCount) -> impl Future<Output = ()> {
    let mut slot = WakerSlot::default();
    poll_fn(move |cx| count.poll_drained(&mut slot, cx))
}

#[test]
fn nobody_is_inside_or_comes_in_after_the_drain_was_seen_complete() {
    loom::model(|| {
        let count = Arc::new(ClosableCount::new());
        let inside = Arc::new(AtomicUsize::new(0));
        let guests: Vec<_> = (0..2)
            .map(|_| {
                let (count, inside) = (Arc::clone(&count), Arc::clone(&inside));
                thread::spawn(move || {
                    if count.try_acquire().is_ok() {
                        // Relaxed: that the host sees these is the count's business.
                        inside.fetch_add(1, Ordering::Relaxed);
                        inside.fetch_sub(1, Ordering::Relaxed);
                        count.release();
                        true
                    } else {
                        false
                    }
                })
            })
            .collect();
        count.close();
        // A lost wake is a deadlock here, which loom reports.
        block_on(drain(&count));
        assert_eq!(inside.load(Ordering::Relaxed), 0);
        assert_eq!(count.count(), 0);
        assert!(count.try_acquire().is_err());
        for guest in guests {
            guest.join().unwrap();
        }
        assert_eq!(count.count(), 0);
    });
}

#[test]
fn an_open_count_closes_in_the_step_in_which_it_is_found_empty() {
    loom::model(|| {
        let count = Arc::new(ClosableCount::new());
        let drained = Arc::new(AtomicUsize::new(0));
        let guest = {
            let (count, drained) = (Arc::clone(&count), Arc::clone(&drained));
            thread::spawn(move || {
                if count.try_acquire().is_ok() {
                    assert_eq!(drained.load(Ordering::SeqCst), 0, "came in after the drain");
                    count.release();
                }
            })
        };
        block_on(drain(&count));
        drained.store(1, Ordering::SeqCst);
        assert!(count.try_acquire().is_err());
        guest.join().unwrap();
    });
}

#[test]
fn a_holder_that_leaves_between_the_look_and_the_registration_is_noticed() {
    loom::model(|| {
        let count = Arc::new(ClosableCount::new());
        count.try_acquire().unwrap();
        let holder = {
            let count = Arc::clone(&count);
            thread::spawn(move || count.release())
        };
        // A count that looks before it registers, and not again, sleeps here for good.
        block_on(drain(&count));
        assert_eq!(count.count(), 0);
        holder.join().unwrap();
    });
}

#[test]
fn two_waiters_are_both_woken() {
    loom::model(|| {
        let count = Arc::new(ClosableCount::new());
        count.try_acquire().unwrap();
        let other = {
            let count = Arc::clone(&count);
            thread::spawn(move || block_on(drain(&count)))
        };
        let guest = {
            let count = Arc::clone(&count);
            thread::spawn(move || count.release())
        };
        block_on(drain(&count));
        other.join().unwrap();
        guest.join().unwrap();
        assert_eq!(count.count(), 0);
    });
}

#[test]
fn of_many_triggers_one_is_first_and_a_thread_that_sees_it_fired_finds_its_reason() {
    loom::model(|| {
        let trigger = Arc::new(Trigger::new());
        let firing: Vec<_> = (1..=2)
            .map(|reason| {
                let trigger = Arc::clone(&trigger);
                thread::spawn(move || trigger.fire(reason).then_some(reason))
            })
            .collect();
        let seen = trigger.has_fired().then(|| trigger.reason().expect("a reason"));
        let first: Vec<_> =
            firing.into_iter().filter_map(|firing| firing.join().unwrap()).collect();
        assert_eq!(first.len(), 1);
        assert_eq!(trigger.reason(), Some(first[0]));
        assert!(seen.is_none_or(|seen| seen == first[0]));
        assert!(trigger.has_fired());
    });
}
