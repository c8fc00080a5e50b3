//! What a store promises, as tests.
//!
//! Each function takes an empty store that keeps at least 100 groups and panics where the store
//! breaks its promise; [`all`] runs them one after the other. Times in records are taken as they
//! are; nothing waits for the clock.
//!
//! # Panics
//!
//! All of them: that is how they say what is wrong.

use std::future::Future;

use super::{Filter, Group, Mute, Order, Resolution, Store, Totals};
use crate::{Capture, Draft, Fingerprint, Kind, Record, Severity, Timestamp};

/// Runs all tests, each on a store of its own.
pub async fn all<S: Store, Fut: Future<Output = S>>(mut fresh: impl FnMut() -> Fut) {
    counts_by_fingerprint(&fresh().await).await;
    reading_takes_nothing_out(&fresh().await).await;
    lists_what_the_filter_lets_through(&fresh().await).await;
    takes_in_two_steps(&fresh().await).await;
    puts_back_what_did_not_arrive(&fresh().await).await;
    flushes(&fresh().await).await;
    remembers_what_it_gave_away(&fresh().await).await;
    resolves_and_regresses(&fresh().await).await;
    regresses_from_the_version_of_the_fix_on(&fresh().await).await;
    mutes(&fresh().await).await;
    merges(&fresh().await).await;
    knows_nothing_of_strangers(&fresh().await).await;
    takes_any_text(&fresh().await).await;
}

fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + seconds * 1_000)
}

fn record(draft: Draft) -> Record {
    // Only a text with nothing in it that can be wrong is built here.
    let Ok(capture) = Capture::builder().service("s").host("h").build() else { unreachable!() };
    capture.prepare(draft)
}

fn failure(name: &str, second: i64) -> Draft {
    Draft::new(name, "it broke").at(moment(second)).version("1.0.0")
}

fn put(store: &impl Store, draft: Draft) -> Fingerprint {
    let record = record(draft);
    store.record(&record);
    record.grouping.fingerprint
}

async fn synced(store: &impl Store) {
    store.sync().await.unwrap();
}

async fn get(store: &impl Store, fingerprint: Fingerprint) -> Option<Group> {
    synced(store).await;
    store.group(fingerprint).await.unwrap()
}

async fn listed(store: &impl Store, filter: &Filter) -> Vec<String> {
    synced(store).await;
    let groups = store.list(filter).await.unwrap();
    groups.into_iter().map(|group| group.last.type_name).collect()
}

async fn totals(store: &impl Store) -> Totals {
    synced(store).await;
    let totals = store.totals().await.unwrap();
    assert!(totals.add_up(), "{totals:?}");
    totals
}

async fn counts_by_fingerprint(store: &impl Store) {
    let a = put(store, failure("A", 5).source("one"));
    put(store, failure("A", 9).source("two").version("1.1.0"));
    put(store, failure("A", 7).source("one"));
    let b = put(store, failure("B", 6));
    let group = get(store, a).await.unwrap();
    assert_eq!((group.count, group.first_seen, group.last_seen), (3, moment(5), moment(9)));
    assert_eq!((group.sources.get("one"), group.sources.get("two")), (Some(2), Some(1)));
    assert_eq!((group.versions.get("1.0.0"), group.versions.get("1.1.0")), (Some(2), Some(1)));
    assert_eq!(group.first.at, moment(5));
    assert_eq!(group.fingerprint, a);
    assert_eq!(group.fingerprint_version, crate::fingerprint::VERSION);
    assert!(group.new && !group.regressed);
    assert_eq!(get(store, b).await.unwrap().count, 1);
    let totals = totals(store).await;
    assert_eq!((totals.recorded, totals.held, totals.groups), (4, 4, 2));
}

async fn reading_takes_nothing_out(store: &impl Store) {
    let a = put(store, failure("A", 1));
    for _ in 0..2 {
        assert_eq!(get(store, a).await.unwrap().count, 1);
        assert_eq!(listed(store, &Filter::default()).await, ["A"]);
        assert_eq!(store.top(5).await.unwrap().len(), 1);
        assert_eq!(totals(store).await.held, 1);
    }
}

