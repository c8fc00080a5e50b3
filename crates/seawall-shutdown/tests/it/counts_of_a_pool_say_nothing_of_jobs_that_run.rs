//! A job that ran was in none of the counts, nor was one that had been taken back: nobody could tell the two apart, or that
//! the counts add up.

use std::time::Duration;

use seawall_shutdown::{PoolCounts, Shutdown, WorkerPool};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

fn add_up(counts: PoolCounts) -> bool {
    let PoolCounts { submitted, finished, panicked, aborted, queued, running, taken_back, .. } =
        counts;
    submitted == finished + panicked + aborted + queued + running + taken_back
}

#[tokio::test(start_paused = true)]
async fn a_job_is_counted_in_one_place_at_every_moment() {
    let shutdown = Shutdown::builder().grace_period(10 * SECOND).build().unwrap();
    let pool = WorkerPool::builder()
        .workers(2)
        .start(&shutdown, |takes: Duration| async move {
            sleep(takes).await;
            assert_ne!(takes, 2 * SECOND, "two seconds are not welcome");
        })
        .unwrap();
    for takes in [SECOND, 2 * SECOND, SECOND, Duration::MAX, Duration::MAX, SECOND] {
        pool.submit(takes).unwrap();
    }
    let seen = |counts: PoolCounts| {
        assert!(add_up(counts), "{counts:?}");
        (counts.queued, counts.running, counts.finished, counts.panicked)
    };
    assert_eq!(seen(pool.counts()), (6, 0, 0, 0));
    tokio::task::yield_now().await;
    assert_eq!(seen(pool.counts()), (4, 2, 0, 0));
    sleep(Duration::from_millis(2_500)).await;
    assert_eq!(seen(pool.counts()), (1, 2, 2, 1));
    assert_eq!(pool.take_queued().len(), 1);
    let counts = pool.counts();
    assert!(add_up(counts), "{counts:?}");
    assert_eq!((counts.taken_back, counts.running), (1, 2));
    shutdown.trigger("test");
    shutdown.run().await;
    tokio::task::yield_now().await;
    let counts = pool.counts();
    assert!(add_up(counts), "{counts:?}");
    assert_eq!((counts.aborted, counts.running), (2, 0));
}
