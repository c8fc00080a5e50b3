//! Every interleaving of calls that take no lock with one that waits.

use std::sync::Arc;

use loom::thread;

use super::words::{Left, Words};

const TIME: u64 = 1_000;

/// Words that let `limit` requests in, of which `in_flight` are.
fn words(limit: u32, in_flight: u32) -> Arc<Words> {
    let words = Words::new();
    words.publish(0, limit, TIME);
    for _ in 0..in_flight {
        assert!(words.try_enter(TIME));
    }
    Arc::new(words)
}

#[test]
fn no_waiter_is_left_behind_by_the_last_call_in_flight() {
    loom::model(|| {
        let words = words(1, 1);
        let last = thread::spawn({
            let words = Arc::clone(&words);
            move || words.leave(1, 1)
        });
        // A call that waits, as `Shared::change` does it under the lock.
        let was_free = words.publish(0, 0, TIME);
        assert!(was_free);
        let sees_it_gone = words.in_flight() == 0;
        let left = last.join().unwrap();
        assert!(sees_it_gone || left != Left::Done, "nobody would start the waiter");
        assert_eq!(words.in_flight(), u32::from(left == Left::Not));
    });
}

#[test]
fn no_place_is_lost_and_none_is_given_twice() {
    loom::model(|| {
        let words = words(1, 0);
        let call = |words: &Words| {
            let entered = words.try_enter(TIME);
            if entered {
                assert_ne!(words.leave(1, 1), Left::Not);
            }
            u32::from(entered)
        };
        let other = thread::spawn({
            let words = Arc::clone(&words);
            move || call(&words)
        });
        let taken = words.take().map_or(0, |batch| batch.count);
        let entered = call(&words) + other.join().unwrap();
        let learned = taken + words.take().map_or(0, |batch| batch.count);
        assert_eq!((words.in_flight(), learned), (0, entered), "each answer is learned once");
    });
}

#[test]
fn no_more_enter_than_the_limit() {
    loom::model(|| {
        let words = words(1, 0);
        let other = thread::spawn({
            let words = Arc::clone(&words);
            move || words.try_enter(TIME)
        });
        let one = words.try_enter(TIME);
        let other = other.join().unwrap();
        assert!(!(one && other));
        assert_eq!(words.in_flight(), u32::from(one) + u32::from(other));
    });
}