async fn lists_what_the_filter_lets_through(store: &impl Store) {
    put(store, failure("A", 1).severity(Severity::Low).kind(Kind::Logic).source("x"));
    put(store, failure("B", 2).severity(Severity::High).kind(Kind::Security));
    put(store, failure("B", 3).severity(Severity::High).kind(Kind::Security));
    put(store, failure("C", 4));
    let filter = Filter::default;
    assert_eq!(listed(store, &filter()).await, ["C", "B", "A"]);
    let by_count = Filter { order: Order::Count, limit: 1, ..filter() };
    assert_eq!(listed(store, &by_count).await, ["B"]);
    let since = Filter { since: Some(moment(3)), ..filter() };
    assert_eq!(listed(store, &since).await, ["C", "B"]);
    let severe = Filter { severity: Some(Severity::Medium), ..filter() };
    assert_eq!(listed(store, &severe).await, ["B"]);
    assert_eq!(listed(store, &Filter { kind: Some(Kind::Logic), ..filter() }).await, ["A"]);
    assert_eq!(listed(store, &Filter { source: Some("x".into()), ..filter() }).await, ["A"]);
    assert_eq!(listed(store, &Filter { text: Some("BROKE".into()), ..filter() }).await.len(), 3);
    assert!(listed(store, &Filter { text: Some("whole".into()), ..filter() }).await.is_empty());
    assert!(listed(store, &Filter { limit: 0, ..filter() }).await.is_empty());
}

async fn takes_in_two_steps(store: &impl Store) {
    let a = put(store, failure("A", 1));
    put(store, failure("B", 1));
    synced(store).await;
    let batch = store.take(1).await.unwrap();
    assert_eq!(batch.groups.len(), 1);
    let rest = store.take(usize::MAX).await.unwrap();
    assert_eq!(rest.groups.len(), 1);
    assert_eq!(totals(store).await.in_flight, 2);
    assert!(get(store, a).await.is_none());
    put(store, failure("A", 2));
    assert_eq!(get(store, a).await.unwrap().count, 1);
    assert!(store.acknowledge(batch.id).await.unwrap());
    assert!(store.acknowledge(rest.id).await.unwrap());
    assert!(!store.acknowledge(batch.id).await.unwrap());
    assert!(!store.put_back(batch.id).await.unwrap());
    let totals = totals(store).await;
    assert_eq!((totals.recorded, totals.delivered, totals.held, totals.in_flight), (3, 2, 1, 0));
}

async fn puts_back_what_did_not_arrive(store: &impl Store) {
    let a = put(store, failure("A", 1).source("one"));
    put(store, failure("A", 2).source("one"));
    let b = put(store, failure("B", 2));
    synced(store).await;
    let batch = store.take(usize::MAX).await.unwrap();
    assert_eq!(batch.count(), 3);
    put(store, failure("A", 9).source("two"));
    synced(store).await;
    assert!(store.put_back(batch.id).await.unwrap());
    assert!(!store.put_back(batch.id).await.unwrap());
    let group = get(store, a).await.unwrap();
    assert_eq!((group.count, group.first_seen, group.last_seen), (3, moment(1), moment(9)));
    assert_eq!((group.first.at, group.last.at), (moment(1), moment(9)));
    assert_eq!((group.sources.get("one"), group.sources.get("two")), (Some(2), Some(1)));
    assert!(group.new);
    assert_eq!(get(store, b).await.unwrap().count, 1);
    let totals = totals(store).await;
    assert_eq!((totals.recorded, totals.held, totals.in_flight), (4, 4, 0));
}

async fn flushes(store: &impl Store) {
    for n in 0..50 {
        put(store, failure(&format!("E{n}x"), n));
    }
    synced(store).await;
    let batch = store.flush().await.unwrap();
    assert_eq!((batch.groups.len(), batch.count()), (50, 50));
    let totals = totals(store).await;
    assert_eq!((totals.delivered, totals.held, totals.groups), (50, 0, 0));
    assert!(store.flush().await.unwrap().is_empty());
}

async fn remembers_what_it_gave_away(store: &impl Store) {
    let a = put(store, failure("A", 1));
    assert!(get(store, a).await.unwrap().new);
    let _ = store.flush().await.unwrap();
    put(store, failure("A", 2));
    assert!(!get(store, a).await.unwrap().new);
}

