//! The server is away, slow, read-only, full, flushed or not ours: recording goes on, and what was
//! kept is merged when it is back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use seawall_capture::Store;
use seawall_capture::store::{Filter, StoreError};
use seawall_capture_redis::{RedisStore, RedisStoreBuilder};

use crate::server::{Server, failure, synced, totals, until, until_async};

/// A store whose outages are over soon.
fn hasty(server: &Server) -> RedisStore {
    let pipeline = seawall_capture_redis::RedisStoreBuilder::default_pipeline()
        .timeout(Duration::from_millis(200))
        .attempt_timeout(Duration::from_millis(50));
    server.builder().pipeline(pipeline).interval(Duration::from_millis(1)).build().unwrap()
}

async fn is_away(store: &RedisStore) {
    until_async("the server is away", async || match store.sync().await {
        Err(StoreError::Unavailable(_)) => Some(()),
        Err(error) => panic!("{error}"),
        Ok(()) => None,
    })
    .await;
}

/// Records `all` failures of 200 kinds on a thread of its own, and lets the test do things in the
/// middle: `at` is how many were recorded.
struct Recording {
    thread: thread::JoinHandle<()>,
    at: Arc<AtomicU64>,
}

impl Recording {
    fn of(store: &RedisStore, all: u64) -> Self {
        let (store, at) = (store.clone(), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&at);
        let thread = thread::spawn(move || {
            let kinds: Vec<_> = (0..200).map(|n| failure(&format!("E{n}x"))).collect();
            for (n, kind) in (0..all).zip(kinds.iter().cycle()) {
                store.record(kind);
                counted.store(n + 1, Ordering::Relaxed);
                if n % 100 == 0 {
                    // Slow enough for much to happen meanwhile.
                    thread::yield_now();
                }
            }
        });
        Self { thread, at }
    }

