//! The store in memory: exact, bounded, never in the way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use seawall_capture::fingerprint::Grouping;
use seawall_capture::store::{
    DropReason, Filter, Mute, Order, Resolution, Retention, Seen, StoreError,
};
use seawall_capture::{Capture, Clock, Draft, Fingerprint, MemoryStore, Record, Timestamp};

const SECOND: Duration = Duration::from_secs(1);

fn clock() -> Clock {
    Clock::manual(Timestamp::from_millis(1_700_000_000_000))
}

fn prepare(draft: Draft) -> Record {
    Capture::builder().build().unwrap().prepare(draft)
}

fn record(name: &str) -> Record {
    prepare(Draft::new(name, "it broke"))
}

fn name_of(name: &str) -> Fingerprint {
    record(name).grouping.fingerprint
}

fn small(groups: usize, clock: &Clock) -> MemoryStore {
    let builder = MemoryStore::builder().shards(1).max_groups(groups).clock(clock.clone());
    builder.new_for(SECOND * 60).build().unwrap()
}

fn names(store: &MemoryStore) -> Vec<String> {
    let mut names: Vec<_> =
        store.list(&Filter::default()).into_iter().map(|group| group.last.type_name).collect();
    names.sort();
    names
}

#[test]
fn what_came_once_and_is_not_new_any_more_goes_first_then_the_rarest() {
    let clock = clock();
    let store = small(4, &clock);
    for name in ["often", "often", "often", "often", "twice", "twice", "once", "also"] {
        store.record(&record(name));
    }
    clock.advance(SECOND * 61);
    store.record(&record("new 1"));
    assert_eq!(
        names(&store),
        ["also", "new <num>", "often", "twice"].map(|n| n.replace("<num>", "1"))
    );
    store.record(&record("new 2"));
    assert_eq!(names(&store), ["new 1", "new 2", "often", "twice"]);
    // Both are new, but hold more than a quarter.
    store.record(&record("new 3"));
    assert_eq!(names(&store), ["new 2", "new 3", "often", "twice"]);
    let totals = store.totals();
    assert!(totals.add_up());
    assert_eq!((totals.other, totals.evicted, totals.held), (3, 3, 8));
}

#[test]
fn a_new_group_is_protected_from_what_is_rare() {
    let clock = clock();
    let store = small(8, &clock);
    for n in 0..7 {
        store.record(&record(&format!("twice {n}")));
        store.record(&record(&format!("twice {n}")));
    }
    store.record(&record("new"));
    store.record(&record("newer"));
    assert!(names(&store).contains(&"new".into()));
    assert!(!names(&store).contains(&"twice 0".into()));
}

#[test]
fn a_flood_of_distinct_messages_washes_out_nothing_that_is_known() {
    let clock = clock();
    let store = small(100, &clock);
    for n in 0..70 {
        store.record(&record(&format!("known {n}")));
        store.record(&record(&format!("known {n}")));
    }
    for n in 0..10_000 {
        store.record(&prepare(Draft::new("Flood", "x").fingerprint(format!("{n}"))));
    }
    let known = names(&store).iter().filter(|name| name.starts_with("known")).count();
    assert_eq!(known, 70);
    let totals = store.totals();
    assert_eq!((totals.recorded, totals.groups, totals.add_up()), (10_140, 100, true));
}

#[test]
fn bytes_have_a_bound() {
    let clock = clock();
    let store = MemoryStore::builder().shards(1).max_bytes(1 << 20).clock(clock).build().unwrap();
    let long = "lorem ipsum ".repeat(300);
    for n in 0..2_000 {
        let draft = Draft::new("E", &long).value("v", &long).fingerprint(format!("{n}"));
        store.record(&prepare(draft));
        let totals = store.totals();
        assert!(totals.bytes <= 1 << 20, "{}", totals.bytes);
        assert!(totals.add_up());
    }
    assert!(store.totals().groups > 20);
    // One that grows pushes others out, not itself.
    let grown = store.list(&Filter { limit: 1, ..Filter::default() }).remove(0).fingerprint;
    let draft = |n: u32| {
        let mut draft = Draft::new("E", &long).fingerprint("1999");
        for value in 0..30 {
            draft = draft.value(&format!("{n}{value}"), &long);
        }
        prepare(draft)
    };
    store.record(&draft(1));
    assert!(store.group(grown).is_some() || store.group(draft(1).grouping.fingerprint).is_some());
    assert!(store.totals().bytes <= 1 << 20);
}

