//! What is there again after a restart.

use std::time::Duration;

use seawall_capture::fingerprint::Grouping;
use seawall_capture::store::{Filter, Mute, Resolution, Retention, Seen};
use seawall_capture::{Clock, Draft, Fingerprint, MemoryStore, Spool, Timestamp};

use super::{Folder, counted, counts, open, prepare, record, seen};

fn moment(second: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + second * 1_000)
}

#[tokio::test]
async fn groups_come_back_as_they_were() {
    let folder = Folder::new();
    let draft = |second: i64| {
        let draft = Draft::new("E", &format!("user {second} is gone")).at(moment(second));
        prepare(draft.source("cart").tag("queue", "a").value("id", "x").version("1.2.0"))
    };
    let before = {
        let (spool, store) = open(&folder.spool());
        for second in [5, 9, 7] {
            store.record(&draft(second));
        }
        spool.flush().await.unwrap();
        store.list(&Filter::default())
    };
    let (spool, store) = open(&folder.spool());
    assert_eq!(store.list(&Filter::default()), before);
    let group = &before[0];
    assert_eq!((group.count, group.first_seen, group.last_seen), (3, moment(5), moment(9)));
    let totals = store.totals();
    assert_eq!((totals.recorded, totals.held, totals.groups, totals.add_up()), (3, 3, 1, true));
    // And it goes on.
    assert_eq!(seen(&spool, &store, &draft(11)).await, Seen::Known);
    assert_eq!(store.list(&Filter::default())[0].count, 4);
}

#[tokio::test]
async fn dropping_the_last_handle_writes_what_is_left() {
    let folder = Folder::new();
    {
        let (spool, store) = open(&folder.spool());
        drop(spool);
        for _ in 0..1_000 {
            store.record(&record("A"));
        }
    }
    let (_spool, store) = open(&folder.spool());
    assert_eq!(counts(&store), counted([("A", 1_000)]));
}

