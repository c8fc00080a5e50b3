//! Everything has a bound, and what is beyond it is counted.

use std::time::Duration;

use seawall_capture::store::{Filter, StoreError};
use seawall_capture::{Draft, Record, Store};

use crate::server::{Server, failure, record, synced, totals, until};

#[tokio::test]
async fn a_flood_of_distinct_failures_does_not_wash_out_what_is_known() {
    let Some(server) = Server::start() else { return };
    let store = server.builder().max_groups(100).build().unwrap();
    let known: Vec<Record> = (0..50).map(|n| failure(&format!("K{n}x"))).collect();
    for _ in 0..5 {
        for record in &known {
            store.record(record);
        }
        synced(&store).await;
    }
    for n in 0..2_000 {
        store.record(&failure(&format!("F{n}x")));
    }
    synced(&store).await;
    let totals = totals(&store).await;
    assert_eq!((totals.recorded, totals.groups), (2_250, 100));
    assert_eq!(totals.held + totals.other, 2_250);
    assert_eq!(totals.evicted, 1_950);
    for record in known {
        let group = store.group(record.grouping.fingerprint).await.unwrap().unwrap();
        assert_eq!(group.count, 5);
    }
    let batch = store.flush().await.unwrap();
    assert_eq!((batch.groups.len(), batch.other), (100, totals.other));
}

#[tokio::test]
async fn what_is_no_longer_new_goes_before_what_came_often() {
    let Some(server) = Server::start() else { return };
    let store = server.builder().max_groups(10).new_for(Duration::ZERO).build().unwrap();
    let often = failure("Often");
    (0..4).for_each(|_| _ = store.record(&often));
    for n in 0..50 {
        store.record(&failure(&format!("F{n}x")));
        synced(&store).await;
        // What came within one millisecond came at the same time.
        let now = || server.run::<(u64, u64)>("TIME").1 / 1_000;
        let before = now();
        until("a millisecond is over", || (now() != before).then_some(()));
    }
    let groups = store.list(&Filter::default()).await.unwrap();
    assert_eq!(groups.len(), 10);
    let mut names: Vec<_> = groups.into_iter().map(|group| group.last.type_name).collect();
    names.sort();
    let mut expected: Vec<_> = (41..50).map(|n| format!("F{n}x")).collect();
    expected.push("Often".into());
    assert_eq!(names, expected);
}

#[tokio::test]
async fn what_came_once_and_is_old_goes_before_what_came_twice() {
    let Some(server) = Server::start() else { return };
    let store = server.builder().max_groups(10).new_for(Duration::ZERO).build().unwrap();
    let twice: Vec<Record> = (0..9).map(|n| failure(&format!("T{n}x"))).collect();
    for record in twice.iter().chain(&twice) {
        store.record(record);
    }
    for n in 0..20 {
        store.record(&failure(&format!("F{n}x")));
        synced(&store).await;
    }
    for record in twice {
        assert!(store.group(record.grouping.fingerprint).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn bytes_are_bounded() {
    let Some(server) = Server::start() else { return };
    let store = server.builder().max_bytes(1 << 20).build().unwrap();
    for n in 0..500 {
        let long =
            Draft::new(&format!("E{n}x"), &"x ".repeat(2_000)).value("v", &"y ".repeat(2_000));
        store.record(&record(long));
    }
    synced(&store).await;
    let totals = totals(&store).await;
    assert!(totals.bytes <= 1 << 20 && totals.bytes > 1 << 19, "{totals:?}");
    assert_eq!(totals.recorded, 500);
    assert_eq!(totals.groups + totals.evicted, 500);
    // The sum of the sizes is that of what is there.
    let _ = store.flush().await.unwrap();
    assert_eq!(self::totals(&store).await.bytes, 0);
}

#[tokio::test]
async fn what_the_process_evicts_while_it_waits_is_counted() {
    let Some(server) = Server::start() else { return };
    let store = server.builder().local_groups(10).local_bytes(1 << 20).build().unwrap();
    for n in 0..1_000 {
        store.record(&failure(&format!("F{n}x")));
    }
    let local = store.local();
    assert_eq!((local.groups, local.held + local.other), (10, 1_000));
    synced(&store).await;
    let totals = totals(&store).await;
    assert_eq!((totals.recorded, totals.held, totals.other), (1_000, 10, 990));
}

#[tokio::test]
async fn batches_are_bounded() {
    let Some(server) = Server::start() else { return };
    let store = server.store();
    for n in 0..64 {
        store.record(&failure(&format!("E{n}x")));
        assert_eq!(store.take(1).await.unwrap().count(), 1);
    }
    assert!(matches!(store.take(1).await, Err(StoreError::TooManyBatches)));
}

#[tokio::test]
async fn names_that_are_remembered_are_bounded() {
    let Some(server) = Server::start() else { return };
    let store = server.builder().max_groups(20).build().unwrap();
    for round in 0..10 {
        for n in 0..20 {
            store.record(&failure(&format!("R{round}xN{n}x")));
        }
        let _ = store.flush().await.unwrap();
    }
    synced(&store).await;
    let remembered: usize = server.run("ZCARD {seawall:default}:dormant");
    assert!((20..=40).contains(&remembered), "{remembered}");
    assert_eq!(totals(&store).await.delivered, 200);
}
