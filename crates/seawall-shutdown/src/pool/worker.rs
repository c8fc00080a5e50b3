use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use seawall_core::contain;
use tokio_util::sync::CancellationToken;

use super::Inner;

pub(super) enum Next<J> {
    Job(J),
    Wait,
    Over,
}

pub(super) async fn run_worker<J, F, Fut>(
    inner: Arc<Inner<J>>,
    work: Arc<F>,
    intake: CancellationToken,
) where
    F: Fn(J) -> Fut,
    Fut: Future<Output = ()>,
{
    let mut stopped = pin!(intake.cancelled());
    loop {
        // Jobs that are always ready would keep this thread from everybody else, and this task
        // from being aborted.
        tokio::task::coop::consume_budget().await;
        let mut submitted = pin!(inner.submitted.notified());
        // Hears what comes between the look at the queue and the wait.
        submitted.as_mut().enable();
        match inner.next() {
            Next::Job(job) => run_job(&inner, &*work, job).await,
            Next::Over => return,
            Next::Wait => {
                poll_fn(|cx| {
                    if stopped.as_mut().poll(cx).is_ready() {
                        inner.close();
                        return Poll::Ready(());
                    }
                    submitted.as_mut().poll(cx)
                })
                .await;
            }
        }
    }
}

async fn run_job<J, F, Fut>(inner: &Inner<J>, work: &F, job: J)
where
    F: Fn(J) -> Fut,
    Fut: Future<Output = ()>,
{
    // Counts the job as aborted unless it comes to another end.
    let mut counted = Counted(&inner.aborted);
    let mut running = pin!(async { work(job).await });
    let end = poll_fn(|cx| match contain(|| running.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(())) => Poll::Ready(&inner.finished),
        Err(_) => Poll::Ready(&inner.panicked),
    })
    .await;
    counted.0 = end;
}

struct Counted<'a>(&'a AtomicU64);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