#[test]
fn retention_counts_from_the_last_occurrence() {
    let clock = clock();
    let retention = Retention::of(SECOND * 100);
    let store = MemoryStore::builder().retention(retention).clock(clock.clone()).build().unwrap();
    for name in ["a", "a", "b"] {
        store.record(&record(name));
    }
    clock.advance(SECOND * 99);
    store.record(&record("b"));
    clock.advance(SECOND);
    assert_eq!(names(&store), ["b"]);
    clock.advance(SECOND * 99);
    assert!(names(&store).is_empty());
    let totals = store.totals();
    assert_eq!((totals.expired, totals.held, totals.groups, totals.add_up()), (4, 0, 0, true));
}

#[test]
fn recording_alone_ends_retentions_too() {
    let clock = clock();
    let retention = Retention::of(SECOND * 10);
    let builder = MemoryStore::builder().shards(1).retention(retention).clock(clock.clone());
    let store = builder.build().unwrap();
    for n in 0..50 {
        store.record(&record(&format!("old {n}")));
    }
    clock.advance(SECOND * 11);
    for n in 0..60 {
        store.record(&record(&format!("new {n}")));
    }
    assert_eq!(store.totals().expired, 50);
}

#[test]
fn zero_keeps_and_off_stores_nothing() {
    let clock = clock();
    let keep =
        MemoryStore::builder().retention(Retention::KEEP).clock(clock.clone()).build().unwrap();
    assert_eq!(Retention::KEEP, Retention::of(Duration::ZERO));
    keep.record(&record("a"));
    clock.advance(Duration::MAX);
    assert_eq!(keep.totals().held, 1);
    let off = MemoryStore::builder().retention(Retention::OFF).build().unwrap();
    assert_eq!(off.record(&record("a")), Seen::Dropped(DropReason::RetentionOff));
    let totals = off.totals();
    assert_eq!((totals.recorded, totals.dropped.retention_off, totals.groups), (1, 1, 0));
    assert!(totals.add_up());
}

#[test]
fn a_batch_that_nobody_comes_back_for_is_put_back() {
    let clock = clock();
    let store = MemoryStore::builder().lease(SECOND * 10).clock(clock.clone()).build().unwrap();
    store.record(&record("a"));
    let lost = store.take(9).unwrap();
    clock.advance(SECOND * 9);
    assert!(store.take(9).unwrap().is_empty());
    clock.advance(SECOND);
    assert_eq!(store.take(9).unwrap().count(), 1);
    assert!(!store.acknowledge(lost.id));
    assert!(store.totals().add_up());
}

#[test]
fn batches_in_flight_have_a_bound() {
    let store = MemoryStore::builder().clock(clock()).build().unwrap();
    let mut last = None;
    let taken = (0..100).filter_map(|_| store.take(1).ok()).inspect(|b| last = Some(b.id)).count();
    assert_eq!(taken, 64);
    assert!(matches!(store.take(1), Err(StoreError::TooManyBatches)));
    assert!(store.acknowledge(last.unwrap()));
    assert!(store.take(1).is_ok());
}

#[test]
fn what_was_evicted_goes_with_the_next_batch_and_comes_back_with_it() {
    let clock = clock();
    let store = small(1, &clock);
    for name in ["a", "b", "c"] {
        store.record(&record(name));
    }
    let batch = store.take(9).unwrap();
    assert_eq!((batch.groups.len(), batch.other, batch.count()), (1, 2, 3));
    assert_eq!(store.totals().other, 0);
    store.put_back(batch.id);
    let totals = store.totals();
    assert_eq!((totals.other, totals.held, totals.add_up()), (2, 1, true));
}

#[test]
fn failures_that_collide_are_kept_apart() {
    let store = MemoryStore::builder().clock(clock()).build().unwrap();
    let colliding = |check: u64| {
        let mut record = record(&format!("E{check}x"));
        let Grouping { version, by, .. } = record.grouping;
        record.grouping = Grouping::from_parts(Fingerprint::from_bits(42), check, version, by);
        record
    };
    for check in [1, 2, 2, 3, 1, 1] {
        store.record(&colliding(check));
    }
    let groups = store.list(&Filter { order: Order::Count, ..Filter::default() });
    let counts: Vec<_> =
        groups.iter().map(|group| (group.last.type_name.as_str(), group.count)).collect();
    assert_eq!(counts, [("E1x", 3), ("E2x", 2), ("E3x", 1)]);
    // Each goes by a name of its own.
    for group in groups {
        assert_eq!(store.group(group.fingerprint).unwrap().count, group.count);
        assert!(store.resolve(group.fingerprint, Resolution::NOW));
    }
}

#[test]
fn a_mute_by_number_begins_anew_with_each_period() {
    let clock = clock();
    let store = MemoryStore::builder().clock(clock.clone()).build().unwrap();
    store.record(&record("a"));
    assert!(store.mute(name_of("a"), Some(Mute::until(3, SECOND * 60))));
    assert_eq!([(); 2].map(|()| store.record(&record("a"))), [Seen::Muted; 2]);
    clock.advance(SECOND * 60);
    assert_eq!([(); 2].map(|()| store.record(&record("a"))), [Seen::Muted; 2]);
    assert_eq!(store.record(&record("a")), Seen::Unmuted);
    assert_eq!(store.record(&record("a")), Seen::Known);
}

