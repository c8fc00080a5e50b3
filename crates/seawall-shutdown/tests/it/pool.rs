//! The worker pool.

use std::time::Duration;

use seawall_shutdown::{PoolCounts, Shutdown, SubmitError, WorkerPool};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

fn counts_add_up(counts: PoolCounts, taken_back: usize) {
    let settled = counts.finished + counts.panicked + counts.aborted;
    assert_eq!(counts.submitted, settled + counts.queued + taken_back as u64, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn submit_never_waits_and_hands_back_what_is_refused() {
    let shutdown = Shutdown::builder().build().unwrap();
    let pool =
        WorkerPool::builder().workers(1).queue(2).start(&shutdown, |_: u32| sleep(SECOND)).unwrap();
    pool.submit(1).unwrap();
    tokio::task::yield_now().await;
    // One is with the worker, two wait.
    pool.submit(2).unwrap();
    pool.submit(3).unwrap();
    let full = pool.submit(4).unwrap_err();
    assert_eq!(full, SubmitError::Full(4));
    assert_eq!(full.to_string(), "the queue is full");
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.total, 3 * SECOND, "queued jobs are finished");
    assert_eq!(pool.submit(5).unwrap_err(), SubmitError::ShuttingDown(5));
    let counts = pool.counts();
    assert_eq!((counts.finished, counts.refused), (3, 2));
    counts_add_up(counts, 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_at_the_deadline_is_handed_back() {
    let shutdown = Shutdown::builder().grace_period(10 * SECOND).build().unwrap();
    let pool =
        WorkerPool::builder().workers(2).start(&shutdown, |_: u32| sleep(4 * SECOND)).unwrap();
    for job in 0..10 {
        pool.submit(job).unwrap();
    }
    shutdown.trigger("test");
    let report = shutdown.run().await;
    assert_eq!(report.total, 10 * SECOND);
    let names: Vec<_> = report.left_behind.iter().map(|left| &*left.name).collect();
    assert_eq!(names, ["worker 1", "worker 2"]);
    // Give the aborted workers a turn to be dropped.
    tokio::task::yield_now().await;
    let left = pool.take_queued();
    assert_eq!(left, [6, 7, 8, 9]);
    let counts = pool.counts();
    assert_eq!((counts.finished, counts.aborted), (4, 2));
    counts_add_up(counts, left.len());
}

#[tokio::test(start_paused = true)]
async fn a_job_that_panics_takes_no_worker_with_it() {
    let shutdown = Shutdown::builder().build().unwrap();
    let pool = WorkerPool::builder()
        .workers(1)
        .start(&shutdown, |job: u32| async move {
            assert_ne!(job % 2, 0, "even jobs are not welcome");
        })
        .unwrap();
    for job in 0..100 {
        pool.submit(job).unwrap();
    }
    shutdown.trigger("test");
    assert!(shutdown.run().await.is_clean());
    let counts = pool.counts();
    assert_eq!((counts.finished, counts.panicked), (50, 50));
    counts_add_up(counts, 0);
}

#[tokio::test(start_paused = true)]
async fn a_pool_is_refused_with_fields_out_of_range_or_after_the_end() {
    let shutdown = Shutdown::builder().build().unwrap();
    let work = |(): ()| async {};
    let error = WorkerPool::builder().workers(0).start(&shutdown, work).unwrap_err();
    assert_eq!(error.to_string(), "shutdown: workers is 0, but must be at least 1");
    let error = WorkerPool::builder().queue(0).start(&shutdown, work).unwrap_err();
    assert_eq!(error.field, "queue");
    shutdown.trigger("test");
    shutdown.run().await;
    let error = WorkerPool::builder().start(&shutdown, work).unwrap_err();
    assert_eq!(error.field, "shutdown");
}

#[tokio::test(start_paused = true)]
async fn a_pool_whose_queue_was_taken_back_is_closed_and_its_workers_end() {
    let shutdown = Shutdown::builder().build().unwrap();
    let pool = WorkerPool::builder().workers(2).start(&shutdown, |_: u32| sleep(SECOND)).unwrap();
    for job in 0..3 {
        pool.submit(job).unwrap();
    }
    tokio::task::yield_now().await;
    assert_eq!(pool.take_queued(), [2]);
    assert_eq!(pool.submit(3), Err(SubmitError::ShuttingDown(3)));
    sleep(2 * SECOND).await;
    assert_eq!(shutdown.tasks(), 0, "before the shutdown");
    assert!(pool.take_queued().is_empty());
    counts_add_up(pool.counts(), 1);
}

#[tokio::test(start_paused = true)]
async fn submit_refuses_when_intake_has_stopped_though_every_worker_is_busy() {
    let shutdown = Shutdown::builder().build().unwrap();
    let pool = WorkerPool::builder().workers(1).start(&shutdown, |_: u32| sleep(SECOND)).unwrap();
    pool.submit(1).unwrap();
    tokio::task::yield_now().await;
    shutdown.trigger("test");
    let late = async {
        shutdown.intake_token().cancelled().await;
        pool.submit(2)
    };
    let (report, late) = tokio::join!(shutdown.run(), late);
    assert_eq!(late, Err(SubmitError::ShuttingDown(2)));
    assert!(report.is_clean(), "{report}");
    assert_eq!(pool.counts().refused, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_submitted_while_the_shutdown_begins_are_finished_or_refused() {
    for _ in 0..200 {
        let shutdown = Shutdown::builder().build().unwrap();
        let pool = WorkerPool::builder().queue(10_000).start(&shutdown, |_: u32| async {}).unwrap();
        let submitting = {
            let pool = pool.clone();
            tokio::spawn(async move { (0..200).filter(|&job| pool.submit(job).is_ok()).count() })
        };
        shutdown.trigger("test");
        assert!(shutdown.run().await.is_clean());
        let accepted = submitting.await.unwrap();
        let counts = pool.counts();
        assert_eq!(counts.submitted, accepted as u64);
        assert_eq!(counts.finished, accepted as u64);
    }
}
