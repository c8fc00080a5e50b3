use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use seawall_core::contain;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::queue::End;

pub(super) async fn run_worker<J, F, Fut>(
    shared: Arc<Shared<J>>,
    number: usize,
    work: Arc<F>,
    intake: CancellationToken,
) where
    F: Fn(J) -> Fut,
    Fut: Future<Output = ()>,
{
    let mut stopped = pin!(intake.cancelled());
    loop {
        // Jobs that are always ready would keep this thread from every other task, and this task
        // from being aborted.
        tokio::task::coop::consume_budget().await;
        let job = poll_fn(|cx| {
            if stopped.as_mut().poll(cx).is_ready() {
                shared.close();
            }
            shared.queue.lock().poll_next(number, cx)
        });
        match job.await {
            Some(job) => run_job(&shared, &*work, job).await,
            None => return,
        }
    }
}

async fn run_job<J, F, Fut>(shared: &Shared<J>, work: &F, job: J)
where
    F: Fn(J) -> Fut,
    Fut: Future<Output = ()>,
{
    // Counts the job as aborted if it is dropped.
    let mut counted = Counted { shared, end: End::Aborted };
    let mut running = pin!(async { work(job).await });
    counted.end = poll_fn(|cx| match contain(|| running.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(())) => Poll::Ready(End::Finished),
        Err(_) => Poll::Ready(End::Panicked),
    })
    .await;
}

struct Counted<'a, J> {
    shared: &'a Shared<J>,
    end: End,
}

impl<J> Drop for Counted<'_, J> {
    fn drop(&mut self) {
        self.shared.queue.lock().end(self.end);
    }
}