#[test]
fn a_group_that_leaps_is_spiking_until_it_is_calm() {
    let clock = clock();
    let store = MemoryStore::builder().clock(clock.clone()).build().unwrap();
    for _ in 0..15 {
        store.record(&record("a"));
        clock.advance(SECOND * 60);
    }
    let seen: Vec<_> = (0..30).map(|_| store.record(&record("a"))).collect();
    assert_eq!(seen.iter().filter(|seen| **seen == Seen::Spiking).count(), 1);
    assert!(store.group(name_of("a")).unwrap().spiking);
    clock.advance(SECOND * 60 * 4);
    assert!(!store.group(name_of("a")).unwrap().spiking);
}

#[test]
fn what_is_muted_stays_so_when_it_is_evicted() {
    let clock = clock();
    let store = small(1, &clock);
    store.record(&record("a"));
    store.mute(name_of("a"), Some(Mute::FOREVER));
    store.record(&record("b"));
    assert!(store.group(name_of("a")).is_none());
    assert_eq!(store.record(&record("a")), Seen::Muted);
    assert!(store.totals().add_up());
}

#[test]
fn a_bad_configuration_is_refused_by_its_field() {
    let builder = MemoryStore::builder;
    for (field, error) in [
        ("shards", builder().shards(0).build().unwrap_err()),
        ("shards", builder().shards(257).build().unwrap_err()),
        ("max_groups", builder().max_groups(7).build().unwrap_err()),
        ("max_bytes", builder().max_bytes(1_000).build().unwrap_err()),
        ("lease", builder().lease(Duration::ZERO).build().unwrap_err()),
    ] {
        assert_eq!(error.field, field);
    }
}

/// Eight threads record while one takes, acknowledges and puts back: a million operations, and
/// every occurrence is in exactly one place.
#[test]
fn writers_and_a_flusher_race_and_the_sums_are_exact() {
    const WRITERS: u64 = 8;
    const EACH: u64 = 125_000;
    let store = MemoryStore::builder().max_groups(64).build().unwrap();
    let records: Vec<_> = (0..200).map(|n| record(&format!("kind {n}"))).collect();
    let (over, delivered) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (store, records) = (&store, &records);
                scope.spawn(move || {
                    let mut dropped = 0;
                    for n in 0..EACH {
                        let record = &records[(n * (writer + 1) % 200) as usize];
                        dropped += u64::from(matches!(store.record(record), Seen::Dropped(_)));
                    }
                    dropped
                })
            })
            .collect();
        scope.spawn(|| {
            let mut round = 0_u64;
            while !over.load(Ordering::Relaxed) {
                let batch = store.take(16).unwrap();
                assert!(store.totals().add_up());
                round += 1;
                if round.is_multiple_of(3) {
                    assert!(store.put_back(batch.id));
                } else {
                    delivered.fetch_add(batch.count(), Ordering::Relaxed);
                    assert!(store.acknowledge(batch.id));
                }
            }
        });
        let dropped: u64 = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
        over.store(true, Ordering::Relaxed);
        assert_eq!((dropped, store.totals().dropped.total()), (0, 0));
    });
    let totals = store.totals();
    assert_eq!(totals.recorded, WRITERS * EACH);
    assert_eq!(totals.delivered, delivered.load(Ordering::Relaxed));
    assert_eq!(totals.delivered + totals.pending() + totals.dropped.total(), totals.recorded);
    let listed: u64 = store.list(&Filter::default()).iter().map(|group| group.count).sum();
    assert_eq!(listed, totals.held);
    let rest = store.take(usize::MAX).unwrap();
    assert_eq!(rest.count(), totals.pending());
}

/// What can be done to a store.
#[derive(Clone, Debug)]
enum Step {
    Record(u8),
    Take(usize),
    Acknowledge(usize),
    PutBack(usize),
    Resolve(u8),
    Merge(u8, u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u8..8).prop_map(Step::Record),
        1 => (0_usize..5).prop_map(Step::Take),
        1 => (0_usize..4).prop_map(Step::Acknowledge),
        1 => (0_usize..4).prop_map(Step::PutBack),
        1 => (0_u8..8).prop_map(Step::Resolve),
        1 => (0_u8..8, 0_u8..8).prop_map(|(from, into)| Step::Merge(from, into)),
    ]
}

