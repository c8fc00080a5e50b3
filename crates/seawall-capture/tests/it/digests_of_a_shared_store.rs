//! A digester over a store that others fill.

use seawall_capture::store::{Mute, Resolution};
use seawall_capture::{Capture, Digester, Draft, MemoryStore};

use crate::digest_bench::{Bench, SECOND};

/// Another process that records into the same store.
fn other(bench: &Bench) -> (Capture, Digester) {
    let digester = Digester::builder().clock(bench.clock.clone()).build().unwrap();
    let capture = Capture::builder().service("other").store(bench.store.clone());
    (capture.clock(bench.clock.clone()).build().unwrap(), digester)
}

fn fail(capture: &Capture, name: &str) {
    capture.record(Draft::new(name, "it broke").source("cart"));
}

/// What `digester` sends when it is quiet, as counts by type.
async fn sent(bench: &Bench, digester: &Digester) -> Vec<(String, u64, bool)> {
    bench.clock.advance(SECOND * 30);
    digester.step(&bench.sink()).await;
    let groups = bench.sent().into_iter().flat_map(|digest| digest.groups);
    groups.map(|group| (group.type_name, group.count, group.new)).collect()
}

#[tokio::test(start_paused = true)]
async fn each_occurrence_is_reported_once() {
    let bench = Bench::new();
    let (capture, digester) = other(&bench);
    fail(&capture, "before");
    assert_eq!(digester.look_at(&bench.store).await.unwrap(), 0, "the first look");
    for name in ["A", "A", "B"] {
        fail(&capture, name);
    }
    assert_eq!(digester.look_at(&bench.store).await.unwrap(), 3);
    assert_eq!(digester.look_at(&bench.store).await.unwrap(), 0);
    assert_eq!(sent(&bench, &digester).await, [("A".into(), 2, true), ("B".into(), 1, true)]);
    // A known one waits for its interval, and what is taken begins again at one.
    fail(&capture, "A");
    let batch = bench.store.take(9).unwrap();
    fail(&capture, "A");
    assert_eq!(digester.look_at(&bench.store).await.unwrap(), 1);
    assert!(sent(&bench, &digester).await.is_empty());
    assert_eq!(sent(&bench, &digester).await, [("A".into(), 1, false)]);
    assert!(bench.store.put_back(batch.id));
}

#[tokio::test(start_paused = true)]
async fn what_is_back_is_reported_at_once_and_what_is_muted_never() {
    let bench = Bench::new();
    let (capture, digester) = other(&bench);
    let name = capture.prepare(Draft::new("A", "it broke")).grouping.fingerprint;
    let look = async || digester.look_at(&bench.store).await.unwrap();
    assert_eq!(look().await, 0);
    fail(&capture, "A");
    look().await;
    assert_eq!(sent(&bench, &digester).await.len(), 1);
    assert!(bench.store.resolve(name, Resolution::NOW));
    fail(&capture, "A");
    look().await;
    assert_eq!(sent(&bench, &digester).await, [("A".into(), 1, true)]);
    assert!(bench.store.mute(name, Some(Mute::FOREVER)));
    fail(&capture, "A");
    assert_eq!(look().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_groups_is_remembered_within_a_bound() {
    let bench = Bench::new();
    let (_, digester) = other(&bench);
    let store = MemoryStore::builder().max_groups(30_000).build().unwrap();
    let capture = Capture::builder().store(store.clone()).build().unwrap();
    assert_eq!(digester.look_at(&store).await.unwrap(), 0);
    for n in 0..12_000 {
        capture.record(Draft::new("E", "x").fingerprint(n.to_string()));
    }
    assert_eq!(digester.look_at(&store).await.unwrap(), 12_000);
    let sent = sent(&bench, &digester).await;
    assert_eq!(sent.len(), 200);
}