    fn until(&self, recorded: u64) {
        until("enough is recorded", || (self.at.load(Ordering::Relaxed) >= recorded).then_some(()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_in_the_middle_of_100_000_operations() {
    let Some(mut server) = Server::durable() else { return };
    let store = hasty(&server);
    let run = tokio::spawn({
        let store = store.clone();
        async move { store.run().await }
    });
    let recording = Recording::of(&store, 100_000);
    let (recording, mut server) = tokio::task::spawn_blocking(move || {
        for n in 1..=5 {
            recording.until(n * 15_000);
            server.kill();
            recording.until(n * 15_000 + 7_500);
            server.restart();
        }
        recording.thread.join().unwrap();
        (recording.at, server)
    })
    .await
    .unwrap();
    assert_eq!(recording.load(Ordering::Relaxed), 100_000);
    run.abort();
    let _ = run.await;
    synced(&store).await;
    let sums = totals(&store).await;
    assert_eq!((sums.recorded, sums.held + sums.dropped.total()), (100_000, 100_000));
    let local = store.local();
    assert_eq!((local.recorded, local.delivered + local.dropped.total()), (100_000, 100_000));
    // It is all on disk, too.
    server.kill();
    server.restart();
    assert_eq!(totals(&server.store()).await, sums);
}

/// Without a disk what the server had is gone with it; what it did not have is not.
#[tokio::test]
async fn a_server_without_a_disk_that_is_killed_loses_what_it_had() {
    let Some(mut server) = Server::start() else { return };
    let store = hasty(&server);
    (0..10).for_each(|_| _ = store.record(&failure("A")));
    synced(&store).await;
    server.kill();
    (0..7).for_each(|_| _ = store.record(&failure("A")));
    is_away(&store).await;
    assert_eq!(store.local().held + store.local().in_flight, 7);
    (0..5).for_each(|_| _ = store.record(&failure("B")));
    server.restart();
    synced(&store).await;
    assert_eq!(totals(&store).await.recorded, 12);
}

#[tokio::test]
async fn a_server_that_was_never_there() {
    let store = RedisStore::at("redis+unix:///nowhere/at/all").unwrap();
    for n in 0..1_000 {
        store.record(&failure(&format!("E{}x", n % 10)));
    }
    assert!(matches!(store.sync().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.list(&Filter::default()).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(Store::totals(&store).await, Err(StoreError::Unavailable(_))));
    let local = store.local();
    assert_eq!((local.recorded, local.in_flight, local.groups), (1_000, 1_000, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_holds_nobody_up() {
    let Some(server) = Server::start() else { return };
    let store = hasty(&server);
    store.record(&failure("A"));
    synced(&store).await;
    let asleep = Arc::new(AtomicBool::new(true));
    let sleeper = thread::spawn({
        let (mut admin, asleep) = (server.admin(), Arc::clone(&asleep));
        move || {
            redis::cmd("DEBUG").arg("SLEEP").arg(1.0).query::<()>(&mut admin).unwrap();
            asleep.store(false, Ordering::SeqCst);
        }
    });
    let mut recorded = 1;
    until_async("the server hangs", async || {
        store.record(&failure("A"));
        recorded += 1;
        matches!(store.sync().await, Err(StoreError::Unavailable(_))).then_some(())
    })
    .await;
    assert!(asleep.load(Ordering::SeqCst));
    while asleep.load(Ordering::SeqCst) {
        store.record(&failure("A"));
        recorded += 1;
        let _away = store.sync().await;
    }
    sleeper.join().unwrap();
    synced(&store).await;
    // What was sent while it slept, and given up, is applied once too.
    assert_eq!(totals(&store).await.recorded, recorded);
    assert_eq!(totals(&server.store()).await.recorded, recorded);
}

#[tokio::test]
async fn a_server_that_is_paused_is_merged_with_when_it_goes_on() {
    let Some(server) = Server::start() else { return };
    let store = hasty(&server);
    store.record(&failure("A"));
    synced(&store).await;
    server.run::<()>("CLIENT PAUSE 100000 WRITE");
    (0..100).for_each(|_| _ = store.record(&failure("A")));
    is_away(&store).await;
    server.run::<()>("CLIENT UNPAUSE");
    synced(&store).await;
    assert_eq!(totals(&store).await.recorded, 101);
}

#[tokio::test]
async fn a_read_only_server_is_read_and_written_to_when_it_may_be() {
    let Some(server) = Server::start() else { return };
    let store = hasty(&server);
    let record = failure("A");
    let name = record.grouping.fingerprint;
    store.record(&record);
    synced(&store).await;
    // A replica of nobody: its master is not there.
    server.run::<()>("REPLICAOF 127.0.0.1 1");
    (0..10).for_each(|_| _ = store.record(&record));
    is_away(&store).await;
    let group = until_async("it reads", async || store.group(name).await.ok()).await;
    assert_eq!(group.unwrap().count, 1);
    assert!(matches!(store.take(1).await, Err(StoreError::Unavailable(_))));
    server.run::<()>("REPLICAOF NO ONE");
    synced(&store).await;
    assert_eq!(store.group(name).await.unwrap().unwrap().count, 11);
    assert_eq!(totals(&store).await.recorded, 11);
}

#[tokio::test]
async fn a_server_that_wants_replicas_or_has_no_memory_takes_it_later() {
    let Some(server) = Server::start() else { return };
    let store = hasty(&server);
    let refusals =
        [("min-replicas-to-write 1", "min-replicas-to-write 0"), ("maxmemory 1", "maxmemory 0")];
    for (round, (refuse, allow)) in (1..).zip(refusals) {
        server.run::<()>(&format!("CONFIG SET {refuse}"));
        (0..10).for_each(|_| _ = store.record(&failure("A")));
        is_away(&store).await;
        server.run::<()>(&format!("CONFIG SET {allow}"));
        synced(&store).await;
        assert_eq!(totals(&store).await.recorded, round * 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_flushed_goes_on_from_nothing() {
    let Some(server) = Server::start() else { return };
    let store = server.store();
    (0..10).for_each(|_| _ = store.record(&failure("A")));
    let batch = store.take(1).await.unwrap();
    store.record(&failure("B"));
    synced(&store).await;
    (0..5).for_each(|_| _ = store.record(&failure("A")));
    server.run::<()>("FLUSHALL");
    assert!(!store.acknowledge(batch.id).await.unwrap());
    assert!(!store.put_back(batch.id).await.unwrap());
    synced(&store).await;
    let sums = totals(&store).await;
    assert_eq!((sums.recorded, sums.held, sums.in_flight), (5, 5, 0));
    // In the middle of many: what is there adds up, whatever was lost.
    let recording = Recording::of(&store, 20_000);
    for n in 1..=10 {
        synced(&store).await;
        recording.until(n * 1_500);
        server.run::<()>("FLUSHALL");
    }
    recording.thread.join().unwrap();
    store.record(&failure("A"));
    synced(&store).await;
    let sums = totals(&store).await;
    assert!(sums.recorded > 0 && sums.recorded <= 20_001, "{sums:?}");
    let local = store.local();
    assert_eq!(local.delivered + local.dropped.total(), 20_017);
}

#[tokio::test]
async fn keys_of_others_are_said_to_be_broken_and_cost_nothing() {
    let Some(server) = Server::start() else { return };
    let store = server.store();
    for key in ["sums", "count", "sizes", "aliases", "leases"] {
        server.run::<()>(&format!("SET {{seawall:default}}:{key} another's"));
        store.record(&failure("A"));
        assert!(matches!(store.sync().await, Err(StoreError::Corrupt(_))), "{key}");
        server.run::<()>(&format!("DEL {{seawall:default}}:{key}"));
    }
    synced(&store).await;
    assert_eq!(totals(&store).await.recorded, 5);
    // A key of a group is written over, and what it held is counted as expired.
    let name = failure("A").grouping.fingerprint;
    server.run::<()>(&format!("SET {{seawall:default}}:g:{name} another's"));
    store.record(&failure("A"));
    synced(&store).await;
    let sums = totals(&store).await;
    assert_eq!((sums.recorded, sums.held, sums.expired), (6, 1, 5));
}

#[tokio::test]
async fn callers_do_not_wait_for_a_server_that_is_away() {
    let Some(mut server) = Server::start() else { return };
    // With the patience of the other tests it takes too long until nothing is answered for sure.
    let impatient = RedisStoreBuilder::default_pipeline();
    let store = server.builder().pipeline(impatient).build().unwrap();
    synced(&store).await;
    store.record(&failure("A"));
    server.kill();
    let rejected = until_async("the circuit is open", async || {
        let Err(StoreError::Unavailable(error)) = store.sync().await else { panic!("it is away") };
        error.to_string().contains("open").then(|| error.to_string())
    })
    .await;
    assert!(rejected.contains("redis"), "{rejected}");
    server.restart();
    synced(&store).await;
    assert_eq!(totals(&store).await.recorded, 1);
}