#[tokio::test]
async fn a_new_group_is_written_without_anybody_asking() {
    let folder = Folder::new();
    let spool = Spool::builder(folder.spool()).every(Duration::from_hours(1)).open().unwrap();
    let store = MemoryStore::builder().spool(&spool).build().unwrap();
    spool.flush().await.unwrap();
    let before = spool.counts().entries;
    store.record(&record("A"));
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while spool.counts().entries == before {
        assert!(std::time::Instant::now() < deadline, "it was not written");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn what_was_resolved_muted_and_seen_is_known() {
    let folder = Folder::new();
    let name = |name: &str| record(name).grouping.fingerprint;
    {
        let (spool, store) = open(&folder.spool());
        for kind in ["resolved", "muted", "counting", "delivered"] {
            store.record(&record(kind));
        }
        store.resolve(name("resolved"), Resolution::in_version("1.0.0"));
        store.mute(name("muted"), Some(Mute::FOREVER));
        store.mute(name("counting"), Some(Mute::until(3, Duration::from_hours(1))));
        store.record(&record("counting"));
        store.record(&record("counting"));
        let batch = store.take(usize::MAX).unwrap();
        store.acknowledge(batch.id);
        spool.flush().await.unwrap();
    }
    let (spool, store) = open(&folder.spool());
    assert_eq!(store.totals().recorded, 0, "all of it was delivered");
    for (kind, wanted) in [
        ("resolved", Seen::Regressed),
        ("muted", Seen::Muted),
        ("counting", Seen::Unmuted),
        ("delivered", Seen::Known),
        ("other", Seen::New),
    ] {
        assert_eq!(seen(&spool, &store, &record(kind)).await, wanted, "{kind}");
    }
}

#[tokio::test]
async fn what_was_in_flight_is_held_again_with_what_came_meanwhile() {
    let folder = Folder::new();
    let (first, second);
    {
        let (spool, store) = open(&folder.spool());
        store.record(&record("A"));
        store.record(&record("B"));
        first = store.take(usize::MAX).unwrap();
        store.record(&record("A"));
        spool.flush().await.unwrap();
        // A restart here is what the copy sees.
        std::fs::copy(folder.spool(), folder.0.join("copy")).unwrap();
        assert!(store.acknowledge(first.id));
        spool.flush().await.unwrap();
    }
    {
        let (_spool, store) = open(&folder.0.join("copy"));
        assert_eq!(counts(&store), counted([("A", 2), ("B", 1)]));
        assert!(store.totals().add_up());
        // Nobody acknowledges what another process gave out.
        second = store.take(usize::MAX).unwrap();
        assert_ne!(first.id, second.id);
        assert!(!store.acknowledge(first.id));
    }
    let (_spool, store) = open(&folder.spool());
    assert_eq!(counts(&store), counted([("A", 1)]));
}

#[tokio::test]
async fn what_was_merged_stays_merged_in_flight_or_not() {
    let folder = Folder::new();
    let name = |name: &str| record(name).grouping.fingerprint;
    {
        let (spool, store) = open(&folder.spool());
        for kind in ["A", "B", "C"] {
            store.record(&record(kind));
        }
        let _in_flight = store.take(usize::MAX).unwrap();
        store.record(&record("A"));
        assert!(store.merge(name("A"), name("B")));
        assert!(store.merge(name("B"), name("C")));
        spool.flush().await.unwrap();
    }
    let (_spool, store) = open(&folder.spool());
    assert_eq!(store.list(&Filter::default()).len(), 1);
    assert_eq!(store.group(name("A")).unwrap().count, 4);
    store.record(&record("A"));
    assert_eq!(store.group(name("C")).unwrap().count, 5);
    assert!(store.totals().add_up());
}

#[tokio::test]
async fn what_was_evicted_expired_or_left_out_is_counted_and_gone() {
    let folder = Folder::new();
    let clock = Clock::manual(moment(0));
    let small = |spool: &Spool, groups| {
        let builder = MemoryStore::builder().shards(1).max_groups(groups).spool(spool);
        let retention = Retention::of(Duration::from_secs(100));
        builder.retention(retention).clock(clock.clone()).build().unwrap()
    };
    {
        let spool = Spool::open(folder.spool()).unwrap();
        let store = small(&spool, 4);
        for n in 0..20 {
            store.record(&record(&format!("kind {n}")));
            spool.flush().await.unwrap();
        }
        assert_eq!(store.totals().other, 16);
    }
    {
        // A smaller store keeps what it has room for.
        let spool = Spool::open(folder.spool()).unwrap();
        let store = small(&spool, 2);
        let totals = store.totals();
        assert_eq!((totals.groups, totals.held, totals.other, totals.recorded), (2, 2, 18, 20));
        assert!(totals.add_up());
    }
    clock.advance(Duration::from_secs(101));
    {
        let spool = Spool::open(folder.spool()).unwrap();
        let store = small(&spool, 2);
        assert!(store.list(&Filter::default()).is_empty());
        assert_eq!((store.totals().expired, store.totals().other), (2, 18));
        let batch = store.flush_all();
        assert_eq!(batch, 18);
    }
    let spool = Spool::open(folder.spool()).unwrap();
    assert_eq!(small(&spool, 2).totals().recorded, 0);
}

trait FlushAll {
    fn flush_all(&self) -> u64;
}

impl FlushAll for MemoryStore {
    fn flush_all(&self) -> u64 {
        let batch = self.take(usize::MAX).unwrap();
        assert!(self.acknowledge(batch.id));
        batch.count()
    }
}

#[tokio::test]
async fn failures_that_collide_come_back_apart() {
    let folder = Folder::new();
    let colliding = |check: u64| {
        let mut record = record(&format!("E{check}x"));
        let Grouping { version, by, .. } = record.grouping;
        record.grouping = Grouping::from_parts(Fingerprint::from_bits(42), check, version, by);
        record
    };
    {
        let (_spool, store) = open(&folder.spool());
        for check in [1, 2, 2, 3] {
            store.record(&colliding(check));
        }
    }
    let (spool, store) = open(&folder.spool());
    for check in [3, 2, 1] {
        assert_eq!(seen(&spool, &store, &colliding(check)).await, Seen::Known);
    }
    assert_eq!(counts(&store), counted([("E1x", 2), ("E2x", 3), ("E3x", 2)]));
}

#[tokio::test]
async fn a_flood_of_more_than_is_noted_is_written_all_the_same() {
    let folder = Folder::new();
    let flood = |n: u64| prepare(Draft::new("Flood", "x").fingerprint(n.to_string()));
    let held = {
        let spool = Spool::open(folder.spool()).unwrap();
        let store = MemoryStore::builder().max_groups(200).spool(&spool).build().unwrap();
        for n in 0..50_000 {
            store.record(&flood(n));
        }
        spool.flush().await.unwrap();
        let totals = store.totals();
        assert_eq!((totals.recorded, totals.add_up()), (50_000, true));
        (totals.held, totals.other, store.list(&Filter::default()))
    };
    let spool = Spool::open(folder.spool()).unwrap();
    let store = MemoryStore::builder().max_groups(200).spool(&spool).build().unwrap();
    let totals = store.totals();
    assert_eq!((totals.held, totals.other), (held.0, held.1));
    let mut groups = store.list(&Filter::default());
    let mut before = held.2;
    groups.sort_by_key(|group| group.fingerprint);
    before.sort_by_key(|group| group.fingerprint);
    assert!(groups == before);
}

#[tokio::test]
async fn as_much_as_there_is_is_written() {
    let folder = Folder::new();
    let text = "lorem ipsum ".repeat(300);
    let one = prepare(Draft::new("E", "it broke").value("long", &text));
    let record = |n: u64| {
        let mut record = one.clone();
        let Grouping { check, version, by, .. } = record.grouping;
        let name = Fingerprint::from_bits(u128::from(n) << 112);
        record.grouping = Grouping::from_parts(name, check, version, by);
        record
    };
    {
        let spool = Spool::builder(folder.spool()).every(Duration::from_hours(1)).open().unwrap();
        let store = MemoryStore::builder().spool(&spool).build().unwrap();
        spool.flush().await.unwrap();
        for n in 0..1_000 {
            store.record(&record(n));
        }
        spool.flush().await.unwrap();
        assert!(spool.counts().bytes > 5 << 20, "{:?}", spool.counts());
        assert_eq!(spool.counts().left_out, 0);
    }
    let (_spool, store) = open(&folder.spool());
    assert_eq!(store.totals().groups, 1_000);
}

#[tokio::test]
async fn a_spool_is_for_one_store_and_none_that_keeps_nothing() {
    let folder = Folder::new();
    let (spool, _store) = open(&folder.spool());
    let error = MemoryStore::builder().spool(&spool).build().unwrap_err();
    assert_eq!(error.field, "spool");
    let builder = MemoryStore::builder().spool(&spool).retention(Retention::OFF);
    assert!(builder.build().is_ok());
}