/// What a store with room for all should hold, in the plainest way.
#[derive(Default)]
struct Model {
    counts: HashMap<u8, u64>,
    known: HashMap<u8, bool>,
    merged: HashMap<u8, u8>,
    batches: Vec<(seawall_capture::store::BatchId, Vec<(u8, u64)>)>,
    recorded: u64,
    delivered: u64,
}

impl Model {
    fn name(&self, kind: u8) -> u8 {
        let mut kind = kind;
        while let Some(into) = self.merged.get(&kind) {
            kind = *into;
        }
        kind
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn it_is_a_map_of_counts(steps in proptest::collection::vec(step(), 1..120), shards in 1_usize..5) {
        let store = MemoryStore::builder().shards(shards).clock(clock()).build().unwrap();
        let records: Vec<_> = (0..8).map(|kind| record(&format!("kind{kind}x"))).collect();
        let name = |kind: u8| records[kind as usize].grouping.fingerprint;
        let kind_of = |of: Fingerprint| (0_u8..8).find(|kind| name(*kind) == of).unwrap();
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Record(kind) => {
                    let seen = store.record(&records[kind as usize]);
                    let into = model.name(kind);
                    let resolved = model.known.insert(into, false);
                    let wanted = match resolved {
                        None => Seen::New,
                        Some(true) => Seen::Regressed,
                        Some(false) => Seen::Known,
                    };
                    prop_assert_eq!(seen, wanted);
                    *model.counts.entry(into).or_default() += 1;
                    model.recorded += 1;
                }
                Step::Take(max) => {
                    let Ok(batch) = store.take(max) else { continue };
                    prop_assert_eq!(batch.groups.len(), max.min(model.counts.len()));
                    let mut taken = Vec::new();
                    for group in &batch.groups {
                        let kind = kind_of(group.fingerprint);
                        prop_assert_eq!(model.counts.remove(&kind), Some(group.count));
                        taken.push((kind, group.count));
                    }
                    model.batches.push((batch.id, taken));
                }
                Step::Acknowledge(n) if n < model.batches.len() => {
                    let (id, taken) = model.batches.remove(n);
                    prop_assert!(store.acknowledge(id));
                    model.delivered += taken.iter().map(|(_, count)| count).sum::<u64>();
                }
                Step::PutBack(n) if n < model.batches.len() => {
                    let (id, taken) = model.batches.remove(n);
                    prop_assert!(store.put_back(id));
                    for (kind, count) in taken {
                        let into = model.name(kind);
                        *model.counts.entry(into).or_default() += count;
                        model.known.entry(into).or_default();
                    }
                }
                Step::Acknowledge(_) | Step::PutBack(_) => {}
                Step::Resolve(kind) => {
                    let into = model.name(kind);
                    let known = model.known.contains_key(&into);
                    prop_assert_eq!(store.resolve(name(kind), Resolution::NOW), known);
                    model.known.entry(into).and_modify(|resolved| *resolved = true);
                }
                Step::Merge(from, into) => {
                    let (from_name, into_name) = (model.name(from), model.name(into));
                    let can = from_name != into_name && model.known.contains_key(&into_name);
                    prop_assert_eq!(store.merge(name(from), name(into)), can);
                    if can {
                        model.merged.insert(from_name, into_name);
                        model.known.remove(&from_name);
                        if let Some(count) = model.counts.remove(&from_name) {
                            *model.counts.entry(into_name).or_default() += count;
                        }
                    }
                }
            }
            let totals = store.totals();
            prop_assert!(totals.add_up(), "{:?}", totals);
            prop_assert_eq!(totals.recorded, model.recorded);
            prop_assert_eq!(totals.delivered, model.delivered);
            prop_assert_eq!(totals.groups, model.counts.len() as u64);
            let held: HashMap<_, _> = store
                .list(&Filter::default())
                .into_iter()
                .map(|group| (kind_of(group.fingerprint), group.count))
                .collect();
            prop_assert_eq!(&held, &model.counts);
        }
    }

    #[test]
    fn bounds_hold_whatever_comes(
        kinds in proptest::collection::vec(0_u16..300, 1..600),
        groups in 1_usize..40,
        tick in 0_u32..30,
    ) {
        let clock = clock();
        let store = small(groups, &clock);
        for (n, kind) in kinds.iter().enumerate() {
            store.record(&prepare(Draft::new("E", "x").fingerprint(kind.to_string())));
            clock.advance(SECOND * tick);
            if n % 50 == 0 {
                let batch = store.take(3).unwrap();
                store.put_back(batch.id);
            }
            let totals = store.totals();
            prop_assert!(totals.groups <= groups as u64);
            prop_assert!(totals.add_up());
            prop_assert_eq!(totals.recorded, n as u64 + 1);
        }
        let listed: u64 = store.list(&Filter::default()).iter().map(|group| group.count).sum();
        prop_assert_eq!(listed, store.totals().held);
    }
}
