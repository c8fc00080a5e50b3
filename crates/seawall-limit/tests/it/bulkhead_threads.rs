//! Real threads: never more in flight than allowed, and the count is exact in the end.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use seawall_core::Random;
use seawall_limit::Bulkhead;
use seawall_testkit::drop_after;

const LIMIT: u32 = 4;
const THREADS: u64 = 4;
const ROUNDS: u64 = 250_000;

/// Counts what is in flight from the outside.
struct Watch<'w>(&'w AtomicU32, u32);

impl<'w> Watch<'w> {
    fn over(count: &'w AtomicU32, weight: u32) -> Self {
        let now = count.fetch_add(weight, Ordering::SeqCst) + weight;
        assert!(now <= LIMIT, "{now} in flight");
        Self(count, weight)
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(self.1, Ordering::SeqCst);
    }
}

async fn worker(bulkhead: &Bulkhead, random: &Random, in_flight: &AtomicU32, done: &AtomicU64) {
    let heavy = bulkhead.with_weight(3).unwrap();
    for _ in 0..ROUNDS {
        let (handle, weight) = if random.below(4) == 0 { (&heavy, 3) } else { (bulkhead, 1) };
        let call = handle.call(async {
            let _watch = Watch::over(in_flight, weight);
            if random.below(3) == 0 {
                tokio::task::yield_now().await;
            }
            Ok::<_, ()>(())
        });
        match random.below(8) {
            0 => drop(drop_after(usize::try_from(random.below(3)).unwrap(), call).await),
            1 => drop(handle.try_acquire().map(|permit| {
                let watch = Watch::over(in_flight, weight);
                drop(watch);
                drop(permit);
            })),
            _ => call.await.unwrap(),
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_million_random_acquires_cancels_and_releases_leave_the_count_exact() {
    let bulkhead = Bulkhead::builder().limit(LIMIT).queue(64, Duration::MAX).build().unwrap();
    let (in_flight, done) = (AtomicU32::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for seed in 0..THREADS {
            let (bulkhead, in_flight, done) = (&bulkhead, &in_flight, &done);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let random = Random::seeded(seed);
                runtime.block_on(worker(bulkhead, &random, in_flight, done));
            });
        }
    });
    assert_eq!(done.into_inner(), THREADS * ROUNDS);
    let rest = bulkhead.snapshot();
    assert_eq!((rest.in_flight, rest.queued, in_flight.into_inner()), (0, 0, 0));
}

#[test]
fn a_limit_that_changes_all_the_time_is_never_exceeded_by_new_calls() {
    let bulkhead = Bulkhead::builder().limit(LIMIT).queue(64, Duration::MAX).build().unwrap();
    let (in_flight, done) = (AtomicU32::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for seed in 0..2 {
            let (bulkhead, in_flight, done) = (&bulkhead, &in_flight, &done);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let random = Random::seeded(seed);
                runtime.block_on(async {
                    for _ in 0..ROUNDS / 10 {
                        let call = bulkhead.call(async {
                            let _watch = Watch::over(in_flight, 1);
                            Ok::<_, ()>(())
                        });
                        let awaits = usize::try_from(random.below(3)).unwrap();
                        drop(drop_after(awaits, call).await);
                    }
                });
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        let random = Random::seeded(9);
        while done.load(Ordering::SeqCst) < 2 {
            let limit = 1 + u32::try_from(random.below(u64::from(LIMIT))).unwrap();
            bulkhead.set_limit(limit).unwrap();
        }
    });
    let rest = bulkhead.snapshot();
    assert_eq!((rest.in_flight, rest.queued), (0, 0));
}
