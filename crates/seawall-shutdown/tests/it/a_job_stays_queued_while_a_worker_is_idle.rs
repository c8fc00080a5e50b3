//! A worker that ran a job was still enlisted for the next one: a job that came was announced to it, and the worker that
//! was idle slept on until the next job came, for good if the first job never ended.

use std::time::Duration;

use seawall_shutdown::{Shutdown, WorkerPool};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn each_of_a_few_jobs_is_run_at_once_while_one_worker_is_busy_for_good() {
    let shutdown = Shutdown::builder().build().unwrap();
    let pool =
        WorkerPool::builder().workers(2).start(&shutdown, |takes: Duration| sleep(takes)).unwrap();
    tokio::task::yield_now().await;
    pool.submit(Duration::MAX).unwrap();
    tokio::task::yield_now().await;
    for done in 1..=10 {
        pool.submit(SECOND).unwrap();
        sleep(2 * SECOND).await;
        assert_eq!(pool.counts().finished, done, "{:?}", pool.counts());
    }
}
