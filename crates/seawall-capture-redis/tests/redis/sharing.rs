//! Many threads, many processes, one store.

use std::thread;
use std::time::Duration;

use seawall_capture::store::{Filter, Mute, Seen};
use seawall_capture::{Draft, Store};

use crate::server::{Server, failure, record, synced, totals, until_async};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_threads_of_two_processes_lose_nothing() {
    let Some(server) = Server::start() else { return };
    let stores =
        [(); 2].map(|()| server.builder().interval(Duration::from_millis(20)).build().unwrap());
    let runs = stores.clone().map(|store| tokio::spawn(async move { store.run().await }));
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let store = stores[thread % 2].clone();
            thread::spawn(move || {
                for n in 0..5_000 {
                    store.record(&failure(&format!("E{}x", n % 300)));
                }
            })
        })
        .collect();
    tokio::task::spawn_blocking(|| threads.into_iter().for_each(|thread| thread.join().unwrap()))
        .await
        .unwrap();
    for run in runs {
        run.abort();
        let _ = run.await;
    }
    for store in &stores {
        synced(store).await;
    }
    let totals = totals(&stores[0]).await;
    assert_eq!(totals.recorded, 40_000);
    assert_eq!(totals.held + totals.dropped.total(), 40_000);
    assert_eq!(totals.groups, 300);
    assert_eq!(
        totals.dropped.queue_full,
        stores.iter().map(|s| s.local().dropped.queue_full).sum::<u64>()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takers_beside_each_other_take_each_occurrence_once() {
    let Some(server) = Server::start() else { return };
    let stores = [(); 3].map(|()| server.store());
    let recorder = stores[0].clone();
    let record_all = thread::spawn(move || {
        for n in 0..20_000 {
            recorder.record(&failure(&format!("E{}x", n % 500)));
        }
    });
    let takers = stores.clone().map(|store| {
        tokio::spawn(async move {
            let mut taken = 0;
            for round in 0..40 {
                let batch = store.take(100).await.unwrap();
                if round % 3 == 0 {
                    assert!(store.put_back(batch.id).await.unwrap());
                } else {
                    taken += batch.count();
                    assert!(store.acknowledge(batch.id).await.unwrap());
                }
            }
            taken
        })
    });
    let mut taken = 0;
    for taker in takers {
        taken += taker.await.unwrap();
    }
    tokio::task::spawn_blocking(|| record_all.join().unwrap()).await.unwrap();
    taken += stores[0].flush().await.unwrap().count();
    let totals = totals(&stores[0]).await;
    assert_eq!((totals.recorded, totals.delivered, totals.in_flight), (20_000, taken, 0));
    assert_eq!(taken + totals.dropped.total(), 20_000);
}

#[tokio::test]
async fn what_one_process_mutes_is_muted_in_the_others() {
    let Some(server) = Server::start() else { return };
    let [one, two] = [(); 2].map(|()| server.store());
    let muted = failure("Muted");
    assert_eq!(two.record(&muted), Seen::Queued);
    synced(&two).await;
    assert!(one.mute(muted.grouping.fingerprint, Some(Mute::FOREVER)).await.unwrap());
    two.record(&muted);
    synced(&two).await;
    assert_eq!(two.record(&muted), Seen::Muted);
    synced(&two).await;
    assert!(one.mute(muted.grouping.fingerprint, None).await.unwrap());
    two.record(&muted);
    synced(&two).await;
    assert_eq!(two.record(&muted), Seen::Known);
}

#[tokio::test]
async fn a_long_list_is_read_in_order_and_whole() {
    let Some(server) = Server::start() else { return };
    let store = server.store();
    for n in 0..300 {
        for _ in 0..=n % 7 {
            store.record(&record(
                Draft::new(&format!("E{n}x"), "it broke").source(&format!("s{}", n % 2)),
            ));
        }
    }
    synced(&store).await;
    let all = store.top(usize::MAX).await.unwrap();
    assert_eq!(all.len(), 300);
    assert!(all.is_sorted_by_key(|group| (std::cmp::Reverse(group.count), group.fingerprint)));
    let odd = Filter { source: Some("s1".into()), limit: 100, ..Filter::default() };
    assert_eq!(store.list(&odd).await.unwrap().len(), 100);
}

#[tokio::test]
async fn reading_goes_on_beside_recording() {
    let Some(server) = Server::start() else { return };
    let store = server.store();
    store.record(&failure("A"));
    synced(&store).await;
    let run = tokio::spawn({
        let store = server.builder().interval(Duration::from_millis(1)).build().unwrap();
        store.record(&failure("A"));
        async move { store.run().await }
    });
    until_async("the other process handed it over", async || {
        let group = store.group(failure("A").grouping.fingerprint).await.unwrap()?;
        (group.count == 2).then_some(())
    })
    .await;
    run.abort();
}
