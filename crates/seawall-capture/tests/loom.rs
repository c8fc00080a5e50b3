//! Recording against taking, in every interleaving.
#![cfg(seawall_loom)]

use loom::thread;
use seawall_capture::store::{Filter, Seen};
use seawall_capture::{Capture, Clock, Draft, MemoryStore, Record, Timestamp};

fn store() -> MemoryStore {
    let clock = Clock::manual(Timestamp::from_millis(0));
    MemoryStore::builder().shards(1).clock(clock).build().unwrap()
}

fn record(name: &str) -> Record {
    Capture::builder().host("h").store(store()).build().unwrap().prepare(Draft::new(name, "x"))
}

#[test]
fn what_is_recorded_while_a_batch_is_taken_is_in_the_batch_or_left() {
    loom::model(|| {
        let store = store();
        store.record(&record("a"));
        let writer = {
            let (store, record) = (store.clone(), record("a"));
            thread::spawn(move || store.record(&record))
        };
        let batch = store.take(usize::MAX).unwrap();
        let seen = writer.join().unwrap();
        assert_eq!(seen, Seen::Known);
        assert!(store.acknowledge(batch.id));
        let totals = store.totals();
        assert_eq!(totals.recorded, 2);
        assert_eq!((totals.delivered, batch.count() + totals.held), (batch.count(), 2));
        assert!(totals.add_up());
    });
}

#[test]
fn two_that_meet_in_one_shard_are_both_counted() {
    loom::model(|| {
        let store = store();
        let writers: Vec<_> = ["a", "b"]
            .into_iter()
            .map(|name| {
                let (store, record) = (store.clone(), record(name));
                thread::spawn(move || store.record(&record))
            })
            .collect();
        for writer in writers {
            assert!(!matches!(writer.join().unwrap(), Seen::Dropped(_)));
        }
        let counts: Vec<_> = store.list(&Filter::default()).iter().map(|g| g.count).collect();
        assert_eq!(counts, [1, 1]);
        assert!(store.totals().add_up());
    });
}

#[test]
fn a_merge_while_something_is_recorded_loses_nothing() {
    loom::model(|| {
        let store = store();
        let (a, b) = (record("a"), record("b"));
        store.record(&a);
        store.record(&b);
        let writer = {
            let (store, record) = (store.clone(), a.clone());
            thread::spawn(move || store.record(&record))
        };
        assert!(store.merge(a.grouping.fingerprint, b.grouping.fingerprint));
        writer.join().unwrap();
        let groups = store.list(&Filter::default());
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].count, 3);
        assert!(store.totals().add_up());
    });
}
