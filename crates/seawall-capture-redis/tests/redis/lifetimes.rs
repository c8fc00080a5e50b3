//! What is kept for how long.

use std::time::Duration;

use redis::Commands;
use seawall_capture::store::{DropReason, Filter, Mute, Resolution, Retention, Seen};
use seawall_capture::{Draft, Store};
use seawall_capture_redis::RedisStore;

use crate::server::{Server, failure, record, synced, totals, until_async};

/// Does all that a store can do, and leaves some of everything behind.
async fn live(store: &RedisStore) {
    for n in 0..40 {
        store.record(&failure(&format!("E{n}x")));
    }
    synced(store).await;
    let groups = store.list(&Filter::default()).await.unwrap();
    let name = |n: usize| groups[n].fingerprint;
    assert!(store.mute(name(0), Some(Mute::FOREVER)).await.unwrap());
    assert!(store.resolve(name(1), Resolution::NOW).await.unwrap());
    assert!(store.merge(name(2), name(3)).await.unwrap());
    let delivered = store.take(5).await.unwrap();
    assert!(store.acknowledge(delivered.id).await.unwrap());
    let returned = store.take(5).await.unwrap();
    assert!(store.put_back(returned.id).await.unwrap());
    let _in_flight = store.take(5).await.unwrap();
    for n in 0..40 {
        store.record(&failure(&format!("F{n}x")));
    }
    synced(store).await;
    assert!(totals(store).await.evicted > 0);
}

/// The keys that have no time to live.
fn eternal(server: &Server) -> Vec<String> {
    let mut admin = server.admin();
    let keys: Vec<String> = admin.scan().unwrap().map(Result::unwrap).collect();
    assert!(keys.len() > 20, "{keys:?}");
    keys.into_iter().filter(|key| admin.pttl::<_, i64>(key).unwrap() < 0).collect()
}

#[tokio::test]
async fn every_key_has_a_time_to_live() {
    let Some(server) = Server::start() else { return };
    let store = server.builder().max_groups(50).build().unwrap();
    live(&store).await;
    assert_eq!(eternal(&server), Vec::<String>::new());
}

#[tokio::test]
async fn with_no_retention_only_what_guards_retries_ends() {
    let Some(server) = Server::start() else { return };
    let store = server.builder().max_groups(50).retention(Retention::KEEP).build().unwrap();
    live(&store).await;
    let eternal = eternal(&server);
    assert!(eternal.iter().any(|key| key.ends_with(":sums")), "{eternal:?}");
    let guards = |key: &&String| key.contains("}:w:") || key.contains("}:o:");
    assert_eq!(eternal.iter().find(guards), None);
}

#[tokio::test]
async fn all_keys_are_in_one_slot() {
    let Some(server) = Server::start() else { return };
    let store = server.builder().name("shop").max_groups(50).build().unwrap();
    live(&store).await;
    let keys: Vec<String> = server.admin().scan().unwrap().map(Result::unwrap).collect();
    assert!(keys.iter().all(|key| key.starts_with("{seawall:shop}:")), "{keys:?}");
}

#[tokio::test]
async fn a_group_goes_when_its_time_is_over_and_is_counted() {
    let Some(server) = Server::start() else { return };
    let retention = Retention::of(Duration::from_millis(40));
    let store = server.builder().retention(retention).build().unwrap();
    let old = failure("Old");
    store.record(&old);
    store.record(&old);
    synced(&store).await;
    // Readers do not see it any more; the next write counts it.
    until_async("it is gone", async || {
        let group = store.group(old.grouping.fingerprint).await.unwrap();
        group.is_none().then_some(())
    })
    .await;
    store.record(&failure("Young"));
    synced(&store).await;
    let totals = totals(&store).await;
    assert_eq!((totals.recorded, totals.expired, totals.held, totals.groups), (3, 2, 1, 1));
}

#[tokio::test]
async fn a_mark_outlives_the_retention_of_its_group() {
    let Some(server) = Server::start() else { return };
    // One writer lets the group go. Another asks for it, however long the machine takes meanwhile.
    let with = |retention| server.builder().retention(Retention::of(retention)).build().unwrap();
    let store = with(Duration::from_hours(1));
    let known = failure("Known");
    let name = known.grouping.fingerprint;
    store.record(&known);
    assert!(store.resolve(name, Resolution::NOW).await.unwrap());
    let forgetful = with(Duration::from_millis(40));
    until_async("it is gone", async || {
        forgetful.record(&failure("Other"));
        synced(&forgetful).await;
        store.group(name).await.unwrap().is_none().then_some(())
    })
    .await;
    store.record(&known);
    synced(&store).await;
    assert!(store.group(name).await.unwrap().unwrap().regressed);
}

#[tokio::test]
async fn off_is_off() {
    let Some(server) = Server::start() else { return };
    let store = server.builder().retention(Retention::OFF).build().unwrap();
    assert_eq!(store.record(&failure("A")), Seen::Dropped(DropReason::RetentionOff));
    synced(&store).await;
    let totals = totals(&store).await;
    assert_eq!((totals.recorded, totals.dropped.retention_off), (1, 1));
    assert_eq!(server.run::<usize>("DBSIZE"), 0);
}

#[tokio::test]
async fn a_batch_whose_taker_died_comes_back() {
    let Some(server) = Server::start() else { return };
    // Longer than taking takes on a busy machine.
    let lease = Duration::from_secs(2);
    let store = server.builder().lease(lease).max_groups(180).build().unwrap();
    for n in 0..200 {
        store.record(&failure(&format!("E{n}x")));
    }
    let dead = store.take(150).await.unwrap();
    assert_eq!((dead.groups.len(), dead.other), (150, 20));
    assert_eq!(totals(&store).await.in_flight, 170);
    let in_flight = async || {
        store.record(&record(Draft::new("Clock", "ticks")));
        synced(&store).await;
        totals(&store).await.in_flight
    };
    // It goes back in parts, and from the first of them on nobody can acknowledge it.
    let left = until_async("it begins to go back", async || {
        let left = in_flight().await;
        (left < 170).then_some(left)
    })
    .await;
    assert!(left > 0);
    assert!(!store.acknowledge(dead.id).await.unwrap());
    until_async("it is back", async || (in_flight().await == 0).then_some(())).await;
    assert!(!store.acknowledge(dead.id).await.unwrap());
    assert!(!store.put_back(dead.id).await.unwrap());
    let back = totals(&store).await;
    assert!((20..=22).contains(&back.other) && back.expired == 0, "{back:?}");
    let all = store.flush().await.unwrap();
    assert!(all.groups.len() >= 179 && all.groups.iter().all(|group| group.new));
    assert_eq!(totals(&store).await.delivered, all.count());
}
