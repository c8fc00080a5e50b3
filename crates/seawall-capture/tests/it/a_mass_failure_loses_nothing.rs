//! Many threads fail of the same at once: each occurrence is counted.

use seawall_capture::store::{Filter, Seen};
use seawall_capture::{Capture, Draft, MemoryStore};

const EACH: u64 = 10_000;

#[test]
fn of_one_failure_from_many_threads() {
    let record = Capture::builder().build().unwrap().prepare(Draft::new("Gone", "it is gone"));
    for threads in [4, 8, 32] {
        let store = MemoryStore::default();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    for _ in 0..EACH {
                        assert!(matches!(store.record(&record), Seen::New | Seen::Known));
                    }
                });
            }
        });
        let totals = store.totals();
        assert_eq!((totals.recorded, totals.held), (threads * EACH, threads * EACH));
        assert_eq!(totals.dropped.total(), 0);
        assert_eq!(store.list(&Filter::default())[0].count, threads * EACH);
    }
}

/// Readers walk over everything at the same time.
#[test]
fn while_it_is_read() {
    let capture = Capture::builder().build().unwrap();
    let records: Vec<_> = (0..200)
        .map(|n| capture.prepare(Draft::new("E", "it broke").fingerprint(n.to_string())))
        .collect();
    let store = MemoryStore::builder().shards(1).build().unwrap();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let all = records.iter().cycle().take(5_000);
                    all.filter(|record| matches!(store.record(record), Seen::Dropped(_))).count()
                })
            })
            .collect();
        scope.spawn(|| {
            for _ in 0..20 {
                store.list(&Filter { text: Some("nowhere".into()), ..Filter::default() });
                assert!(store.totals().add_up());
            }
        });
        assert_eq!(writers.into_iter().map(|writer| writer.join().unwrap()).sum::<usize>(), 0);
    });
    assert_eq!(store.totals().held, 20_000);
}
