//! Which attempts, and how many at a time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;

use seawall::{Attempt, Pipeline, Retry};
use seawall_chaos::Chaos;

use crate::{Errors, MS, failing, failing_in};

/// The numbers of the calls that fail, of `count`.
async fn failures(chaos: Chaos<Errors>, count: u32) -> Vec<u32> {
    let pipeline = Pipeline::builder("shop").layer(chaos).build().expect("valid");
    let mut failed = Vec::new();
    for number in 0..count {
        if pipeline.call(async || Ok::<_, io::Error>(())).await.is_err() {
            failed.push(number);
        }
    }
    failed
}

#[tokio::test]
async fn every_nth_is_every_nth() {
    let chaos = failing().every_nth(3).enabled().build().expect("valid");
    assert_eq!(failures(chaos, 10).await, [2, 5, 8]);
}

#[tokio::test]
async fn which_attempts_follows_from_the_seed_whatever_runs() {
    let chaos = |seed| {
        let chaos = failing_in(0.3).seed(seed);
        chaos.enabled().build().expect("valid")
    };
    let alone = failures(chaos(7), 100).await;
    assert_eq!(alone, failures(chaos(7), 100).await);
    assert_ne!(alone, failures(chaos(8), 100).await);

    // A hundred at a time, started in order and polled in any.
    let pipeline = Pipeline::builder("shop").layer(chaos(7)).build().expect("valid");
    let call = || {
        pipeline.call(async || {
            tokio::task::yield_now().await;
            Ok::<_, io::Error>(())
        })
    };
    let mut calls: Vec<_> = (0..100).map(|_| Box::pin(call())).collect();
    let mut failed = Vec::new();
    let mut waiting: Vec<u32> = (0..100).collect();
    std::future::poll_fn(|cx| {
        waiting.retain(|&number| match calls[number as usize].as_mut().poll(cx) {
            Poll::Ready(result) => {
                if result.is_err() {
                    failed.push(number);
                }
                false
            }
            Poll::Pending => true,
        });
        waiting.reverse();
        if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    failed.sort_unstable();
    assert_eq!(failed, alone);
}

#[tokio::test(start_paused = true)]
async fn first_attempts_only_and_one_draw_for_a_call() {
    let build = |chaos| {
        Pipeline::builder("shop")
            .retry(Retry::builder().idempotent().without_budget())
            .layer(chaos)
            .build()
            .expect("valid")
    };
    let chaos = failing().attempts(1..=1).enabled().build().expect("valid");
    let pipeline = build(chaos.clone());
    for _ in 0..10 {
        assert!(pipeline.call(async || Ok::<_, io::Error>(())).await.is_ok());
    }
    assert_eq!(chaos.counts().error, 10);

    // Half of the calls: all of their attempts, or none.
    let chaos = failing_in(0.5).per_call().enabled();
    let chaos = chaos.build().expect("valid");
    let pipeline = build(chaos.clone());
    let mut failed = 0;
    for _ in 0..200 {
        failed += u64::from(pipeline.call(async || Ok::<_, io::Error>(())).await.is_err());
    }
    assert!((70..130).contains(&failed), "{failed}");
    assert_eq!(chaos.counts().error, 3 * failed);
}

#[tokio::test]
async fn only_when() {
    let chaos = failing().when(|attempt: &Attempt| attempt.deadline().is_some()).enabled();
    let pipeline = Pipeline::builder("shop").layer(chaos).build().expect("valid");
    let call = || pipeline.call(async || Ok::<_, io::Error>(()));
    assert!(call().await.is_ok());
    let due = Attempt::first().due_by(tokio::time::Instant::now() + 1_000 * MS);
    assert!(call().with_attempt(due).await.is_err());
    // A panic in the condition means no.
    let chaos = failing().when(|_| panic!("the user's own fault")).enabled();
    let pipeline = Pipeline::builder("shop").layer(chaos).build().expect("valid");
    assert!(pipeline.call(async || Ok::<_, io::Error>(())).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn dropped_while_delayed_nothing_was_started_and_the_place_is_free() {
    let chaos = Chaos::builder().latency(1.0, 100 * MS..101 * MS).at_most_in_flight(1).enabled();
    let chaos = chaos.build().expect("valid");
    let pipeline = Pipeline::builder("shop").layer(chaos.clone()).build().expect("valid");
    let started = Arc::new(AtomicU32::new(0));
    let call = || {
        let started = Arc::clone(&started);
        pipeline.call(move || {
            started.fetch_add(1, Ordering::Relaxed);
            async { Ok::<_, io::Error>(()) }
        })
    };
    let mut late = Box::pin(call());
    assert!(tokio::time::timeout(50 * MS, &mut late).await.is_err());
    assert_eq!((started.load(Ordering::Relaxed), chaos.in_flight()), (0, 1));
    // One at a time: this one is held back, and not late.
    assert!(tokio::time::timeout(MS, call()).await.is_ok());
    assert_eq!(chaos.counts().held_back, 1);
    drop(late);
    assert_eq!((started.load(Ordering::Relaxed), chaos.in_flight()), (1, 0));

    let began = tokio::time::Instant::now();
    assert!(call().await.is_ok());
    assert!((100 * MS..103 * MS).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(chaos.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn silence_lasts_until_it_is_dropped_and_outcomes_are_made() {
    let chaos = Chaos::builder().never(1.0).enabled().build().expect("valid");
    let pipeline = Pipeline::builder("shop").timeout(50 * MS).layer(chaos.clone()).build();
    let error = pipeline.expect("valid").call(async || Ok::<_, io::Error>(())).await.unwrap_err();
    assert!(error.timed_out().is_some() && chaos.in_flight() == 0);

    let stale = Chaos::builder().outcome(1.0, |_| Ok::<_, io::Error>("stale")).enabled();
    let pipeline = Pipeline::builder("shop").layer(stale).build().expect("valid");
    assert_eq!(pipeline.call(async || Ok::<_, io::Error>("fresh")).await.ok(), Some("stale"));
}

#[tokio::test]
async fn the_control_group_is_counted_and_spared() {
    let chaos = failing().control(0.5).enabled().build().expect("valid");
    let failed = failures(chaos.clone(), 1_000).await;
    let counts = chaos.counts();
    assert_eq!(counts.control + counts.error, 1_000);
    assert_eq!(failed.len() as u64, counts.error);
    assert!((430..570).contains(&counts.control), "{counts:?}");
    assert_eq!((counts.failed, counts.succeeded), (counts.error, counts.control));
}