async fn resolves_and_regresses(store: &impl Store) {
    let a = put(store, failure("A", 1));
    synced(store).await;
    assert!(store.resolve(a, Resolution::NOW).await.unwrap());
    let group = get(store, a).await.unwrap();
    assert!(!group.new && !group.regressed && group.resolved == Some(Resolution::NOW));
    put(store, failure("A", 2));
    let group = get(store, a).await.unwrap();
    assert!(group.regressed && group.resolved.is_none() && group.count == 2);
    // What is resolved stays so when it is taken.
    assert!(store.resolve(a, Resolution::NOW).await.unwrap());
    let _ = store.flush().await.unwrap();
    put(store, failure("A", 3));
    assert!(get(store, a).await.unwrap().regressed);
}

async fn regresses_from_the_version_of_the_fix_on(store: &impl Store) {
    let a = put(store, failure("A", 1));
    synced(store).await;
    assert!(store.resolve(a, Resolution::in_version("1.10.0")).await.unwrap());
    put(store, failure("A", 2).version("1.9.3"));
    let group = get(store, a).await.unwrap();
    assert!(!group.regressed && group.resolved.is_some());
    put(store, failure("A", 3).version("1.10.0"));
    assert!(get(store, a).await.unwrap().regressed);
}

async fn mutes(store: &impl Store) {
    let a = put(store, failure("A", 1));
    synced(store).await;
    assert!(store.mute(a, Some(Mute::FOREVER)).await.unwrap());
    put(store, failure("A", 2));
    let group = get(store, a).await.unwrap();
    assert_eq!((group.muted, group.count), (Some(Mute::FOREVER), 2));
    assert!(store.mute(a, None).await.unwrap());
    assert_eq!(get(store, a).await.unwrap().muted, None);
    let mute = Mute::until(3, std::time::Duration::from_hours(1));
    assert!(store.mute(a, Some(mute)).await.unwrap());
    for second in 3..5 {
        put(store, failure("A", second));
    }
    assert_eq!(get(store, a).await.unwrap().muted, Some(mute));
    put(store, failure("A", 5));
    assert_eq!(get(store, a).await.unwrap().muted, None);
}

async fn merges(store: &impl Store) {
    let names = ["A", "B", "C"];
    let [a, b, c] = names.map(|name| put(store, failure(name, 1).source(name)));
    synced(store).await;
    assert!(store.merge(a, b).await.unwrap());
    assert!(store.merge(b, c).await.unwrap());
    assert!(!store.merge(a, c).await.unwrap());
    assert!(!store.merge(c, a).await.unwrap());
    put(store, failure("A", 2));
    let group = get(store, a).await.unwrap();
    assert_eq!((group.fingerprint, group.count), (c, 4));
    assert_eq!(group.sources.get("A"), Some(1));
    let totals = totals(store).await;
    assert_eq!((totals.recorded, totals.held, totals.groups), (4, 4, 1));
    // A batch that was taken before a merge is put back to where its group is now.
    let d = put(store, failure("D", 3));
    synced(store).await;
    let batch = store.take(usize::MAX).await.unwrap();
    assert!(store.merge(d, c).await.unwrap());
    assert!(store.put_back(batch.id).await.unwrap());
    assert_eq!(get(store, d).await.unwrap().count, 5);
}

async fn knows_nothing_of_strangers(store: &impl Store) {
    let known = put(store, failure("A", 1));
    synced(store).await;
    let stranger = Fingerprint::from_bits(7);
    assert!(get(store, stranger).await.is_none());
    assert!(!store.resolve(stranger, Resolution::NOW).await.unwrap());
    assert!(!store.mute(stranger, None).await.unwrap());
    assert!(!store.merge(known, stranger).await.unwrap());
    assert!(!store.acknowledge(super::BatchId(u64::MAX)).await.unwrap());
}

async fn takes_any_text(store: &impl Store) {
    let hostile = "\0\r\n\"'\\{}[]:;,<b>&amp;\u{1f}\u{202e}é日\u{fffd}$(x)`y`%s%n../..";
    let draft = Draft::new(hostile, hostile)
        .at(moment(1))
        .source(hostile)
        .correlation_id(hostile)
        .tag(hostile, hostile)
        .value(hostile, hostile)
        .fingerprint(hostile);
    let record = record(draft);
    store.record(&record);
    let group = get(store, record.grouping.fingerprint).await.unwrap();
    assert_eq!(group.last, record);
    assert_eq!(group.sources.get(&record.source), Some(1));
    let huge = "x y ".repeat(1 << 20);
    let record = self::record(Draft::new(&huge, &huge).source(&huge).value("v", &huge));
    store.record(&record);
    assert!(get(store, record.grouping.fingerprint).await.unwrap().last.footprint() < 1 << 15);
}
